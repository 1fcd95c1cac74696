import { createHash } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { digestOf, hexOf } from '#core/domain/digest.ts'
import type { Message } from '#core/verify/sigstore/message.ts'
import { verifyBundle } from '#core/verify/sigstore/verify-bundle.ts'
import { BUNDLE_TYPE, demandOf, hintOf, makeSigner, signBundle, statementFor } from '../sign-image.ts'

const FILE = Buffer.from('a release, in bytes')
const signer = makeSigner()
const stranger = makeSigner()

type Digest = { readonly algorithm: string; readonly digest: string }

function sha(bits: 256 | 384 | 512, bytes: Uint8Array = FILE): Buffer {
  return createHash(`sha${bits}`).update(bytes).digest()
}

/** A bundle around a bare signature of the file; what it says of the message beside that is told by whoever asks. */
function messageBundle(messageDigest?: Digest, by = signer, file: Uint8Array = FILE): Buffer {
  const signature = Buffer.from(by.sign(file)).toString('base64')
  return Buffer.from(
    JSON.stringify({
      mediaType: BUNDLE_TYPE,
      verificationMaterial: { publicKey: { hint: hintOf(by.key) } },
      messageSignature: { ...(messageDigest === undefined ? {} : { messageDigest }), signature },
    }),
  )
}

function statementBundle(digest: Readonly<Record<string, string>>): Uint8Array {
  return signBundle(signer, { ...statementFor(digestOf(FILE)), subject: [{ name: 'release', digest }] }).bytes
}

/** What comes of it: `message` or the predicate type, or the code and the detail of the refusal. */
function found(bundle: Uint8Array, artefact: Message = FILE, predicateType?: string): string {
  const { by, log, timestamp } = demandOf(signer)
  const world = { trust: new Map(), now: new Date('2026-11-28T00:00:00Z') }
  const answer = verifyBundle(bundle, artefact, { by, log, timestamp, predicateType }, world)
  return answer.kind === 'refusal' ? `${answer.code}: ${answer.detail}` : (answer.predicateType ?? 'message')
}

const COSIGN = 'https://sigstore.dev/cosign/sign/v1'

t.test('proves a signature over a file, from its bytes or from the digest that was signed', async t => {
  const bundle = messageBundle({ algorithm: 'SHA2_256', digest: sha(256).toString('base64') })
  t.equal(found(bundle), 'message')
  t.equal(found(bundle, { sha256: sha(256) }), 'message')
  t.equal(found(messageBundle()), 'message', 'the digest in the bundle may be left out')
  t.match(found(messageBundle(undefined, stranger)), /^signature.wrong-key/)
})

t.test('a bundle of another file says so, and is believed in nothing', async t => {
  const other = Buffer.from('another release')
  const digest = { algorithm: 'SHA2_256', digest: sha(256, other).toString('base64') }
  const says = `the bundle says that it is of sha256:${sha(256, other).toString('hex')}`
  t.match(found(messageBundle(digest, signer, other)), new RegExp(`^signature.invalid: .*; unverified, ${says}`))
  t.match(found(messageBundle(digest, stranger, other)), new RegExp(`^signature.wrong-key: .*; unverified, ${says}`))
})

t.test('the digest in a bundle must agree, whatever the signature says', async t => {
  for (const [bits, algorithm] of [
    [256, 'SHA2_256'],
    [384, 'SHA2_384'],
    [512, 'SHA2_512'],
  ] as const) {
    t.equal(found(messageBundle({ algorithm, digest: sha(bits).toString('base64') })), 'message', algorithm)
    const other = sha(bits, Buffer.from('x')).toString('base64')
    t.match(found(messageBundle({ algorithm, digest: other })), /^signature.invalid: the bundle says that it is of/)
  }
  const unknown = { algorithm: 'SHA3_256', digest: sha(256).toString('base64') }
  t.match(found(messageBundle(unknown)), /^signature.invalid: .*"SHA3_256", which is none of SHA2_256/)
  const longer = messageBundle({ algorithm: 'SHA2_512', digest: sha(512).toString('base64') })
  t.throws(() => found(longer, { sha256: sha(256) }), /expected the sha512 digest/, 'which nobody has given')
})

t.test('proves a statement that names the file by any of its digests', async t => {
  t.equal(found(statementBundle({ sha256: sha(256).toString('hex') })), COSIGN)
  for (const bits of [384, 512] as const) {
    const bundle = statementBundle({ [`sha${bits}`]: sha(bits).toString('hex') })
    t.equal(found(bundle), COSIGN, `${bits}`)
    t.match(found(bundle, { sha256: sha(256) }), /^signature.wrong-image/, 'but not one that is not known')
  }
  const both = statementBundle({ sha256: hexOf(digestOf(Buffer.from('x'))), sha512: sha(512).toString('hex') })
  t.equal(found(both), COSIGN)
  t.match(
    found(statementBundle({ sha256: hexOf(digestOf(Buffer.from('x'))) })),
    /^signature.wrong-image: expected a statement about sha256:/,
  )
  t.match(found(statementBundle({ sha1: '00' })), /^signature.wrong-image: .* about nothing that has a SHA-256/)
  t.match(found(statementBundle({ sha256: sha(512).toString('hex') })), /^signature.wrong-image/, 'in its own place')
})

t.test('a statement must be of the type that is asked for, and a bare signature is of none', async t => {
  const bundle = statementBundle({ sha256: sha(256).toString('hex') })
  t.equal(found(bundle, FILE, COSIGN), COSIGN)
  t.match(
    found(bundle, FILE, 'https://slsa.dev/provenance/v1'),
    /^attestation.missing: .* got one of type "https:\/\/sig/,
  )
  t.match(found(messageBundle(), FILE, COSIGN), /^attestation.missing: .* got a bare signature/)
})

t.test("tells cosign's older bundle from a Sigstore bundle", async t => {
  const older = Buffer.from(JSON.stringify({ base64Signature: 'AAAA', cert: '', rekorBundle: {} }))
  t.match(found(older), /^signature.invalid: expected a Sigstore bundle, got cosign's older bundle .* sign again/)
})

t.test('throws at no bytes of a bundle', async t => {
  const good = [messageBundle(), Buffer.from(statementBundle({ sha256: sha(256).toString('hex') }))]
  fc.assert(
    fc.property(fc.constantFrom(...good), fc.nat(), fc.nat(255), (bundle, at, value) => {
      const bytes = Buffer.from(bundle)
      bytes.writeUInt8(value, at % bytes.length)
      return /^(?:message|https:|[a-z]+\.[a-z-]+: )/.test(found(bytes))
    }),
    { numRuns: 300 },
  )
  fc.assert(
    fc.property(fc.json(), text => found(Buffer.from(text)).startsWith('signature.invalid: ')),
    { numRuns: 200 },
  )
})
