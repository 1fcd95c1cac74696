/** What a TLS server shows to whoever connects, in PEM, and how long it will be believed. */
export type ServingCertificate = {
  /** The certificate, followed by intermediate ones if there are any. */
  readonly cert: string
  readonly key: string
  readonly notAfter: Date
}
