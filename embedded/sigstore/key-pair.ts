/** Key pairs of this Sigstore: made on the spot, kept in memory, gone with the process. */
import type { KeyObject } from 'node:crypto'
import { createHash, generateKeyPairSync } from 'node:crypto'

export type KeyPair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject }

/** The curves that a certificate authority may have. */
export const CURVES = ['P-256', 'P-384'] as const
export type Curve = (typeof CURVES)[number]

export function makeEcKeys(curve: Curve = 'P-256'): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: curve })
}

const exported = new WeakMap<KeyObject, Uint8Array>()

/** SubjectPublicKeyInfo. An authority's is asked for by everything it signs, and OpenSSL writes it as slowly as it signs. */
export function spkiOf(key: KeyObject): Uint8Array {
  const known = exported.get(key)
  if (known !== undefined) return known
  const spki = key.export({ type: 'spki', format: 'der' })
  exported.set(key, spki)
  return spki
}

export function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The same bytes but for the last bit: of a DER signature it is a bit of s, so it still parses. */
export function flipLastBit(bytes: Uint8Array): Uint8Array {
  const flipped = Buffer.from(bytes)
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
  return flipped
}
