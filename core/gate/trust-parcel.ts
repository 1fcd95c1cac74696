/** Trust roots on their way to another thread: as text, which costs little to hand over, and is read once for each version. */
import type { TrustRoot, TrustRoots } from '#core/domain/trust-root.ts'

export type TrustParcel = readonly { readonly name: string; readonly version: string; readonly text: string }[]

const packed = new WeakMap<TrustRoots, TrustParcel>()

/** The same parcel each time for as long as the set is the same. */
export function packTrust(trust: TrustRoots): TrustParcel {
  const known = packed.get(trust)
  if (known !== undefined) return known
  const parcel = [...trust].map(([name, root]) => ({ name, version: root.version, text: JSON.stringify(root) }))
  packed.set(trust, parcel)
  return parcel
}

/** A set and the one it took the place of, each of some trust roots. */
const MOST_KEPT = 64

const unpacked = new Map<string, TrustRoot>()

/** The trust roots of a parcel: the same objects for the same versions, so that what was derived from them is found again. */
export function unpackTrust(parcel: TrustParcel): TrustRoots {
  return new Map(parcel.map(({ name, version, text }) => [name, unpackOne(`${name} ${version}`, text)]))
}

function unpackOne(key: string, text: string): TrustRoot {
  const known = unpacked.get(key)
  if (known !== undefined) return known
  const [oldest] = unpacked.keys()
  if (unpacked.size >= MOST_KEPT && oldest !== undefined) unpacked.delete(oldest)
  const root = JSON.parse(text) as TrustRoot
  unpacked.set(key, root)
  return root
}
