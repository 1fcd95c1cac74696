import t from 'tap'
import { askOf } from '#test/embedded/registry/ask.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { KEYLESS, schemeFor, signNew } from './sign-by-need.ts'
import { trustOf, verifyBundle } from './verify-artefact.ts'

const registry = await startRegistry(t)
const get = askOf(registry)
const trust = trustOf(await registry.sigstore({ name: 'acme' }))
const faults = await registry.signatureFaults()

const CHAIN = /Failed to verify certificate chain/
const SCT = /SCT verification failed/
const STAMP = /timestamp could not be verified/
const CHECKPOINT = /invalid checkpoint signature/
const ROOT = /calculated root hash does not match/

/** Why @sigstore/verify refuses. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  'untrusted-ca': CHAIN,
  'ca-ended': CHAIN,
  'leaf-signature-flipped': CHAIN,
  'expired-before-log': CHAIN,
  'logged-before-valid': CHAIN,
  'intermediate-not-ca': CHAIN,
  'intermediate-no-cert-sign': CHAIN,
  'intermediate-path-length-exceeded': CHAIN,
  'intermediate-expired': CHAIN,
  'sct-missing': /expected 1 SCTs, got 0/,
  'sct-flipped': SCT,
  'sct-unknown-log': SCT,
  'sct-other-certificate': SCT,
  'sct-after-log-ended': SCT,
  'entry-missing': /expected 1 tlog entries, got 0/,
  'entry-other-digest': /digest mismatch/,
  'entry-other-signature': /signature mismatch/,
  'entry-of-other-image': /signature mismatch/,
  'entry-twice': /duplicate tlog entry/,
  'many-entries': /duplicate tlog entry/,
  'unknown-kind': /unsupported kind: unknown/,
  'body-changed-after-promise': ROOT,
  'log-unknown': CHECKPOINT,
  'promise-flipped': /inclusion promise could not be verified/,
  'promise-missing-time-backdated': /expected 1 timestamps, got 0/,
  'proof-hash-flipped': ROOT,
  'index-out-of-range': /invalid index/,
  'checkpoint-missing': /invalid bundle/,
  'checkpoint-flipped': CHECKPOINT,
  'checkpoint-unknown-key': CHECKPOINT,
  'checkpoint-wrong-hint': CHECKPOINT,
  'relabelled-v01': /invalid v0.1 bundle/,
  'stamp-missing': /expected 1 timestamps, got 0/,
  'many-stamps': /duplicate timestamp/,
  'stamp-other-signature': STAMP,
  'stamp-flipped': STAMP,
  'stamp-sha1-imprint': STAMP,
  'stamp-unknown-authority': STAMP,
  'stamp-authority-ended': STAMP,
  'stamp-outside-authority-validity': STAMP,
  'stamp-no-eku': STAMP,
  'stamp-eku-not-critical': STAMP,
  'stamp-signed-by-certificate-without-stamping': STAMP,
  'payload-type-changed': /digest mismatch/,
  'envelope-no-signature': /invalid bundle/,
  'envelope-two-signatures': /invalid bundle/,
}

/** What it does not look at; what is wrong there, the other tests of this folder look at. */
const UNSEEN = [
  'no-code-signing-eku',
  'wrong-eku',
  'no-key-usage-digital-signature',
  'leaf-is-ca',
  'unknown-critical-extension',
  'duplicate-extension',
  'weak-key',
  'no-san',
  'no-issuer',
  'issuers-conflict',
  'entry-other-key',
  'log-key-ended',
  'log-key-not-begun',
  'root-hash-differs',
  'checkpoint-other-origin',
  'stamp-status-rejected',
  'wrong-subject',
  'subject-sha512-only',
  'predicate-type-annotation-differs',
  'statement-unknown-type',
  'not-a-statement',
  'payload-type-json',
  'payload-type-upper-case',
]

/** Good, though it cannot read them: it knows fractions of three digits only. */
const UNREAD = ['stamp-fraction-1', 'stamp-fraction-2', 'stamp-fraction-6']

t.test(
  'each fault is refused for what it is, or not seen by a verifier that is not ours; what is good is accepted',
  async t => {
    for (const { name, good, needs } of faults) {
      const verdict = verifyBundle(trust, await signNew(registry, get, { ...schemeFor(needs), fault: name }))
      const refusal = good ? UNREAD.includes(name) && /invalid time/ : REFUSED[name]
      if (refusal) t.match(verdict.refused, refusal, name)
      else t.equal(verdict.refused, undefined, name)
      if (!good) t.not(UNSEEN.includes(name), name in REFUSED, `${name} is in one table`)
    }
    t.ok(faults.every(({ says }) => says.length > 10))
  },
)

