/** Who signed, in a form that two signatures can be compared by. Certificates will add their own kind of identity. */

/** A public key, named by the SHA-256 of its SubjectPublicKeyInfo in DER (64 hex digits). */
export type KeyIdentity = { readonly kind: 'key'; readonly fingerprint: string }

export type Identity = KeyIdentity
