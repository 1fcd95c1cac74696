/** Flags that mean the same in more than one command. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { GateSettings } from '#assembly/assemble-gate.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { ContextOptions } from '../open-context.ts'
import { addOutput, FORMS, type Output } from '../output.ts'
import { parseDuration } from '../parse-duration.ts'

export function policiesFlag(): Option {
  return new Option('--policies <dir>', 'folder with the policies of the cluster')
}

export function contextFlags(): readonly Option[] {
  return [
    new Option(
      '--context <name>',
      'context of the kubeconfig whose cluster is asked for its policies; with --policies, those of the folder win over those of the same name',
    ),
    new Option('--kubeconfig <file>', 'where --context is looked up; without it, in KUBECONFIG, else ~/.kube/config'),
  ]
}

export type ContextFlags = { readonly context?: string; readonly kubeconfig?: string }

/** Throws an InputError for a kubeconfig that nothing is looked up in: somebody believes that a cluster is asked. */
export function toContextOptions({ context, kubeconfig }: ContextFlags): ContextOptions {
  if (kubeconfig !== undefined && context === undefined)
    throw new InputError('--kubeconfig is given without --context: name the context too (kubectl config get-contexts)')
  return { context, kubeconfigFile: kubeconfig }
}

/** What help says below the examples of a command with `--context`. */
export const OF_A_CLUSTER = `With --context, a cluster gives its policies and nothing else: its trust roots (--trust-roots) and the settings of its
webhook (no-match, pin scope, pull secrets) cannot be read from it, so say with flags what holds there.`

export function registriesFlag(): Option {
  return new Option('--registries <file>', 'how registries are reached; without it, over https and anonymously')
}

/** Whoever logged in with Docker on this machine is the one who asks. */
export function dockerConfigFlag(): Option {
  return new Option(
    '--docker-config <file>',
    'credentials for registries that --registries gives none, as docker login leaves them; without it, config.json in DOCKER_CONFIG or ~/.docker, if there is one. The helpers that it names are run',
  )
}

export function trustRootsFlag(): Option {
  return new Option(
    '--trust-roots <dir>',
    'folder with the trust roots of the cluster, for keyless signatures, logs and timestamps',
  )
}

export type CacheFlags = { readonly cache?: string; readonly offline?: true }

export function cacheFlags(): readonly Option[] {
  return [
    new Option(
      '--cache <dir>',
      'folder in which the answers of registries are kept; what cannot have changed is read from it',
    ),
    new Option('--offline', 'ask nobody: everything comes from the folder of --cache, which an earlier run filled'),
  ]
}

/** The folder of answers, as assembly wants it. */
export function answersOf({ cache, offline, context }: CacheFlags & ContextFlags): GateSettings['answers'] {
  // A variable of a job that nobody has set is no wish to fill the folder that the job stands in.
  if (cache === '') throw new InputError('--cache: expected a folder, got nothing')
  if (offline !== true) return cache === undefined ? undefined : { folder: cache, isOffline: false }
  if (cache === undefined)
    throw new InputError('--offline needs --cache: name the folder that an earlier run with --cache filled')
  if (context !== undefined)
    throw new InputError(
      '--context asks a cluster, and --offline nobody: name a folder of its policies with --policies',
    )
  return { folder: cache, isOffline: true }
}

/** Commander takes the `no-` for a negation and calls the flag `match`. */
export function noMatchFlag(): Option {
  return new Option('--no-match <action>', 'what becomes of an image that no policy covers')
    .choices(['deny', 'warn', 'allow'])
    .default('deny')
}

export function timeoutFlag(what: string): Option {
  return new Option('--timeout <time>', `longest time for ${what}, such as 500ms, 30s or 2m`)
    .argParser(text => usable(parseDuration, text))
    .default(30_000, '30s')
}

export function outputFlag(): Option {
  return new Option('-o, --output <form>', 'form of the results on standard output')
    .choices(['text', 'json'])
    .default('text')
}

/** In one form or several, each to a file or one of them to standard output. */
export function outputsFlag(): Option {
  return new Option(
    '-o, --output <form[=file]>',
    'in what form to say what was found, and in which file; may be given several times. Without a file, on standard output; text goes there unless another form does',
  )
    .choices(FORMS)
    .argParser((text, before: readonly Output[] | undefined) => usable(given => addOutput(given, before), text))
}

/**
 * Adds the flags to the command. One that takes a single value is taken once: of two the last would win without a word, and
 * half of what was meant would not be looked at.
 */
export function addFlags(command: Command, flags: readonly Option[]): void {
  for (const flag of flags) command.addOption(takesOneValue(flag) ? once(flag) : flag)
  for (const flag of flags) if (flag.required) refuseFlags(flag)
}

/** Commander takes whatever follows for the value: a flag whose value was forgotten would swallow the next. */
function refuseFlags(option: Option): void {
  const parse = option.parseArg
  option.argParser((text: string, before: unknown) => {
    if (/^--[a-z]/.test(text)) throw new InvalidArgumentError('expected a value, got the next flag')
    if (parse !== undefined) return parse(text, before)
    return option.variadic ? [...(Array.isArray(before) ? before : []), text] : text
  })
}

function takesOneValue({ required, variadic, flags }: Option): boolean {
  return required && !variadic && !flags.includes('[=')
}

function once(option: Option): Option {
  const parse: (text: string, before: unknown) => unknown = option.parseArg ?? (text => text)
  let isGiven = false
  return option.argParser((text: string, before: unknown) => {
    if (isGiven) throw new InvalidArgumentError('expected the flag once, got it twice')
    isGiven = true
    return parse(text, before)
  })
}

/** What `parse` makes of the value of a flag; commander says which flag it is that an InputError is about. */
export function usable<T>(parse: (text: string) => T, text: string): T {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof InputError) throw new InvalidArgumentError(error.message)
    throw error
  }
}
