/** The names of a certificate's subject (RFC 5280, section 4.2.1.6), which for a signer say who signed. */
import { InputError } from '#core/domain/input-error.ts'
import { contextTag, type Der, decodeDer, decodeText, itemsOf, oidOf, Parts, TAG } from '#core/verify/der.ts'

export type AlternativeName =
  | { readonly kind: 'email' | 'dns' | 'uri'; readonly text: string }
  /** A name of a kind that somebody made up: the object identifier of the kind, and the name in DER. */
  | { readonly kind: 'other'; readonly type: string; readonly value: Uint8Array }
  /** Addresses, directory names, and whatever else has a number in section 4.2.1.6 and is no text. */
  | { readonly kind: 'unread'; readonly tag: number; readonly value: Uint8Array }

const TEXTS: ReadonlyMap<number, 'email' | 'dns' | 'uri'> = new Map([
  [contextTag(1, 'primitive'), 'email'],
  [contextTag(2, 'primitive'), 'dns'],
  [contextTag(6, 'primitive'), 'uri'],
])

const OTHER = contextTag(0, 'constructed')

/** The numbers of the rest, in the form in which each is written: X.400, directory, EDI, address, object identifier. */
const UNREAD: ReadonlySet<number> = new Set([
  contextTag(3, 'constructed'),
  contextTag(4, 'constructed'),
  contextTag(5, 'constructed'),
  contextTag(7, 'primitive'),
  contextTag(8, 'primitive'),
])

/** In the order of the certificate; none where it has no such extension. */
export function decodeNames(value: Uint8Array | undefined): readonly AlternativeName[] {
  if (value === undefined) return []
  const names = itemsOf(decodeDer(value, 'the names', TAG.sequence), 'the names')
  if (names.length === 0) throw new InputError('expected at least one name')
  return names.map(decodeName)
}

function decodeName(name: Der): AlternativeName {
  const kind = TEXTS.get(name.tag)
  if (kind !== undefined) return { kind, text: decodeAscii(name, kind) }
  if (name.tag === OTHER) return decodeOther(name)
  if (!UNREAD.has(name.tag)) throw new InputError(`expected a kind of name that is defined, got tag ${name.tag}`)
  return { kind: 'unread', tag: name.tag, value: name.content }
}

/** IA5String; without the characters that are not seen, because names are shown to people and compared by patterns. */
function decodeAscii({ content }: Der, kind: string): string {
  const text = decodeText(content, `the ${kind} name`)
  if (!/^[\x20-\x7e]+$/.test(text)) throw new InputError(`expected the ${kind} name to be visible ASCII`)
  return text
}

function decodeOther(name: Der): AlternativeName {
  const parts = new Parts(name, 'a name')
  const type = oidOf(parts.take('the kind'), 'the kind of a name')
  const value = new Parts(parts.take('the value', contextTag(0, 'constructed')), 'the value of a name')
  parts.end()
  const inner = value.take('the value')
  value.end()
  return { kind: 'other', type, value: inner.bytes }
}
