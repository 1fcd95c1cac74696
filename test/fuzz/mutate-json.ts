/** Changes JSON in one of its values, in the JSON within a value, or in the DER within one. */
import { mutateBytes } from './mutate-bytes.ts'
import { mutateDer } from './mutate-der.ts'
import type { Random } from './random.ts'

type Path = readonly (string | number)[]
type Place = { readonly path: Path; readonly value: unknown }

const NUMBERS = [0, -0, -1, 1, 0.5, 32, 64, 253_402_300_800, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 1e308]
const TEXTS = '|0|1|-1|9007199254740992|9223372036854775807|AA==|AB==|e30=|\0|\ud800'.split('|')
const LISTS = [[], [[]], [null], [{}], Array.from({ length: 33 }, () => ({}))]
const VALUES: readonly unknown[] = [null, true, false, {}, { a: 1 }, 'x'.repeat(5000), ...NUMBERS, ...TEXTS, ...LISTS]

const NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'another',
  'keyid',
  'hint',
  'logIndex',
  'integratedTime',
  'sha256',
  '',
]

/** As bytes, where it is no JSON. */
export function mutateJson(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  const json = parse(bytes)
  if (json === undefined) return mutateBytes(bytes, others, random)
  const places = placesOf(json)
  if (places.length === 0) return mutateBytes(bytes, others, random)
  const { path, value } = random.pick(places)
  const text = JSON.stringify(replaced(json, path, old => change(value, others, random) ?? old))
  return Buffer.from(text ?? '')
}

const LEFT_OUT = Symbol('left out')

function change(value: unknown, others: readonly Uint8Array[], random: Random): unknown {
  switch (random.below(8)) {
    case 0:
      return LEFT_OUT
    case 1:
      return random.pick(VALUES)
    case 2:
      return twice(value, random)
    case 3:
      return partOf(parse(random.pick(others)), random)
    case 4:
      return withMember(value, random)
    default:
      return typeof value === 'string' ? changeText(value, others, random) : random.pick(VALUES)
  }
}

function twice(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return random.oneIn(2) ? [...value, ...value] : value.toReversed()
  return [value, value]
}

function withMember(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return random.pick(VALUES)
  return Object.fromEntries([...Object.entries(value), [random.pick(NAMES), random.pick(VALUES)]])
}

function partOf(json: unknown, random: Random): unknown {
  const places = json === undefined ? [] : placesOf(json)
  return places.length === 0 ? random.pick(VALUES) : random.pick(places).value
}

/** Base64 of JSON or DER is changed within and put together again; JSON in a text as well. */
function changeText(text: string, others: readonly Uint8Array[], random: Random): string {
  const isWithin = !random.oneIn(3)
  if (isWithin && text.startsWith('{')) return Buffer.from(mutateJson(Buffer.from(text), others, random)).toString()
  if (isWithin && /^(?:ey|MI)/.test(text)) {
    const inner = Buffer.from(text, 'base64')
    const changed = text.startsWith('ey') ? mutateJson(inner, others, random) : mutateDer(inner, others, random)
    return Buffer.from(changed).toString('base64')
  }
  return Buffer.from(mutateBytes(Buffer.from(text), others, random)).toString()
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}

/** Every value within. No deeper than there is anything to find. */
function placesOf(value: unknown, path: Path = []): readonly Place[] {
  if (typeof value !== 'object' || value === null || path.length > 12) return []
  const entries: Iterable<readonly [string | number, unknown]> = Array.isArray(value)
    ? value.slice(0, 64).entries()
    : Object.entries(value)
  return [...entries].flatMap(([key, part]) => {
    const here = [...path, key]
    return [{ path: here, value: part }, ...placesOf(part, here)]
  })
}

function replaced(value: unknown, [key, ...rest]: Path, change: (old: unknown) => unknown): unknown {
  if (key === undefined) return change(value)
  if (Array.isArray(value)) {
    const next = replaced(value[key as number], rest, change)
    return value.toSpliced(key as number, 1, ...(next === LEFT_OUT ? [] : [next]))
  }
  const entries = Object.entries(value as object).map(([name, part]) =>
    name === key ? [name, replaced(part, rest, change)] : [name, part],
  )
  return Object.fromEntries(entries.filter(([, part]) => part !== LEFT_OUT))
}
