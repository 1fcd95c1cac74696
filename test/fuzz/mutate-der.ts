/** Changes DER in one of its values and encodes what is around it anew, so that the lengths are right and the reader goes on. */
import { mutateBytes } from './mutate-bytes.ts'
import type { Random } from './random.ts'

type Node = { readonly tag: number; readonly content: Uint8Array | readonly Node[] }

const TAGS = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0x81, 0x86, 0xa0, 0xa1, 0xa3,
]

/** More of them, and taking apart and putting together takes longer than reading. */
const MOST_NODES = 2000
const MOST_LEVELS = 24

/** As bytes, where it is no DER. */
export function mutateDer(bytes: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  const nodes = decode(bytes, { left: MOST_NODES })
  if (nodes === undefined || nodes.length === 0) return mutateBytes(bytes, others, random)
  let turn = random.below(countOf(nodes))
  const donors = () => decode(random.pick(others), { left: MOST_NODES }) ?? []
  const visit = (node: Node): readonly Node[] => {
    if (turn-- === 0) return change(node, donors, random)
    if (node.content instanceof Uint8Array) return [node]
    return [{ tag: node.tag, content: node.content.flatMap(visit) }]
  }
  return Buffer.concat(nodes.flatMap(visit).map(encode))
}

function change(node: Node, donors: () => readonly Node[], random: Random): readonly Node[] {
  switch (random.below(7)) {
    case 0:
      return []
    case 1:
      return [node, node]
    case 2:
      return [{ ...node, tag: random.pick(TAGS) }]
    case 3:
      return [{ tag: 0x30, content: [node] }]
    case 4: {
      const all = flatten(donors())
      return all.length === 0 ? [] : [random.pick(all)]
    }
    case 5:
      return node.content instanceof Uint8Array ? [node] : [{ ...node, content: node.content.toReversed() }]
    default: {
      const content = node.content instanceof Uint8Array ? node.content : Buffer.concat(node.content.map(encode))
      return [{ tag: node.tag, content: mutateBytes(content, [content], random) }]
    }
  }
}

function flatten(nodes: readonly Node[]): readonly Node[] {
  return nodes.flatMap(node => [node, ...(node.content instanceof Uint8Array ? [] : flatten(node.content))])
}

function countOf(nodes: readonly Node[]): number {
  return flatten(nodes).length
}

/** Undefined for what is no DER. Octet strings that hold DER are taken apart as well: extensions do. */
function decode(bytes: Uint8Array, budget: { left: number }, level = 0): readonly Node[] | undefined {
  const nodes: Node[] = []
  for (let at = 0; at < bytes.length; ) {
    const header = headerAt(bytes, at)
    if (header === undefined || budget.left-- <= 0) return undefined
    const content = bytes.subarray(header.start, header.end)
    const isMade = (header.tag & 0x20) !== 0 || header.tag === 0x04
    const parts = isMade && content.length > 0 && level < MOST_LEVELS ? decode(content, budget, level + 1) : undefined
    nodes.push({ tag: header.tag, content: parts ?? content })
    at = header.end
  }
  return nodes
}

function headerAt(bytes: Uint8Array, at: number) {
  const [tag, first] = bytes.subarray(at)
  if (tag === undefined || first === undefined) return undefined
  const octets = first < 0x80 ? 0 : first & 0x7f
  if (octets > 3 || (first >= 0x80 && octets === 0)) return undefined
  let length = octets === 0 ? first : 0
  for (const octet of bytes.subarray(at + 2, at + 2 + octets)) length = length * 256 + octet
  const start = at + 2 + octets
  return start + length > bytes.length ? undefined : { tag, start, end: start + length }
}

function encode({ tag, content }: Node): Uint8Array {
  const bytes = content instanceof Uint8Array ? content : Buffer.concat(content.map(encode))
  const { length } = bytes
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]
  return Buffer.concat([
    Uint8Array.from(length >= 0x100 && length < 0x10000 ? [tag, 0x82, length >> 8, length & 0xff] : head),
    bytes,
  ])
}
