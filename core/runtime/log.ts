/** One JSON line per event on standard output, written without waiting, flushed when the process ends. */
import { type Logger, pino } from 'pino'
import { scrub, scrubText } from './scrub.ts'

export type Log = Pick<Logger, 'info' | 'warn' | 'error'>

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Everything about one decision in one event; pure code returns what belongs here, the edge writes it once. */
export type AdmissionEvent = {
  readonly uid: string | undefined
  readonly review: string
  readonly outcome: string
  readonly ms: number
  readonly err?: unknown
  readonly [field: string]: unknown
}

/** Names under which nothing reaches the log, at whatever depth, in whatever case, with or without `-` and `_`. */
const SECRETS = [
  'auth',
  'authorization',
  'body',
  'cookie',
  'credential',
  'credentials',
  'dockerconfigjson',
  'headers',
  'key',
  'pass',
  'passwd',
  'password',
  'privatekey',
  'secret',
  'setcookie',
  'token',
] as const

/** `identityToken`, `registry_token`, `clientSecret`: whatever goes before. */
const ENDINGS = /(?:token|secret|password|privatekey)$/

/** By name: an event has some thirty of them, and always the same. */
const known = new Map<string, boolean>()
const KNOWN = 1000

/** What may wait when nobody reads our output; beyond it lines are dropped, so that a stuck reader cannot eat our memory. */
const WAITING_BYTES = 8 * 1024 * 1024

/** Lines are written together, this many or those of this time: a write for each would cost more than the line. */
const TOGETHER_BYTES = 4096
const TOGETHER_MS = 50

/** How many errors of a chain of causes are told. */
const CAUSES = 5

/** Opens the log on a file descriptor or a path. `close` resolves when all is written, or cannot be. */
export function makeLog(level: LogLevel, to: number | string): { readonly log: Log; close: () => Promise<void> } {
  const out = pino.destination({
    dest: to,
    sync: false,
    minLength: TOGETHER_BYTES,
    periodicFlush: TOGETHER_MS,
    maxLength: WAITING_BYTES,
  })
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: label => ({ level: label }),
        log: event => scrub(event, isSecret) as Record<string, unknown>,
      },
      serializers: { err: error => describe(error, CAUSES) },
    },
    out,
  )
  // A reader that has gone or a disk that is full costs us the log, not the gate; and there is nothing to wait for then.
  const ended = new Promise<void>(resolve => {
    out.on('close', resolve).on('error', () => {
      // At exit pino tries to write the rest, for ever if need be.
      out.flushSync = () => {}
      resolve()
    })
  })
  const close = () => {
    out.end()
    return ended
  }
  return { log, close }
}

/** Writes the one event of a decision: our own faults as errors, silence as a warning, answers as information. */
export function logAdmission(log: Log, event: AdmissionEvent): void {
  if (event.err !== undefined) log.error(event, 'admission failed')
  else if (event.outcome === 'undecided') log.warn(event, 'admission decided')
  else log.info(event, 'admission decided')
}

/** An error by what it says and where it was thrown. Whatever else a library has hung on it may hold a request and its secrets. */
function describe(error: unknown, left: number): unknown {
  if (!(error instanceof Error)) return scrubText(String(error))
  const { name, message, stack, cause } = error
  const said = { name, message: scrubText(message), stack: scrubText(stack ?? '') }
  return cause === undefined || left === 1 ? said : { ...said, cause: describe(cause, left - 1) }
}

function isSecret(name: string): boolean {
  const before = known.get(name)
  if (before !== undefined) return before
  const plain = name.toLowerCase().replaceAll(/[^a-z]/g, '')
  const is = (SECRETS as readonly string[]).includes(plain) || ENDINGS.test(plain)
  if (known.size < KNOWN) known.set(name, is)
  return is
}
