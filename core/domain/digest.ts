/** Content addresses: the one name of an image that cannot be moved. */
import { createHash } from 'node:crypto'
import { InputError } from './input-error.ts'

declare const brand: unique symbol

/** `sha256:` and 64 lower-case hex digits; born only in this file. */
export type Digest = string & { readonly [brand]: 'Digest' }

const DIGEST = /^sha256:[0-9a-f]{64}$/

/**
 * Parses `sha256:<64 lower-case hex>`; anything else, other algorithms included, throws an InputError.
 * OCI image-spec, descriptor.md, "Digests". Upper case would give one image two names, so it is no digest.
 */
export function parseDigest(text: unknown): Digest {
  if (typeof text === 'string' && DIGEST.test(text)) return text as Digest
  const found = typeof text === 'string' ? JSON.stringify(text.slice(0, 120)) : typeof text
  throw new InputError(`expected sha256: and 64 lower-case hex digits, got ${found}`)
}

/** Computes the digest of these bytes; what a registry says the digest is never enters here. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
}

/** The 64 hex digits without the algorithm. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}
