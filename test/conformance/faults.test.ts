/** Every fault that a signature can be given here, in every layout and by every signer in which it shows, is refused by its name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import type { RefusalCode } from '#core/domain/refusal.ts'
import { DEFAULT_TRUST_ROOT } from '#core/domain/trust-root.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'
import { makeClient } from '#test/core/registry/make-client.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makePod } from '#test/support/make-subject.ts'
import { startWebhook } from '#test/support/webhook-process.ts'
import {
  demandOf,
  fetchArtefacts,
  PROVENANCE,
  policiesFor,
  SCHEMES,
  type Scheme,
  schemesWith,
  signNew,
} from './schemes.ts'

t.setTimeout(170_000)

type Outcome = RefusalCode | 'proof'

/** What comes of each fault; two outcomes where a timestamp changes what is wrong: without one, with one. */
const OUTCOMES: Readonly<Record<string, Outcome | readonly [Outcome, Outcome]>> = {
  'untrusted-ca': 'certificate.untrusted',
  'ca-ended': 'certificate.untrusted',
  'leaf-signature-flipped': 'certificate.untrusted',
  'expired-before-log': 'certificate.expired',
  'logged-before-valid': 'certificate.expired',
  'no-code-signing-eku': 'certificate.not-for-signing',
  'wrong-eku': 'certificate.not-for-signing',
  'no-key-usage-digital-signature': 'certificate.not-for-signing',
  'leaf-is-ca': 'certificate.not-for-signing',
  'unknown-critical-extension': 'certificate.invalid',
  'duplicate-extension': 'certificate.invalid',
  'weak-key': 'certificate.invalid',
  'no-san': 'certificate.invalid',
  'several-sans': 'proof',
  'username-san': 'proof',
  'no-issuer': 'certificate.invalid',
  'issuer-v1-only': 'proof',
  'issuer-v2-only': 'proof',
  'issuers-conflict': 'certificate.invalid',
  'intermediate-not-ca': 'certificate.untrusted',
  'intermediate-no-cert-sign': 'certificate.untrusted',
  'intermediate-path-length-exceeded': 'certificate.untrusted',
  'intermediate-expired': 'certificate.expired',
  'sct-missing': 'sct.missing',
  'sct-flipped': 'sct.invalid',
  'sct-unknown-log': 'sct.untrusted',
  'sct-other-certificate': 'sct.invalid',
  'sct-after-log-ended': 'sct.untrusted',
  'entry-missing': 'log.missing',
  'entry-other-digest': 'log.mismatch',
  'entry-other-signature': 'log.mismatch',
  'entry-other-key': 'log.mismatch',
  'entry-of-other-image': 'log.mismatch',
  'entry-twice': 'proof',
  'many-entries': 'limit.exceeded',
  'unknown-kind': 'log.invalid',
  'body-changed-after-promise': 'log.invalid',
  'log-unknown': 'log.untrusted',
  'log-key-ended': 'log.untrusted',
  'log-key-not-begun': 'log.untrusted',
  'promise-flipped': 'log.invalid',
  // Without the promise only the timestamp says when, and it says: too late.
  'promise-missing-time-backdated': ['time.missing', 'certificate.expired'],
  'proof-hash-flipped': 'log.invalid',
  'root-hash-differs': 'log.invalid',
  'index-out-of-range': 'log.invalid',
  'checkpoint-missing': 'log.invalid',
  'checkpoint-flipped': 'log.invalid',
  'checkpoint-other-origin': 'log.invalid',
  'checkpoint-unknown-key': 'log.invalid',
  'checkpoint-wrong-hint': 'log.invalid',
  'relabelled-v01': 'log.invalid',
  'stamp-missing': 'time.missing',
  'many-stamps': 'limit.exceeded',
  'stamp-other-signature': 'time.invalid',
  'stamp-flipped': 'time.invalid',
  'stamp-status-rejected': 'time.invalid',
  'stamp-sha1-imprint': 'time.invalid',
  'stamp-unknown-authority': 'time.untrusted',
  'stamp-authority-ended': 'time.untrusted',
  'stamp-outside-authority-validity': 'time.untrusted',
  'stamp-no-eku': 'time.untrusted',
  'stamp-eku-not-critical': 'time.untrusted',
  'stamp-signed-by-certificate-without-stamping': 'time.untrusted',
  'stamp-forged-certificate-first': 'proof',
  'stamp-fraction-1': 'proof',
  'stamp-fraction-2': 'proof',
  'stamp-fraction-3': 'proof',
  'stamp-fraction-6': 'proof',
  'wrong-subject': 'signature.wrong-image',
  'subject-sha512-only': 'signature.wrong-image',
  'predicate-type-annotation-differs': 'proof',
  'statement-v01': 'proof',
  'statement-unknown-type': 'signature.invalid',
  'not-a-statement': 'signature.invalid',
  'payload-type-json': 'signature.invalid',
  'payload-type-upper-case': 'signature.invalid',
  'payload-type-changed': 'signature.invalid',
  'envelope-no-signature': 'signature.invalid',
  'envelope-two-signatures': 'signature.invalid',
}

