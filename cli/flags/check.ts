/** `shedu check` on the command line: its flags and the help that teaches it. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { InputError } from '#core/domain/input-error.ts'
import type { CheckOptions } from '../commands/check.ts'
import { parseImageArgument } from '../image-object.ts'
import type { Output } from '../output.ts'
import {
  addFlags,
  answersOf,
  type CacheFlags,
  type ContextFlags,
  cacheFlags,
  contextFlags,
  dockerConfigFlag,
  noMatchFlag,
  OF_A_CLUSTER,
  outputsFlag,
  policiesFlag,
  registriesFlag,
  timeoutFlag,
  toContextOptions,
  trustRootsFlag,
  usable,
} from './shared-flags.ts'

const HELP = `
Examples:
  $ shedu check -f deployment.yaml --policies policies/
  $ shedu check -f manifests/ --policies policies/ --no-match warn
  $ shedu check -f manifests/ --context production --trust-roots trust-roots/
  $ kubectl kustomize overlays/production | shedu check -f - --policies policies/
  $ helm template shop charts/shop | shedu check -f - --policies policies/ -n shop
  $ shedu check --image ghcr.io/acme/shop:v1 ghcr.io/acme/api:v1 --policies policies/
  $ shedu check -f manifests/ --policies policies/ -o text -o github -o sarif=shedu.sarif -o junit=shedu.xml
  $ shedu check -f manifests/ --policies policies/ -o json | jq '.results[] | select(.outcome == "refused")'
  $ shedu check -f manifests/ --policies policies/ --cache .shedu/             # fills the folder
  $ shedu check -f manifests/ --policies policies/ --cache .shedu/ --offline   # asks nobody

${OF_A_CLUSTER}

Exit codes:
  0  every object would be admitted
  1  at least one would be refused
  2  wrong usage: a flag, a file, a policy, a context, or an object without the shape of its kind
  3  nothing was refused, but for some object it could not be told (a registry or the cluster did not answer, or may not be asked)`

/** What of the options comes from where we are run. */
export type Surroundings = Pick<CheckOptions, 'sourceRoot' | 'isWatched'>

/** Adds the command; `run` gets its options once they are usable. */
export function addCheck(
  program: Command,
  surroundings: Surroundings,
  run: (options: CheckOptions) => Promise<void>,
): void {
  const command = program
    .command('check')
    .summary('ask beforehand whether manifests or images would be admitted')
    .description(
      'Judges manifests and images as the cluster would, before they reach it: tags are pinned, then every image is judged by the policies. A cluster is asked for its policies at most; registries are asked about the images.',
    )
    .showHelpAfterError('(shedu check --help shows examples)')
    .addHelpText('after', HELP)
    .action((flags: Flags) => run(toOptions(flags, surroundings)))
  addFlags(command, flags())
}

type Flags = ContextFlags &
  CacheFlags & {
    readonly file?: readonly string[]
    readonly image?: readonly string[]
    readonly policies?: string
    readonly registries?: string
    readonly dockerConfig?: string
    readonly trustRoots?: string
    readonly match: CheckOptions['noMatch']
    readonly pin: CheckOptions['pinScope']
    readonly namespace?: string
    readonly timeout: number
    readonly parallel: number
    readonly output?: readonly Output[]
    readonly strict?: true
    readonly quiet?: true
  }

function flags(): readonly Option[] {
  return [
    new Option('-f, --file <path...>', 'files, folders (with all that is in them) or - for standard input'),
    new Option('--image <reference...>', 'images, each judged as a Pod with that one container').argParser(
      (text, before: readonly string[] | undefined) => {
        usable(parseImageArgument, text)
        return [...(before ?? []), text]
      },
    ),
    policiesFlag(),
    ...contextFlags(),
    registriesFlag(),
    dockerConfigFlag(),
    trustRootsFlag(),
    ...cacheFlags(),
    noMatchFlag(),
    new Option('--pin <scope>', 'pin the tags of images that a policy covers, or of all')
      .choices(['matched', 'all'])
      .default('matched'),
    new Option(
      '-n, --namespace <name>',
      'namespace of objects that name none; without it that of the context, else "default"',
    ).argParser(parseNamespace),
    timeoutFlag('one object, and for the policies of a cluster'),
    new Option('--parallel <number>', `objects that are judged at the same time, 1 to ${MOST_PARALLEL}`)
      .argParser(parseParallel)
      .default(8),
    outputsFlag(),
    new Option('--strict', 'take anything in a folder that is no Kubernetes object for an error'),
    new Option('-q, --quiet', 'print only objects that are not admitted, or with a warning; no summary'),
  ]
}

function toOptions(flags: Flags, surroundings: Surroundings): CheckOptions {
  const { output = [] } = flags
  if (flags.file === undefined && flags.image === undefined)
    throw new InputError(
      '-f is missing: name a file, a folder, or - for standard input; or an image with --image (shedu check --help shows examples)',
    )
  if (flags.policies === undefined && flags.context === undefined)
    throw new InputError(
      '--policies or --context is missing: name the folder that holds the policies of the cluster, or the context of the kubeconfig whose cluster is asked for them',
    )
  return {
    paths: flags.file ?? [],
    images: flags.image ?? [],
    policiesDir: flags.policies,
    ...toContextOptions(flags),
    registriesFile: flags.registries,
    dockerConfigFile: flags.dockerConfig,
    trustRootsDir: flags.trustRoots,
    answers: answersOf(flags),
    noMatch: flags.match,
    pinScope: flags.pin,
    namespace: flags.namespace,
    timeoutMs: flags.timeout,
    parallel: flags.parallel,
    outputs: output.some(({ file }) => file === undefined) ? output : [...output, { form: 'text', file: undefined }],
    isStrict: flags.strict === true,
    isQuiet: flags.quiet === true,
    isWatched: surroundings.isWatched && flags.quiet !== true,
    sourceRoot: surroundings.sourceRoot,
  }
}

/** Each object may have dozens of images; a registry's rate is met before that. */
const MOST_PARALLEL = 64

function parseParallel(text: string): number {
  const number = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= MOST_PARALLEL) return number
  throw new InvalidArgumentError(`expected a number from 1 to ${MOST_PARALLEL}`)
}

function parseNamespace(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text
  throw new InvalidArgumentError('expected a name of at most 63 of a-z, 0-9 and -')
}
