/** `shedu check` on the command line: its flags and the help that teaches it. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { InputError } from '#core/domain/input-error.ts'
import type { CheckOptions } from '../commands/check.ts'
import {
  dockerConfigFlag,
  noMatchFlag,
  outputFlag,
  policiesFlag,
  registriesFlag,
  timeoutFlag,
  trustRootsFlag,
} from './shared-flags.ts'

const HELP = `
Examples:
  $ shedu check -f deployment.yaml --policies policies/
  $ shedu check -f manifests/ --policies policies/ --no-match warn
  $ kubectl kustomize overlays/production | shedu check -f - --policies policies/
  $ helm template shop charts/shop | shedu check -f - --policies policies/ -n shop
  $ shedu check -f manifests/ --policies policies/ -o json | jq '.results[] | select(.outcome == "refused")'

Exit codes:
  0  every object would be admitted
  1  at least one would be refused
  2  wrong usage: a flag, a file, a policy, or an object without the shape of its kind
  3  nothing was refused, but for some object it could not be told (a registry did not answer)`

/** Adds the command; `run` gets its options once they are usable. */
export function addCheck(program: Command, run: (options: CheckOptions) => Promise<void>): void {
  const command = program
    .command('check')
    .summary('ask beforehand whether manifests would be admitted')
    .description(
      'Judges manifests as the cluster would, before they reach it: tags are pinned, then every image is judged by the policies. Nothing is sent to a cluster; registries are asked about the images.',
    )
    .showHelpAfterError('(shedu check --help shows examples)')
    .addHelpText('after', HELP)
    .action((flags: Flags) => run(toOptions(flags)))
  for (const option of flags()) command.addOption(option)
}

type Flags = {
  readonly file?: readonly string[]
  readonly policies?: string
  readonly registries?: string
  readonly dockerConfig?: string
  readonly trustRoots?: string
  readonly match: CheckOptions['noMatch']
  readonly pin: CheckOptions['pinScope']
  readonly namespace: string
  readonly timeout: number
  readonly output: CheckOptions['output']
  readonly quiet?: true
}

function flags(): readonly Option[] {
  return [
    new Option('-f, --file <path...>', 'files, folders (with all that is in them) or - for standard input'),
    policiesFlag(),
    registriesFlag(),
    dockerConfigFlag(),
    trustRootsFlag(),
    noMatchFlag(),
    new Option('--pin <scope>', 'pin the tags of images that a policy covers, or of all')
      .choices(['matched', 'all'])
      .default('matched'),
    new Option('-n, --namespace <name>', 'namespace of objects that name none')
      .argParser(parseNamespace)
      .default('default'),
    timeoutFlag('one object'),
    outputFlag(),
    new Option('-q, --quiet', 'print only objects that are not admitted, or with a warning; no summary'),
  ]
}

function toOptions(flags: Flags): CheckOptions {
  if (flags.file === undefined)
    throw new InputError(
      '-f is missing: name a file, a folder, or - for standard input (shedu check --help shows examples)',
    )
  if (flags.policies === undefined) {
    const remedy = 'kubectl get clusterimagepolicies -o yaml > policies/cluster.yaml fetches them from a cluster'
    throw new InputError(`--policies is missing: name the folder that holds the policies of the cluster; ${remedy}`)
  }
  return {
    paths: flags.file,
    policiesDir: flags.policies,
    registriesFile: flags.registries,
    dockerConfigFile: flags.dockerConfig,
    trustRootsDir: flags.trustRoots,
    noMatch: flags.match,
    pinScope: flags.pin,
    namespace: flags.namespace,
    timeoutMs: flags.timeout,
    output: flags.output,
    isQuiet: flags.quiet === true,
  }
}

function parseNamespace(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text
  throw new InvalidArgumentError('expected a name of at most 63 of a-z, 0-9 and -')
}
