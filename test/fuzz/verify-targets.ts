/** The verifier, whole and in parts: what it proves must have been recorded. */
import type { Artefact } from '#core/domain/artefact.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { Identity } from '#core/domain/identity.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { DEFAULT_TRUST_ROOT } from '#core/domain/trust-root.ts'
import { parseUntrustedJson } from '#core/json/untrusted-json.ts'
import { decodeBundle } from '#core/verify/sigstore/bundle.ts'
import { decodeCertificate } from '#core/verify/sigstore/certificate/certificate.ts'
import { OID } from '#core/verify/sigstore/certificate/extensions.ts'
import { decodeScts } from '#core/verify/sigstore/certificate/sct-list.ts'
import { verifyCertificate } from '#core/verify/sigstore/certificate/verify-certificate.ts'
import { verifyCheckpoint } from '#core/verify/sigstore/log/checkpoint.ts'
import { decodeLogEntry } from '#core/verify/sigstore/log/decode-entry.ts'
import { verifyLogEntry } from '#core/verify/sigstore/log/verify-log-entry.ts'
import { decodeTimestamp } from '#core/verify/sigstore/time/timestamp-response.ts'
import { verifyTimestamp } from '#core/verify/sigstore/time/verify-timestamp.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'
import { readCertificates } from '#test/core/verify/sigstore/certificate/read-recorded.ts'
import { readRecordedEntries } from '#test/core/verify/sigstore/log/recorded-entries.ts'
import { RECORDED } from '#test/core/verify/sigstore/time/recorded-timestamps.ts'
import { readKeys } from '#test/support/read-layout.ts'
import { IMAGES, ROOT, TRUST } from './recorded.ts'
import { decodeArtefact, encodeArtefact, isSealedAs, type Seal, sealOf } from './sealed-artefact.ts'
import { bytesOf, insist, reads, type Target, textOf } from './target.ts'

const NOW = new Date('2030-01-01T00:00:00Z')
const PROVENANCE = 'https://slsa.dev/provenance/v1'

/** What the recorded images are asked: by whom they are signed, and in a log. */
const KEY = parsePublicKey(readKeys().get('p256.pub'))
const exactly = (text: string) => ({ kind: 'exactly', text }) as const
const ISSUER = 'http://127.0.0.1:7000'
const IDENTITIES = [
  { issuer: exactly(ISSUER), subject: exactly('alice@example.test') },
  { issuer: exactly(`${ISSUER}/ci`), subject: { kind: 'glob', text: 'https://ci.example.test/**' } as const },
]
const ASKED = {
  log: { trustRoot: DEFAULT_TRUST_ROOT, atLeast: 1 },
  timestamp: undefined,
  layout: 'any',
} as const
const SIGNERS = [
  { kind: 'keyless', trustRoot: DEFAULT_TRUST_ROOT, identities: IDENTITIES, sct: 'required' },
  { kind: 'key', key: KEY, hash: 'sha256' },
] as const
const DEMANDS: readonly Demand[] = SIGNERS.flatMap((by): readonly Demand[] => [
  { kind: 'signature', by, ...ASKED },
  { kind: 'attestation', predicateType: PROVENANCE, by, ...ASKED },
])

function prove(artefact: Artefact, digest: (typeof IMAGES)[number]['digest'], demand: Demand) {
  return verifyArtefact(artefact, digest, demand, { trust: TRUST, now: NOW })
}

/** Each recorded artefact with the demand that it meets. */
const PROVEN = IMAGES.flatMap(({ artefacts, digest }) =>
  artefacts.flatMap(artefact =>
    DEMANDS.flatMap(demand => {
      const found = prove(artefact, digest, demand)
      return found.kind === 'proof' ? [{ artefact, digest, demand, signer: found.signer }] : []
    }),
  ),
)

type Known = { readonly seal: Seal; readonly signer: Identity }

function verifier(layout: Artefact['layout']): Target {
  const recorded = PROVEN.filter(({ artefact }) => artefact.layout === layout)
  const known: readonly Known[] = recorded.map(({ artefact, signer }) => ({ seal: sealOf(artefact), signer }))
  return {
    name: `artefact-${layout}`,
    form: 'json',
    weight: 3,
    seeds: recorded.map(({ artefact }) => encodeArtefact(artefact)),
    read: (bytes, seed) => {
      const { digest, demand } = recorded[seed % recorded.length] ?? fail()
      const artefact = decodeArtefact(bytes, layout)
      if (artefact === undefined) return 'refused'
      const found = prove(artefact, digest, demand)
      if (found.kind === 'refusal') return 'refused'
      const seal = sealOf(artefact)
      const signer = JSON.stringify(found.signer)
      insist(found.digest === digest, 'it is about another image')
      insist(
        known.some(one => isSealedAs(seal, one.seal) && JSON.stringify(one.signer) === signer),
        'nobody has signed it so',
      )
      return 'taken'
    },
  }
}

