/** Who signed, in a form that two signatures can be compared by; and what a policy says of who may. */

/** A public key, named by the SHA-256 of its SubjectPublicKeyInfo in DER (64 hex digits). */
export type KeyIdentity = { readonly kind: 'key'; readonly fingerprint: string }

/** Whoever an authority certified: what its issuer of identities said of it when it signed. */
export type CertificateIdentity = {
  readonly kind: 'certificate'
  /** Every subject alternative name that is text, in the order of the certificate; never empty. */
  readonly subjects: readonly string[]
  /** Who vouched for the subject to the authority: the URL of an OpenID provider. */
  readonly issuer: string
  /** Fulcio's other extensions by the names of its oid-info.md: `sourceRepositoryURI`, `buildTrigger`, … */
  readonly claims: Readonly<Record<string, string>>
}

export type Identity = KeyIdentity | CertificateIdentity

/** What a name must be: equal; a glob over the whole of it (`*` stays within a part between slashes, `**` does not); or such that the expression (RE2) is found in it. */
export type TextPattern = { readonly kind: 'exactly' | 'glob' | 'regexp'; readonly text: string }

/** Both must hold; the subject of any of the certificate's names. */
export type IdentityPattern = { readonly issuer: TextPattern; readonly subject: TextPattern }

/** One name for all signatures by the same signer, by which distinct signers are counted. */
export function identityName(identity: Identity): string {
  if (identity.kind === 'key') return `key ${identity.fingerprint}`
  return `certificate ${JSON.stringify([identity.issuer, identity.subjects.toSorted()])}`
}