/** Faults that nothing is proven by and nothing is lost to, each with a test of its own below or beside. */
const HARMLESS: readonly string[] = [
  // It counts once, and does not make two logs of one: order.test.ts.
  'entry-twice',
  // Nobody signed the annotation, so nobody is asked to believe it: what it announces is not proven.
  'predicate-type-annotation-differs',
]

function outcomeOf(fault: string, { order }: Scheme): Outcome {
  const outcome = OUTCOMES[fault]
  if (outcome === undefined) throw new Error(`nothing is expected of ${fault}`)
  if (typeof outcome === 'string') return outcome
  return order.timestamp === true ? outcome[1] : outcome[0]
}

const registry = await startRegistry(t)
const pem = await registry.key('release')
const trustedRoot = JSON.stringify(await registry.sigstore({ name: 'acme' }))
const key = { kind: 'key', key: parsePublicKey(pem), hash: 'sha256' } as const
const trust = new Map([[DEFAULT_TRUST_ROOT, parseTrustedRoot(Buffer.from(trustedRoot), DEFAULT_TRUST_ROOT)]])
// Thousands of requests go to one host here: a client that spares it would wait most of the time.
const requests = { perSecond: 1000, burst: 10_000 }
const view = makeClient(t, [{ host: registry.host, plainHttp: true, requests }])
const faults = await registry.signatureFaults()

/** Signs an image, fetches what lies beside it, and verifies that; the one code, or `proof`. */
async function verifyNew(scheme: Scheme, more: object, demand = demandOf(scheme, key)): Promise<Outcome> {
  const attached = await signNew(registry, scheme, more)
  const [artefact, ...others] = await fetchArtefacts(view, registry.host, attached, demand)
  if (artefact === undefined || others.length > 0) throw new Error(`expected one artefact for ${scheme.name}`)
  const found = verifyArtefact(artefact, attached.digest, demand, { trust, now: new Date() })
  return found.kind === 'proof' ? 'proof' : found.code
}

t.test('the table names every fault there is and no other, and believes in the good ones', async t => {
  t.strictSame(
    faults.map(({ name }) => name),
    Object.keys(OUTCOMES),
  )
  for (const { name, good } of faults) t.equal(OUTCOMES[name] === 'proof', good || HARMLESS.includes(name), name)
})

t.test('what has no fault is proven in every layout, by every signer', async t => {
  for (const scheme of SCHEMES) t.equal(await verifyNew(scheme, {}), 'proof', scheme.name)
})

t.test('a fault has its one outcome in every layout, by every signer', async t => {
  for (const { name, needs } of faults) {
    const schemes = schemesWith(needs)
    t.ok(schemes.length > 0, `${name} can be shown`)
    const found = await Promise.all(schemes.map(scheme => verifyNew(scheme, { fault: name })))
    t.strictSame(
      schemes.map((scheme, index) => [scheme.name, found[index]]),
      schemes.map(scheme => [scheme.name, outcomeOf(name, scheme)]),
      name,
    )
  }
})

t.test('an attestation is never proven by what an annotation announces', async t => {
  // What is attested is announced as a signature, and what is a signature as provenance.
  const fault = { fault: 'predicate-type-annotation-differs' }
  for (const scheme of schemesWith(['statement'])) {
    const { kind, ...asked } = demandOf(scheme, key)
    const announced =
      kind === 'signature'
        ? ({ ...asked, kind: 'attestation', predicateType: PROVENANCE } as const)
        : ({ ...asked, kind: 'signature' } as const)
    if (scheme.order.layout === 'attachment' && announced.kind === 'signature') continue
    const expected = announced.kind === 'attestation' ? 'attestation.missing' : 'attestation.wrong-type'
    t.equal(await verifyNew(scheme, fault, announced), expected, scheme.name)
  }
})

t.test('the webhook admits and refuses the same, and names the code', async t => {
  const trustRoots = mkdtempSync(join(tmpdir(), 'shedu-faults-'))
  t.teardown(() => rmSync(trustRoots, { recursive: true, force: true }))
  writeFileSync(join(trustRoots, 'default.json'), trustedRoot)
  const policies = SCHEMES.flatMap(scheme => policiesFor(scheme, registry.host, pem))
  const webhook = await startWebhook(t, registry.host, policies, { SHEDU_TRUST_ROOTS_DIR: trustRoots })
  const ask = async (title: string, scheme: Scheme, more: object, expected: Outcome) => {
    const { repository, digest } = await signNew(registry, scheme, more)
    const { allowed, status } = await webhook.create(makePod(`${registry.host}/${repository}@${digest}`))
    t.equal(allowed, expected === 'proof', `${title}, ${scheme.name}: ${status?.message}`)
    if (expected !== 'proof') t.match(status?.message, `${expected}: `, `${title}, ${scheme.name}`)
  }
  for (const scheme of SCHEMES) await ask('good', scheme, {}, 'proof')
  for (const [index, { name, needs }] of faults.entries()) {
    const schemes = schemesWith(needs)
    // Another layout or signer each time: all of them have their turn.
    const scheme = schemes[index % schemes.length]
    if (scheme === undefined) throw new Error(`no scheme for ${name}`)
    await ask(name, scheme, { fault: name }, outcomeOf(name, scheme))
  }
})
