/** What comes along with a signature to prove who made it, and when. Decoded and bounded; nothing of it has been verified. */

/** Where an entry lies in the tree of a log (RFC 6962, section 2.1.1), and a signed head of that tree. */
export type InclusionProof = {
  readonly index: number
  readonly treeSize: number
  readonly rootHash: Uint8Array
  /** From the leaf's sibling upwards. */
  readonly hashes: readonly Uint8Array[]
  /** A signed note: origin, size, root hash, blank line, signatures. */
  readonly checkpoint: string
}

/** One entry of a log of signatures. */
export type LogEntry = {
  /** The log it says to be of: 64 hex digits. */
  readonly logId: string
  /** What a bundle says the body is; undefined in the legacy layout, where only the body says it. */
  readonly kind: { readonly name: string; readonly version: string } | undefined
  readonly index: number
  /** Seconds since 1970. Worth nothing without a promise, which alone signs it. */
  readonly integratedTime: number | undefined
  /** The log's signature over body, time, id and index (signed entry timestamp). */
  readonly promise: Uint8Array | undefined
  readonly proof: InclusionProof | undefined
  /** JSON, in the bytes that the log hashed and signed. */
  readonly body: Uint8Array
}

export type Material = {
  /** The signer's certificate, DER. */
  readonly certificate: Uint8Array | undefined
  /** Certificates that may lie between it and a root, DER. They are tried, never trusted. */
  readonly chain: readonly Uint8Array[]
  /** What a bundle calls the key that it says to be signed with. */
  readonly hint: string | undefined
  readonly entries: readonly LogEntry[]
  /** RFC 3161 responses, DER. */
  readonly timestamps: readonly Uint8Array[]
}

/** The limits of sigstore-go, taken over after CVE-2024-45395: more of them are refused before any cryptography. */
export const MOST_ENTRIES = 32
export const MOST_TIMESTAMPS = 32
/** Fulcio's chains have three; a bridge or two more is all that anybody has built. */
export const MOST_CERTIFICATES = 8
/** A signer's certificate has 800 bytes, with all of Fulcio's extensions below 2 KiB; one with a post-quantum key below 16. */
export const CERTIFICATE_BYTES = 16 * 1024
/** A response has 1 KiB, with the authority's certificates in it some 5. */
export const TIMESTAMP_BYTES = 32 * 1024
