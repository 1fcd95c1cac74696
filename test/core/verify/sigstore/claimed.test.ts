import fc from 'fast-check'
import t from 'tap'
import { claimedBy } from '#core/verify/sigstore/claimed.ts'
import { readImages } from '#test/support/read-layout.ts'
import { DIGEST, hintOf, makeSigner, payloadFor, signBundle, signPayload, statementFor } from '../sign-image.ts'

const images = readImages()

function claimsOf(name: string) {
  return images.find(image => image.name === name)?.artefacts.map(claimedBy) ?? []
}

t.test('tells what each recorded artefact says of itself', async t => {
  t.match(claimsOf('keyless-legacy-rekor1-tsa'), [
    {
      images: [/^sha256:6d09b83c/],
      predicateType: undefined,
      certificate: { kind: 'read', identity: { subjects: ['alice@example.test'] }, hasSigned: true },
      hint: undefined,
      entries: [{ index: 2, integratedTime: Number, hasPromise: true, hasProof: false }],
      timestamps: 1,
    },
  ])
  const provenance = claimsOf('provenance-ci-bundle')
  t.equal(provenance.length, 2)
  t.ok(provenance.some(claim => 'predicateType' in claim && claim.predicateType === 'https://slsa.dev/provenance/v1'))
})

t.test('tells a key by its hint, and a certificate that has not signed', async t => {
  const signer = makeSigner()
  t.match(claimedBy(signBundle(signer, statementFor(DIGEST))), { certificate: undefined, hint: hintOf(signer.key) })
  const [own] = images.find(({ name }) => name === 'keyless-legacy-rekor1')?.artefacts ?? []
  if (own?.layout !== 'simple-signing') throw new Error('expected a legacy signature')
  const foreign = { ...signPayload(signer, payloadFor(DIGEST)), annotations: own.annotations }
  t.match(claimedBy(foreign), { certificate: { kind: 'read', hasSigned: false } })
})

t.test('throws at no bytes', async t => {
  const artefacts = images.flatMap(image => image.artefacts)
  fc.assert(
    fc.property(fc.constantFrom(...artefacts), fc.nat(), fc.nat(255), (artefact, at, value) => {
      const original = artefact.layout === 'simple-signing' ? artefact.payload : artefact.bytes
      const bytes = Buffer.from(original)
      bytes.writeUInt8(value, at % bytes.length)
      const claim = claimedBy(
        artefact.layout === 'simple-signing' ? { ...artefact, payload: bytes } : { ...artefact, bytes },
      )
      return claim.kind === 'claimed' || claim.kind === 'refusal'
    }),
    { numRuns: 300 },
  )
})
