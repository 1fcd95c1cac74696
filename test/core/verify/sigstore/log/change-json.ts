/** Changes JSON values one leaf at a time. */

export type Path = readonly (string | number)[]

/** Every text and number within, and where it stands. */
export function leavesOf(value: unknown, path: Path = []): readonly { readonly path: Path; readonly leaf: unknown }[] {
  if (typeof value !== 'object' || value === null) return [{ path, leaf: value }]
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value)
  return [...entries].flatMap(([key, part]) => leavesOf(part, [...path, key]))
}

/** A copy with another value there; without any, if it is undefined. */
export function withLeaf(value: unknown, [key, ...rest]: Path, leaf: unknown): unknown {
  if (key === undefined) return leaf
  if (Array.isArray(value)) {
    const changed = withLeaf(value[key as number], rest, leaf)
    return value.toSpliced(key as number, 1, ...(changed === undefined ? [] : [changed]))
  }
  const { [key]: old, ...others } = value as Readonly<Record<string, unknown>>
  const changed = withLeaf(old, rest, leaf)
  return changed === undefined ? others : { ...others, [key]: changed }
}

/** Texts longer than this are certificates in base64 and the like, in which one place is as good as another. */
const LONG = 200

/** The text with one bit turned in each character, or in every 17th of a long text, another one each time; or one number more and one less. */
export function flipsOf(leaf: unknown): readonly unknown[] {
  if (typeof leaf === 'number') return [leaf + 1, leaf - 1]
  const text = String(leaf)
  const step = text.length > LONG ? 17 : 1
  return Array.from({ length: Math.ceil(text.length / step) }, (_, turn) => {
    const at = turn * step
    const turned = String.fromCharCode(text.charCodeAt(at) ^ (1 << (turn % 7)))
    return text.slice(0, at) + turned + text.slice(at + 1)
  })
}