function fail(): never {
  throw new Error('nothing was recorded')
}

const CERTIFICATES = readCertificates()
const KNOWN_CERTIFICATES = new Set(CERTIFICATES.map(({ certificate }) => textOfBytes(certificate)))

const certificates: Target = {
  name: 'certificate',
  form: 'der',
  weight: 3,
  seeds: CERTIFICATES.map(({ certificate }) => certificate),
  read: bytes => {
    const { validity } = decodeCertificate(bytes)
    const found = verifyCertificate({ certificate: bytes, chain: [] }, [validity.from], ROOT, 'required')
    if (found.kind === 'refusal') return 'refused'
    insist(KNOWN_CERTIFICATES.has(textOfBytes(bytes)), 'no authority has issued it')
    return 'taken'
  },
}

const timestamps: Target = {
  name: 'timestamp',
  form: 'der',
  weight: 3,
  seeds: RECORDED.map(({ response }) => response),
  read: (bytes, seed) => {
    const { signature, response } = RECORDED[seed % RECORDED.length] ?? fail()
    const found = verifyTimestamp(bytes, signature, ROOT)
    if (found.kind === 'refusal') return 'refused'
    const { content, info } = decodeTimestamp(response)
    insist(
      Buffer.compare(decodeTimestamp(bytes).content, content) === 0 && found.at === info.at,
      'nobody has stamped it',
    )
    return 'taken'
  },
}

const ENTRIES = readRecordedEntries().filter(({ raw }) => typeof raw === 'object')

const logEntries: Target = {
  name: 'log-entry',
  form: 'json',
  weight: 3,
  seeds: ENTRIES.map(({ raw }) => bytesOf(JSON.stringify(raw))),
  read: (bytes, seed) => {
    const { logged, entry } = ENTRIES[seed % ENTRIES.length] ?? fail()
    const read = decodeLogEntry(parseUntrustedJson(bytes, { bytes: 1024 * 1024, depth: 16, values: 5000 }))
    const found = verifyLogEntry(read, logged, ROOT, [])
    if (found.kind === 'refusal') return 'refused'
    insist(Buffer.compare(read.body, entry.body) === 0 && found.log === entry.logId, 'no log holds it')
    return 'taken'
  },
}

const NOTES = ENTRIES.flatMap(({ entry: { proof, logId } }) => {
  const log = ROOT.logs.find(({ id }) => id === logId)
  return proof === undefined || log === undefined ? [] : [{ note: proof.checkpoint, log }]
})
const SIGNED_TEXTS = new Set(NOTES.map(({ note }) => note.slice(0, note.lastIndexOf('\n\n'))))

const checkpoints: Target = {
  name: 'checkpoint',
  form: 'text',
  weight: 6,
  seeds: NOTES.map(({ note }) => bytesOf(note)),
  read: (bytes, seed) => {
    const { log } = NOTES[seed % NOTES.length] ?? fail()
    const note = textOf(bytes)
    const found = verifyCheckpoint(note, log)
    if (found.kind === 'refusal') return 'refused'
    insist(SIGNED_TEXTS.has(note.slice(0, note.lastIndexOf('\n\n'))), 'the log has not signed it')
    return 'taken'
  },
}

const bundles: Target = {
  name: 'bundle',
  form: 'json',
  weight: 6,
  seeds: IMAGES.flatMap(({ artefacts }) => artefacts.flatMap(one => (one.layout === 'bundle' ? [one.bytes] : []))),
  read: reads(decodeBundle),
}

const promises: Target = {
  name: 'sct-list',
  form: 'der',
  weight: 8,
  seeds: CERTIFICATES.flatMap(
    ({ certificate }) => decodeCertificate(certificate).extensions.get(OID.promises)?.value ?? [],
  ),
  read: reads(decodeScts),
}

export const VERIFY_TARGETS: readonly Target[] = [
  verifier('bundle'),
  verifier('simple-signing'),
  verifier('attachment'),
  certificates,
  timestamps,
  logEntries,
  checkpoints,
  bundles,
  promises,
]

function textOfBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
