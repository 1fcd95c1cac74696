/** The command line of `shedu`: flags, help that teaches by example, and what each failure says and returns. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { InputError } from '#core/domain/input-error.ts'
import type { CheckOptions } from './commands/check.ts'
import { check } from './commands/check.ts'
import { parseDuration } from './parse-duration.ts'
import { visibleLines } from './report/visible.ts'
import type { Streams } from './streams.ts'

const USAGE = 2

const EXIT_CODES = `
Exit codes:
  0  every object would be admitted
  1  at least one would be refused
  2  wrong usage: a flag, a file, a policy, or an object without the shape of its kind
  3  nothing was refused, but for some object it could not be told (a registry did not answer)`

const EXAMPLES = `
Examples:
  $ shedu check -f deployment.yaml --policies policies/
  $ shedu check -f manifests/ --policies policies/ --no-match warn
  $ kubectl kustomize overlays/production | shedu check -f - --policies policies/
  $ helm template shop charts/shop | shedu check -f - --policies policies/ -n shop
  $ shedu check -f manifests/ --policies policies/ -o json | jq '.results[] | select(.outcome == "refused")'
${EXIT_CODES}`

/** Runs one command line, without the names of node and script in front, and returns the exit code. Throws only what a bug throws. */
export async function run(args: readonly string[], streams: Streams): Promise<number> {
  let exitCode = 0
  const program = makeProgram(streams, async options => {
    exitCode = await check(options, streams)
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has said what there is to say; it throws for --help and --version as well, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    if (!(error instanceof InputError)) throw error
    streams.stderr.write(`error: ${visibleLines(error.message)}\n`)
    return USAGE
  }
}

type Flags = {
  readonly file?: readonly string[]
  readonly policies?: string
  readonly registries?: string
  /** Commander takes the `no-` of --no-match for a negation and calls the flag `match`. */
  readonly match: CheckOptions['noMatch']
  readonly pin: CheckOptions['pinScope']
  readonly namespace: string
  readonly timeout: number
  readonly output: CheckOptions['output']
  readonly quiet?: true
}

function makeProgram(streams: Streams, runCheck: (options: CheckOptions) => Promise<void>): Command {
  const program = new Command('shedu')
    .description('Shedu stands at the gate of a Kubernetes cluster: only images signed by whom it trusts get in.')
    .version(readVersion(), '-V, --version', 'print the version')
    .configureOutput({
      writeOut: text => streams.stdout.write(text),
      writeErr: text => streams.stderr.write(visibleLines(text)),
    })
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError('(shedu check --help shows examples)')
    .addHelpText('after', EXAMPLES)
  const command = program
    .command('check')
    .summary('ask beforehand whether manifests would be admitted')
    .description(
      'Judges manifests as the cluster would, before they reach it: tags are pinned, then every image is judged by the policies. Nothing is sent to a cluster; registries are asked about the images.',
    )
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => runCheck(toOptions(flags)))
  for (const option of flags()) command.addOption(option)
  return program
}

function flags(): readonly Option[] {
  return [
    new Option('-f, --file <path...>', 'files, folders (with all that is in them) or - for standard input'),
    new Option('--policies <dir>', 'folder with the policies of the cluster'),
    new Option('--registries <file>', 'how registries are reached; without it, over https and anonymously'),
    new Option('--no-match <action>', 'what becomes of an image that no policy covers')
      .choices(['deny', 'warn', 'allow'])
      .default('deny'),
    new Option('--pin <scope>', 'pin the tags of images that a policy covers, or of all')
      .choices(['matched', 'all'])
      .default('matched'),
    new Option('-n, --namespace <name>', 'namespace of objects that name none')
      .argParser(parseNamespace)
      .default('default'),
    new Option('--timeout <time>', 'longest time for one object, such as 500ms, 30s or 2m')
      .argParser(text => usable(parseDuration, text))
      .default(30_000, '30s'),
    new Option('-o, --output <form>', 'form of the results on standard output')
      .choices(['text', 'json'])
      .default('text'),
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

function usable<T>(parse: (text: string) => T, text: string): T {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof InputError) throw new InvalidArgumentError(error.message)
    throw error
  }
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}
