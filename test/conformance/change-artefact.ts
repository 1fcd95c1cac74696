/** Changes an artefact in one place at a time: every value of its JSON, of the JSON within that, and of the annotations beside it. */
import type { Artefact, LegacyAnnotations } from '#core/domain/artefact.ts'
import { flipsOf, type Path, withLeaf } from '#test/core/verify/sigstore/log/change-json.ts'

export type Changed = {
  /** Where, and what was done there if it was more than a bit: `mediaType`, `…tlogEntries.[].logIndex, left out`. */
  readonly what: string
  readonly artefact: Artefact
}

/** Every change, one after the other. */
export function changesOf(artefact: Artefact): readonly Changed[] {
  switch (artefact.layout) {
    case 'bundle':
      return changesOfJson(artefact.bytes).map(({ what, bytes }) => ({ what, artefact: { ...artefact, bytes } }))
    case 'attachment':
      return [
        ...changesOfJson(artefact.bytes).map(({ what, bytes }) => ({ what, artefact: { ...artefact, bytes } })),
        ...changesOfAnnotations(artefact),
      ]
    case 'simple-signing':
      return [
        ...changesOfJson(artefact.payload, flipsOf).map(({ what, bytes }) => ({
          what: `payload.${what}`,
          artefact: { ...artefact, payload: bytes },
        })),
        ...flipsOf(artefact.signature).map(signature => ({
          what: 'signature',
          artefact: { ...artefact, signature: String(signature) },
        })),
        ...changesOfAnnotations(artefact),
      ]
    default:
      throw new TypeError(`no changes for ${JSON.stringify(artefact satisfies never)}`)
  }
}

function changesOfAnnotations(artefact: Exclude<Artefact, { readonly layout: 'bundle' }>): readonly Changed[] {
  const given = Object.entries(artefact.annotations) as [keyof LegacyAnnotations, string | undefined][]
  return given.flatMap(([name, text]) => {
    if (text === undefined) return []
    const changed = (what: string, to: string | undefined): Changed => ({
      what,
      artefact: { ...artefact, annotations: { ...artefact.annotations, [name]: to } },
    })
    const within = text.startsWith('{')
      ? changesOfJson(Buffer.from(text)).map(({ what, bytes }) =>
          changed(`${name}.${what}`, Buffer.from(bytes).toString()),
        )
      : flipsOf(text).map(to => changed(name, String(to)))
    return [changed(`${name}, left out`, undefined), changed(`${name}, empty`, ''), ...within]
  })
}

type ChangedBytes = { readonly what: string; readonly bytes: Uint8Array }

type Flips = (leaf: unknown) => readonly unknown[]

function changesOfJson(bytes: Uint8Array, flips: Flips = bitsOf): readonly ChangedBytes[] {
  const json: unknown = JSON.parse(Buffer.from(bytes).toString())
  return placesOf(json).flatMap(({ path, value }) =>
    changesOfValue(value, flips).map(({ how, to }) => ({
      what: inWords(path) + how,
      bytes: Buffer.from(JSON.stringify(withLeaf(json, path, to))),
    })),
  )
}

type Place = { readonly path: Path; readonly value: unknown }

/** Every value within but the whole: the objects and lists as well as what is in them. */
function placesOf(value: unknown, path: Path = []): readonly Place[] {
  const here = path.length === 0 ? [] : [{ path, value }]
  if (typeof value !== 'object' || value === null) return here
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value)
  return [...here, ...[...entries].flatMap(([key, part]) => placesOf(part, [...path, key]))]
}

function inWords(path: Path): string {
  return path.map(key => (typeof key === 'number' ? '[]' : key)).join('.')
}

type Change = { readonly how: string; readonly to: unknown }

function changesOfValue(value: unknown, flips: Flips): readonly Change[] {
  const always = [
    { how: ', left out', to: undefined },
    ...(value === null ? [] : [{ how: ', null', to: null }]),
    { how: ', of another type', to: typeof value === 'string' ? 7 : 'text' },
  ]
  if (Array.isArray(value)) return [...always, { how: ', empty', to: [] }, { how: ', twice', to: [...value, ...value] }]
  if (typeof value === 'object' && value !== null) return [...always, { how: ', empty', to: {} }, ...othersFor(value)]
  const flipped = flips(value).map(to => ({ how: '', to }))
  return [...always, ...flipped, ...nestedChanges(value), ...asNumber(value)]
}

/** A member that nobody knows; to a log entry also those that another entry has. */
function othersFor(value: object): readonly Change[] {
  const unknown = { how: ', with another member', to: { ...value, another: '1' } }
  const known = 'canonicalizedBody' in value ? ['integratedTime', 'logIndex'] : []
  return [
    unknown,
    ...known
      .filter(name => !Object.hasOwn(value, name))
      .map(name => ({ how: `, with ${name}`, to: { ...value, [name]: '1' } })),
  ]
}

/** Longer ones are base64 or the like, in which one bit of each character will do. */
const SHORT = 64

function bitsOf(value: unknown): readonly unknown[] {
  if (typeof value !== 'string' || value.length > SHORT) return flipsOf(value)
  return Array.from(value, (_, at) =>
    Array.from({ length: 7 }, (_, bit) => {
      const turned = String.fromCharCode(value.charCodeAt(at) ^ (1 << bit))
      return value.slice(0, at) + turned + value.slice(at + 1)
    }),
  ).flat()
}

/** Base64 of JSON: changed within, and whole again. Somebody has signed it, so that one bit of each character will do. */
function nestedChanges(value: unknown): readonly Change[] {
  if (typeof value !== 'string' || !value.startsWith('ey')) return []
  return changesOfJson(Buffer.from(value, 'base64'), flipsOf).map(({ what, bytes }) => ({
    how: `: ${what}`,
    to: Buffer.from(bytes).toString('base64'),
  }))
}

/** protobuf's JSON has two ways to write a number. */
function asNumber(value: unknown): readonly Change[] {
  return typeof value === 'string' && /^[0-9]+$/.test(value) ? [{ how: ', as a number', to: Number(value) }] : []
}
