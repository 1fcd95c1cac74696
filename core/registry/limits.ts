/** How much of a registry's answer Shedu is willing to read. Everything a registry says is bounded before it is read. */

const KIB = 1024
const MIB = 1024 * KIB

export type RegistryLimits = {
  /** Bytes of one manifest. */
  readonly manifestBytes: number
  /** Bytes of the list of referrers, all its pages together. */
  readonly referrersBytes: number
  /** Bytes of a token service's answer. */
  readonly tokenBytes: number
  /** Bytes of one simple-signing payload. */
  readonly payloadBytes: number
  /** Bytes of one Sigstore bundle, where only signatures are looked for. */
  readonly bundleBytes: number
  /** Bytes of one attestation, in either layout. */
  readonly attestationBytes: number
  /** Bytes of the manifests of all referrers together. */
  readonly referrerManifestsBytes: number
  /** Bytes of all payloads, all attestations, or all bundles of one image together; the smallest are read first. */
  readonly attachedBytes: number
  /** Levels of nesting of any JSON that a registry or token service sends. */
  readonly jsonDepth: number
  /** Values in any JSON that a registry or token service sends: its lists, objects and commas. */
  readonly jsonValues: number
  /** Signatures in the `.sig` manifest of one image. */
  readonly signatures: number
  /** Referrers of one image. */
  readonly referrers: number
  /** Pages that the list of referrers may come in. */
  readonly referrersPages: number
  /** Redirects followed for one request. */
  readonly redirects: number
  /** Connections to one host at the same time. */
  readonly connectionsPerHost: number
  /** Fetches for one image at the same time, once it is known what there is to fetch. */
  readonly fetchesPerImage: number
  /** Bytes of the header section of one answer. */
  readonly headerBytes: number
  /** Milliseconds for which a registry may be silent: before the connection stands, before its first byte, and between two bytes. */
  readonly silenceMs: number
  /** Milliseconds that one answer may take in all, however steadily it comes. */
  readonly answerMs: number
  /** Milliseconds that a request may wait for its turn, or for the end of a pause that a registry asked for. */
  readonly waitMs: number
  /** Milliseconds that a mirror may take for one thing before the next host is asked for it. */
  readonly mirrorMs: number
}

export const REGISTRY_LIMITS: RegistryLimits = {
  // A thousand signatures of 600 bytes each. An image's own manifest is some KiB, that of the most layers below 64 KiB.
  manifestBytes: MIB,
  // A thousand entries of 600 bytes each, as with signatures.
  referrersBytes: MIB,
  // Tokens travel in headers, so an honest answer is smaller than headerBytes; four times that leaves room for the rest of it.
  tokenBytes: 64 * KIB,
  // A payload is 250 bytes plus what its signer put under `optional`; nobody writes a page of annotations there.
  payloadBytes: 64 * KIB,
  // A signature's is 8 KiB; a larger one is an attestation, and of no use to who looks for signatures.
  bundleBytes: MIB,
  // As much as the verifier reads: the predicate in base64, which for a bill of materials of a large image is some MiB.
  attestationBytes: 8 * MIB,
  // A bundle's manifest is below 1 KiB, and there are a thousand of them; all are parsed on the event loop.
  referrerManifestsBytes: MIB,
  // What one image may cost in memory in each place. A thousand bundles of a signature, or two bills of materials of 4 MiB.
  attachedBytes: 8 * MIB,
  // OCI documents nest five deep (index, list, descriptor, platform, list); three times that.
  jsonDepth: 16,
  // An entry of a list of referrers and a layer of a .sig manifest have nine; a thousand of them, and twice that.
  // One parse of as many, in as many bytes as above, blocks the event loop for 30 ms (core/json/untrusted-json.ts).
  jsonValues: 20_000,
  // Images that are signed at every rebuild of their base have been seen with 500 signatures; twice that.
  signatures: 1000,
  referrers: 1000,
  // A thousand referrers in pages of 50.
  referrersPages: 20,
  // Registry to storage to mirror is two; the Fetch standard's 20 would cost 20 round trips of a ten-second budget.
  redirects: 5,
  // Two images may fetch at full width from one registry, which is what a polite client opens at most.
  connectionsPerHost: 32,
  // 1000 referrers are 2000 fetches: 125 rounds of 30 ms at this width, within the API server's ten seconds.
  fetchesPerImage: 16,
  // What Node's own parser allows.
  headerBytes: 16 * KIB,
  // Half of the API server's ten seconds, so that a dead host is reported as dead and not as our deadline.
  silenceMs: 5000,
  // What the largest attestation takes at a megabyte a second, and less than the API server's ten seconds: whoever drips is
  // named before our own deadline comes.
  answerMs: 8000,
  // Half of the API server's ten seconds, too: whoever waits longer has no time left for the answer.
  waitMs: 5000,
  // Two mirrors may hang, and half of the ten seconds is left for the registry itself.
  mirrorMs: 2500,
}
