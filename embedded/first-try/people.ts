/** Who signs in the first try without a key, and where, and what they attest. */

export const SIGSTORE = 'shop'

/** The build that releases. */
export const RELEASE = {
  sigstore: SIGSTORE,
  subject: 'https://ci.shop.test/web/release',
  issuer: 'https://ci.shop.test',
} as const

/** Who signed the recorded images: test/fixtures/images/cases.json. */
export const ALICE = { subject: 'alice@example.test', issuer: 'http://127.0.0.1:7000' } as const

export const PROVENANCE = 'https://slsa.dev/provenance/v1'
