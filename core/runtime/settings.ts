/** Configuration from the environment: read once, typed, and an unknown variable with our prefix is an error. */
import { InputError } from '#core/domain/input-error.ts'
import { scrubText } from './scrub.ts'

export type Setting<T> = {
  readonly name: `SHEDU_${string}`
  readonly parse: (text: string) => T
  /** In the notation of the environment; undefined where the setting may be left out. */
  readonly fallback: string | undefined
}

type Values<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never }

export type Environment = { readonly [name: string]: string | undefined }

/** A setting that has a value in any case. */
export function setting<T>(name: Setting<T>['name'], parse: (text: string) => T, fallback: string): Setting<T> {
  return { name, parse, fallback }
}

/** A setting that may be left out, and is undefined then. */
export function optional<T>(name: Setting<T>['name'], parse: (text: string) => T): Setting<T | undefined> {
  return { name, parse, fallback: undefined }
}

/** Reads every setting of the table. Throws an InputError for the first that is unknown or cannot be used. */
export function readSettings<S extends { readonly [key: string]: Setting<unknown> }>(
  environment: Environment,
  table: S,
): Values<S> {
  refuseUnknown(environment, Object.values(table))
  const values = Object.entries(table).map(([key, one]) => [key, readSetting(environment, one)])
  return Object.freeze(Object.fromEntries(values)) as Values<S>
}

function readSetting(environment: Environment, one: Setting<unknown>): unknown {
  const text = environment[one.name] ?? one.fallback
  if (text === undefined) return undefined
  try {
    return one.parse(text)
  } catch (error) {
    throw new InputError(`${one.name}=${JSON.stringify(scrubText(text))} is not usable`, { cause: error })
  }
}

function refuseUnknown(environment: Environment, table: readonly Setting<unknown>[]): void {
  const known = new Set<string>(table.map(one => one.name))
  const unknown = Object.keys(environment).filter(name => name.startsWith('SHEDU_') && !known.has(name))
  // The kubelet describes every Service of the namespace in variables made of its name: one called shedu says SHEDU_PORT.
  const injected = unknown.find(name => name.endsWith('_SERVICE_HOST'))
  if (injected !== undefined) {
    const remedy = 'Kubernetes set it for a Service of that name; write enableServiceLinks: false into the Pod'
    throw new InputError(`${injected} is not a setting: ${remedy}`)
  }
  const [first] = unknown
  if (first !== undefined) throw new InputError(`${first} is not a setting; did you mean ${nearest(first, known)}?`)
}

function nearest(name: string, known: ReadonlySet<string>): string | undefined {
  return [...known].toSorted((a, b) => distance(name, a) - distance(name, b))[0]
}

/** Levenshtein's distance: the fewest letters to insert, drop or replace. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (const [i, letter] of Array.from(from).entries()) {
    const next = [i + 1]
    for (const [j, other] of Array.from(to).entries()) {
      const replaced = (row[j] as number) + (letter === other ? 0 : 1)
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}
