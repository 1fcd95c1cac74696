/** Changes the extensions of a certificate one at a time, and encodes the certificate anew around them; the signature stays. */
import { contextTag, type Der, decodeDer, encodeDer, itemsOf, TAG } from '#core/verify/der.ts'

const EXTENSIONS = contextTag(3, 'constructed')

/** Each extension left out, moved to the end, twice, with the other criticality, and with a bit turned in each eighth octet of its value. */
export function changesOfExtensions(der: Uint8Array): readonly Uint8Array[] {
  const [signed, ...rest] = itemsOf(decodeDer(der, 'a certificate'), 'a certificate')
  if (signed === undefined) throw new Error('there is nothing signed')
  const fields = itemsOf(signed, 'fields')
  const list = fields.find(({ tag }) => tag === EXTENSIONS)
  if (list === undefined) throw new Error('there are no extensions')
  const extensions = itemsOf(decodeDer(list.content, 'extensions'), 'extensions').map(({ bytes }) => bytes)
  return changesOfList(extensions).map(changed => {
    const body = fields.map(({ tag, bytes }) =>
      tag === EXTENSIONS ? encodeDer(tag, encodeDer(TAG.sequence, ...changed)) : bytes,
    )
    return encodeDer(TAG.sequence, encodeDer(TAG.sequence, ...body), ...rest.map(({ bytes }) => bytes))
  })
}

function changesOfList(extensions: readonly Uint8Array[]): readonly (readonly Uint8Array[])[] {
  return extensions.flatMap((extension, at) => [
    extensions.toSpliced(at, 1),
    // The last one is at the end already.
    ...(at === extensions.length - 1 ? [] : [[...extensions.toSpliced(at, 1), extension]]),
    extensions.toSpliced(at, 0, extension),
    ...changesOfOne(extension).map(changed => extensions.with(at, changed)),
  ])
}

function changesOfOne(extension: Uint8Array): readonly Uint8Array[] {
  const [id, ...others] = itemsOf(decodeDer(extension, 'an extension'), 'an extension')
  const value = others.at(-1)
  if (id === undefined || value === undefined) throw new Error('there is no extension')
  const critical = others.length === 2 ? [] : [encodeDer(TAG.boolean, Uint8Array.of(0xff))]
  return [
    encodeDer(TAG.sequence, id.bytes, ...critical, value.bytes),
    ...flipsOf(value).map(flipped =>
      encodeDer(TAG.sequence, ...[id, ...others.slice(0, -1)].map(({ bytes }) => bytes), flipped),
    ),
  ]
}

function flipsOf({ tag, content }: Der): readonly Uint8Array[] {
  return Array.from({ length: Math.ceil(content.length / 8) }, (_, turn) => {
    const at = turn * 8
    return encodeDer(
      tag,
      content.subarray(0, at),
      Uint8Array.of((content[at] ?? 0) ^ (1 << (turn % 8))),
      content.subarray(at + 1),
    )
  })
}
