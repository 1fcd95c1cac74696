/** Nothing of what the real cosign wrote can be changed: whatever value is, the artefact is refused, or the value is known to mean nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import type { Artefact } from '#core/domain/artefact.ts'
import type { Demand, KeylessSigner, KeySigner } from '#core/domain/demand.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { DEFAULT_TRUST_ROOT } from '#core/domain/trust-root.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'
import { RECORDED_LAYOUTS } from '#test/support/embedded-registry.ts'
import { readImages, readKeys } from '#test/support/read-layout.ts'
import { changesOf } from './change-artefact.ts'
import { changesOfExtensions } from './change-extensions.ts'
import { PROVENANCE } from './schemes.ts'

t.setTimeout(170_000)

const root = parseTrustedRoot(readFileSync(join(RECORDED_LAYOUTS, '../trusted_root.json')), DEFAULT_TRUST_ROOT)
// Long after: whatever rests on what the time is, does not hold.
const world = { trust: new Map([[DEFAULT_TRUST_ROOT, root]]), now: new Date('2030-01-01T00:00:00Z') }

const byKey: KeySigner = { kind: 'key', key: parsePublicKey(readKeys().get('p256.pub')), hash: 'sha256' }

function keyless(issuer: string, subject: string): KeylessSigner {
  const exactly = (text: string) => ({ kind: 'exactly', text }) as const
  const identities = [{ issuer: exactly(issuer), subject: exactly(subject) }]
  return { kind: 'keyless', trustRoot: DEFAULT_TRUST_ROOT, identities, sct: 'required' }
}

const byAlice = keyless('http://127.0.0.1:7000', 'alice@example.test')
const byCi = keyless('http://127.0.0.1:7000/ci', 'https://ci.example.test/acme/app/.ci/release.yml@refs/heads/main')

function asked(by: KeylessSigner | KeySigner, isStamped: boolean, predicateType?: string): Demand {
  const demand = {
    by,
    log: { trustRoot: DEFAULT_TRUST_ROOT, atLeast: 1 },
    timestamp: isStamped ? { trustRoot: DEFAULT_TRUST_ROOT } : undefined,
    layout: 'any',
  } as const
  return predicateType === undefined
    ? { kind: 'signature', ...demand }
    : { kind: 'attestation', predicateType, ...demand }
}

/** What means nothing in every bundle, and why. */
const IN_BUNDLES = {
  mediaType: 'turns 0.3 into 0.2, which asks for the same proof, and has room for more beside it',
  'dsseEnvelope, with another member': 'nobody reads it: payload, type and signature are all that counts',
  'dsseEnvelope.signatures.[], with another member': 'nobody reads it, as nobody reads the keyid (DSSE, protocol.md)',
  'verificationMaterial, with another member': 'nobody reads it: what it should prove is not proven by it',
  'verificationMaterial.timestampVerificationData, with another member': 'nobody reads it',
  'verificationMaterial.timestampVerificationData.rfc3161Timestamps.[], with another member': 'nobody reads it',
  'verificationMaterial.timestampVerificationData.rfc3161Timestamps, twice': 'a copy says what the other says',
  'verificationMaterial.tlogEntries, twice': 'two entries in one log count once (CVE-2026-49834)',
  'verificationMaterial.tlogEntries.[], with integratedTime':
    'a time that nobody has promised is none (CVE-2026-48816)',
  'verificationMaterial.tlogEntries.[].inclusionProof.treeSize, as a number':
    'the same number (protobuf, JSON mapping)',
} as const

/** Entries that are not the first of their log say where they are; what no promise signs is looked at by nobody. */
const INDEX = {
  'verificationMaterial.tlogEntries.[].inclusionProof.logIndex, as a number': 'the same number',
  'verificationMaterial.tlogEntries.[].logIndex': 'the index in all trees of the log: only a promise would sign it',
  'verificationMaterial.tlogEntries.[].logIndex, as a number': 'the same number',
  'verificationMaterial.tlogEntries.[].logIndex, left out': 'only a promise would sign it',
  'verificationMaterial.tlogEntries.[].logIndex, of another type': 'the number 7, which nobody has signed either',
} as const

const CERTIFIED = { 'verificationMaterial.certificate, with another member': 'nobody reads it' } as const

