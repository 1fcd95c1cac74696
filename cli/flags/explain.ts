/** `shedu explain` on the command line: its flags and the help that teaches it. */
import type { Command, Option } from 'commander'
import type { ExplainOptions } from '../commands/explain.ts'
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
  outputFlag,
  policiesFlag,
  registriesFlag,
  timeoutFlag,
  toContextOptions,
  trustRootsFlag,
} from './shared-flags.ts'

const HELP = `
Examples:
  $ shedu explain ghcr.io/acme/shop:v1 --policies policies/ --trust-roots trust-roots/
  $ shedu explain ghcr.io/acme/shop@sha256:HEX --policies policies/
  $ shedu explain ghcr.io/acme/shop:v1 --context production --trust-roots trust-roots/
  $ shedu explain ghcr.io/acme/shop:v1
  $ shedu explain ghcr.io/acme/shop:v1 --policies policies/ -o json | jq '.places[].artefacts[].claims.certificate'

Whatever an artefact claims is what somebody wrote into the registry: it is shown to be read, not to be believed.

${OF_A_CLUSTER}

Exit codes:
  0  a Pod with this image would be admitted; without policies: something is attached to it
  1  it would be refused; without policies: nothing is attached, or there is no such image
  2  wrong usage: a flag, a file, a policy, a context, or no image reference
  3  it could not be told (a registry or the cluster did not answer, or may not be asked)`

/** Adds the command; `run` gets its options. */
export function addExplain(program: Command, run: (options: ExplainOptions) => Promise<void>): void {
  const command = program
    .command('explain')
    .summary('show what is attached to an image, and why it counts or does not')
    .description(
      'Shows everything that is attached to an image, in which place and layout, what each signature and attestation claims, why it counts or does not for each authority of each policy, and the verdict that shedu check would give.',
    )
    .argument('<image>', 'image reference, by tag or by digest')
    .showHelpAfterError('(shedu explain --help shows examples)')
    .addHelpText('after', HELP)
    .action((image: string, flags: Flags) => run(toOptions(image, flags)))
  addFlags(command, flags())
}

type Flags = ContextFlags &
  CacheFlags & {
    readonly policies?: string
    readonly registries?: string
    readonly dockerConfig?: string
    readonly trustRoots?: string
    readonly match: ExplainOptions['noMatch']
    readonly timeout: number
    readonly output: ExplainOptions['output']
  }

function flags(): readonly Option[] {
  return [
    policiesFlag(),
    ...contextFlags(),
    registriesFlag(),
    dockerConfigFlag(),
    trustRootsFlag(),
    ...cacheFlags(),
    noMatchFlag(),
    timeoutFlag('the verdict, as long again for looking at everything, and for the policies of a cluster'),
    outputFlag(),
  ]
}

function toOptions(image: string, flags: Flags): ExplainOptions {
  return {
    image,
    policiesDir: flags.policies,
    ...toContextOptions(flags),
    registriesFile: flags.registries,
    dockerConfigFile: flags.dockerConfig,
    trustRootsDir: flags.trustRoots,
    answers: answersOf(flags),
    noMatch: flags.match,
    timeoutMs: flags.timeout,
    output: flags.output,
  }
}
