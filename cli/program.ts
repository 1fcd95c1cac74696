/** The command line of `shedu`: its commands, help that teaches by example, and what each failure says and returns. */
import { Command, CommanderError } from 'commander'
import { ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import { InputError } from '#core/domain/input-error.ts'
import { parseProxies } from '#core/registry/proxy.ts'
import type { Environment } from '#core/runtime/settings.ts'
import { dockerConfigIn } from './docker-config.ts'
import { addCheck, type Surroundings } from './flags/check.ts'
import { addCompletion } from './flags/completion.ts'
import { addExplain } from './flags/explain.ts'
import { addVerify } from './flags/verify.ts'
import { visibleLines } from './report/visible.ts'
import type { Streams } from './streams.ts'
import { readVersion } from './version.ts'

const USAGE = 2
const UNTOLD = 3

/** Loaded once it is known which is wanted: help and completion need none of what checks. */
const COMMANDS = {
  check: () => import('./commands/check.ts'),
  explain: () => import('./commands/explain.ts'),
  verify: () => import('./commands/verify.ts'),
  completion: () => import('./commands/completion.ts'),
} as const

const HELP = `
Examples:
  $ shedu check -f deployment.yaml --policies policies/
  $ shedu check --image ghcr.io/acme/shop:v1 --policies policies/
  $ shedu explain ghcr.io/acme/shop:v1 --policies policies/ --trust-roots trust-roots/
  $ shedu verify --bundle app.sigstore.json --key release.pub app.tar.gz

Exit codes:
  0  admitted, or verified
  1  refused, or not verified
  2  wrong usage
  3  it could not be told`

/** Runs one command line, without the names of node and script in front, and returns the exit code. Throws only what a bug throws. */
export async function run(args: readonly string[], streams: Streams, environment: Environment = {}): Promise<number> {
  let exitCode = 0
  const end = (code: number) => {
    exitCode = code
  }
  const program = makeProgram(streams, environment, end)
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has said what there is to say; it throws for --help and --version as well, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    if (!(error instanceof InputError || error instanceof ClusterUnavailable)) throw error
    streams.stderr.write(`error: ${visibleLines(error.message)}\n`)
    return error instanceof InputError ? USAGE : UNTOLD
  }
}

function makeProgram(streams: Streams, environment: Environment, end: (exitCode: number) => void): Command {
  const docker = dockerConfigIn(environment)
  const program = new Command('shedu')
    .description('Shedu stands at the gate of a Kubernetes cluster: only images signed by whom it trusts get in.')
    .version(readVersion(), '-V, --version', 'print the version')
    .configureOutput({
      writeOut: text => streams.stdout.write(text),
      writeErr: text => streams.stderr.write(visibleLines(text)),
    })
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(shedu --help shows examples)')
    .addHelpText('after', HELP)
  addCheck(program, surroundingsOf(environment), async options =>
    end(await (await COMMANDS.check()).check({ ...docker, proxyFor: parseProxies(environment), ...options }, streams)),
  )
  addExplain(program, async options =>
    end(
      await (await COMMANDS.explain()).explain({ ...docker, proxyFor: parseProxies(environment), ...options }, streams),
    ),
  )
  addVerify(program, async options => end(await (await COMMANDS.verify()).verify(options, streams)))
  addCompletion(program, async shell => end((await COMMANDS.completion()).completion(program, shell, streams)))
  return program
}

/** What the environment says of where we are run. A job's checkout is what findings name files from; a dumb terminal cannot erase a line. */
function surroundingsOf(environment: Environment): Surroundings {
  const sourceRoot = environment['GITHUB_WORKSPACE'] || environment['CI_PROJECT_DIR'] || process.cwd()
  return { sourceRoot, isWatched: environment['TERM'] !== 'dumb' }
}