/** Whoever may have written the name of the key: the key of the policy is tried whatever it says. */
const HINT = {
  'verificationMaterial.tlogEntries.[], with logIndex': 'only a promise would sign it',
  'verificationMaterial.publicKey, empty': 'no hint is a hint at nothing',
  'verificationMaterial.publicKey, with another member': 'nobody reads it',
  'verificationMaterial.publicKey.hint': 'helps to tell what is wrong, where something is',
  'verificationMaterial.publicKey.hint, left out': 'as above',
  'verificationMaterial.publicKey.hint, null': 'as above',
} as const

/** The trust root has the chain, and what came along is tried, never trusted. */
const CHAIN = {
  chain: 'another certificate that can be read leads nowhere, and the trust root leads on',
  'chain, empty': 'the trust root has it',
  'chain, left out': 'the trust root has it',
} as const

const STAMP = {
  'timestamp.SignedRFC3161Timestamp': 'the certificate that came along was changed, and the trust root has it',
} as const

const KEY_ID = {
  'signatures.[], with another member': 'nobody reads it',
  'signatures.[].keyid, left out': 'a hint that is not signed (DSSE, protocol.md)',
  'signatures.[].keyid, null': 'as above',
  'signatures.[].keyid, of another type': 'as above',
} as const

type Free = Readonly<Record<string, string>>

const CASES: readonly (readonly [image: string, demand: Demand, free: Free])[] = [
  ['keyless-bundle-rekor2-tsa', asked(byAlice, true), { ...IN_BUNDLES, ...INDEX, ...CERTIFIED }],
  ['key-bundle-rekor2-tsa', asked(byKey, true), { ...IN_BUNDLES, ...HINT }],
  ['provenance-ci-bundle', asked(byCi, true, PROVENANCE), { ...IN_BUNDLES, ...INDEX, ...CERTIFIED }],
  ['keyless-legacy-rekor1', asked(byAlice, false), CHAIN],
  ['keyless-legacy-rekor1-tsa', asked(byAlice, true), { ...CHAIN, ...STAMP }],
  ['key-legacy-rekor1', asked(byKey, false), {}],
  ['provenance-legacy-keyless', asked(byAlice, false, PROVENANCE), { ...CHAIN, ...KEY_ID }],
]

const images = new Map(readImages().map(image => [image.name, image]))

for (const [name, demand, free] of CASES) {
  t.test(`${name}: every change of one value is refused, or of one that means nothing`, async t => {
    const image = images.get(name)
    if (image === undefined) throw new Error(`no image ${name}`)
    const verify = (artefact: Artefact) => verifyArtefact(artefact, image.digest, demand, world)
    const artefact = image.artefacts.find(one => verify(one).kind === 'proof')
    if (artefact === undefined) throw new Error(`${name} is not proven`)
    const changes = changesOf(artefact)
    const proven = new Set(changes.flatMap(({ what, artefact }) => (verify(artefact).kind === 'proof' ? [what] : [])))
    t.ok(changes.length > 500, `${changes.length} changes`)
    t.strictSame([...proven].toSorted(), Object.keys(free).toSorted())
  })
}

t.test('no extension of a certificate can be changed, moved or left out, log or no log', async t => {
  const image = images.get('keyless-bundle-rekor2-tsa')
  const [artefact] = image?.artefacts ?? []
  if (image === undefined || artefact?.layout !== 'bundle') throw new Error('no bundle')
  const bundle = JSON.parse(Buffer.from(artefact.bytes).toString())
  const { certificate } = bundle.verificationMaterial
  const changes = changesOfExtensions(Buffer.from(certificate.rawBytes, 'base64'))
  t.ok(changes.length > 30, `${changes.length} changes`)
  for (const isLogged of [true, false]) {
    const demand = isLogged ? asked(byAlice, true) : { ...asked(byAlice, true), log: undefined }
    const codes = changes.map(der => {
      certificate.rawBytes = Buffer.from(der).toString('base64')
      const bytes = Buffer.from(JSON.stringify(bundle))
      const found = verifyArtefact({ ...artefact, bytes }, image.digest, demand, world)
      return found.kind === 'proof' ? 'proof' : found.code
    })
    t.notOk(codes.includes('proof'))
    // The authority has signed it as it was, and a stranger's log entry is not even looked at.
    t.ok(codes.includes('certificate.untrusted'))
  }
})