t.test('an order that lacks what the fault would show in is refused', async t => {
  await registry.key('plain')
  const bundle = { layout: 'bundle', keyless: KEYLESS } as const
  const sign = (scheme: object) => signNew(registry, get, scheme)
  await t.rejects(sign({ ...bundle, fault: 'promise-flipped', log: 'rekor2' }), /needs promise/)
  await t.rejects(sign({ ...bundle, fault: 'stamp-flipped' }), /needs timestamp/)
  await t.rejects(sign({ ...bundle, fault: 'intermediate-not-ca' }), /needs chain/)
  await t.rejects(sign({ layout: 'bundle', key: 'plain', fault: 'no-san' }), /needs certificate/)
  await t.rejects(sign({ layout: 'simple-signing', keyless: KEYLESS, fault: 'not-a-statement' }), /needs statement/)
  await t.rejects(sign({ ...bundle, fault: 'no-such-fault' }), /fault/)
  await t.rejects(sign({ layout: 'simple-signing', keyless: KEYLESS, log: 'rekor2' }), /expected rekor1/)
  await t.rejects(sign({ layout: 'bundle', key: 'plain', keyless: KEYLESS }), /key or keyless/)
  await t.rejects(sign({ layout: 'bundle', key: 'plain', log: 'rekor1' }), /expected a sigstore/)
  await t.rejects(sign({ layout: 'bundle', keyless: { ...KEYLESS, sigstore: 'nobody' } }), /no sigstore/)
  await t.rejects(sign({ ...bundle, log: 'rekor2', entryKind: 'intoto' }), /has no intoto entry/)
  await t.rejects(
    sign({ layout: 'simple-signing', keyless: KEYLESS, log: 'rekor1', entryKind: 'dsse' }),
    /has no dsse entry/,
  )
})

t.test('what is wrong with a log entry or a statement is wrong in nothing else', async t => {
  const made = async (fault: string, needs: readonly string[]) => {
    const image = await signNew(registry, get, { ...schemeFor(needs), fault })
    const bundle = JSON.parse(image.text)
    return { ...image, bundle, entry: bundle.verificationMaterial.tlogEntries[0], statement: statementOf(bundle) }
  }
  const { entry } = await made('entry-other-key', ['log'])
  const { hashedRekordV002 } = JSON.parse(Buffer.from(entry.canonicalizedBody, 'base64').toString()).spec
  t.strictSame(Object.keys(hashedRekordV002.signature.verifier), ['keyDetails', 'publicKey'])
  const { inclusionProof } = (await made('root-hash-differs', ['proof'])).entry
  t.not(inclusionProof.checkpoint.envelope.split('\n')[2], inclusionProof.rootHash)
  const origin = (await made('checkpoint-other-origin', ['proof'])).entry.inclusionProof.checkpoint.envelope
  t.match(origin, /^log\.other\.test\n\d+\n.*\n\n— rekor-tiles\.acme\.test /)
  t.match(
    (await made('log-key-ended', ['log'])).entry.inclusionProof.checkpoint.envelope,
    /^rekor-tiles-retired\.acme\.test\n/,
  )

  const wrong = await made('wrong-subject', [])
  t.strictSame(wrong.statement.subject[0].digest, { sha256: 'e'.repeat(64) })
  const hex = (digest: string) => digest.slice('sha256:'.length)
  const longer = await made('subject-sha512-only', ['statement'])
  t.strictSame(longer.statement.subject[0].digest, { sha512: hex(longer.digest).repeat(2) })
  const announced = await made('predicate-type-annotation-differs', ['statement'])
  t.equal(announced.annotations['dev.sigstore.bundle.predicateType'], 'https://slsa.dev/provenance/v1')
  t.equal(announced.statement.predicateType, 'https://sigstore.dev/cosign/sign/v1')
  t.match((await made('statement-unknown-type', ['statement'])).statement._type, /Statement\/v9$/)
  t.match((await made('statement-v01', ['statement'])).statement._type, /Statement\/v0\.1$/)
  t.strictSame((await made('not-a-statement', ['statement'])).statement, { hello: 'world' })
  t.equal((await made('payload-type-json', ['statement'])).bundle.dsseEnvelope.payloadType, 'application/json')
  t.equal((await made('many-entries', ['log', 'bundle'])).bundle.verificationMaterial.tlogEntries.length, 33)
})

t.test('a predicate is what is ordered, and as long', async t => {
  const order = { ...schemeFor(['statement']), predicate: { builder: 'acme' }, predicateBytes: 100_000 }
  const { text } = await signNew(registry, get, order)
  const { predicate } = statementOf(JSON.parse(text))
  t.strictSame([predicate.builder, predicate.filler.length], ['acme', 100_000])
})

t.test('a Sigstore can be made with a fault of its own, which its trust root lists', async t => {
  const made = async (fault: string) => {
    const faulty = trustOf(await registry.sigstore({ name: fault, fault }))
    const keyless = { ...KEYLESS, sigstore: fault }
    return verifyBundle(faulty, await signNew(registry, get, { ...schemeFor(['rekor2']), keyless }))
  }
  t.match((await made('intermediate-not-ca')).refused, CHAIN)
  t.match((await made('intermediate-path-length-exceeded')).refused, CHAIN)
  t.match((await made('intermediate-no-cert-sign')).refused, CHAIN)
  // it does not look at the purpose: nothing else is wrong
  t.equal((await made('stamp-no-eku')).refused, undefined)
  t.equal((await made('stamp-eku-not-critical')).refused, undefined)
  await t.rejects(made('no-san'), /no fault of authorities/)
})

function statementOf({ dsseEnvelope }: { readonly dsseEnvelope: { readonly payload: string } }) {
  return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString())
}
