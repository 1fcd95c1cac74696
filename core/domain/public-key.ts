/** A public key that was parsed and found usable when the policy was loaded. */
export type PublicKey = {
  /** SHA-256 of the SubjectPublicKeyInfo, 64 hex digits. */
  readonly fingerprint: string
  /** The SubjectPublicKeyInfo in DER, base64. */
  readonly spki: string
}
