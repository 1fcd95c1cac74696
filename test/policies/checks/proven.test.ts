import t from 'tap'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { refusal, silence } from '#core/domain/refusal.ts'
import { judgeProven } from '#policies/checks/proven.ts'
import {
  attestedBy,
  DIGEST,
  IMAGE,
  makeAttestationProof,
  makeDemand,
  makeProof,
  OTHER_DIGEST,
  signedBy,
} from '#test/policies/make-policy.ts'

const SBOM = 'https://sbom.test'
const signed = signedBy('a', 'release')
const attested = attestedBy('a', SBOM, 'release')
const image = parseImageRef(IMAGE)

t.test('is satisfied with a proof that was made for its demand and this image', async t => {
  t.strictSame(judgeProven(signed, image, makeProof('a')), { kind: 'satisfied', proofs: [makeProof('a')] })
  const proof = makeAttestationProof('a', SBOM)
  t.strictSame(judgeProven(attested, image, proof), { kind: 'satisfied', proofs: [proof] })
})

t.test('hands on what was found instead', async t => {
  const no = refusal('image.unsigned', 'nothing there')
  t.strictSame(judgeProven(signed, image, no), {
    kind: 'refused',
    complaints: [{ authority: 'release', because: no }],
  })
  const nothing = silence('registry.unreachable', 'no route')
  t.strictSame(judgeProven(signed, image, nothing), {
    kind: 'silent',
    complaints: [{ authority: 'release', because: nothing }],
  })
})

t.test('takes a missing finding for a fault of ours, and not for a pass', async t => {
  for (const leaf of [signed, attested])
    t.match(judgeProven(leaf, image, undefined), {
      kind: 'silent',
      complaints: [{ authority: 'release', because: { code: 'internal.error' } }],
    })
})

t.test('does not spend a proof for another image, or on an image that is not pinned', async t => {
  const strays = [
    [image, makeProof('a', OTHER_DIGEST)],
    [parseImageRef('r.test/app:v1'), makeProof('a', DIGEST)],
  ] as const
  for (const [image, proof] of strays)
    t.match(judgeProven(signed, image, proof), {
      kind: 'silent',
      complaints: [{ because: { code: 'internal.error', detail: /^expected a proof for / } }],
    })
})

t.test('does not spend a proof that answers another demand', async t => {
  const logged = { ...signed, demand: { ...makeDemand('a'), log: { trustRoot: 'default', atLeast: 1 } } }
  const sha512 = { ...signed, demand: makeDemand('a', 'sha512') }
  const strays = [
    [signed, makeProof('b')],
    [sha512, makeProof('a')],
    [logged, makeProof('a')],
  ] as const
  for (const [leaf, proof] of strays)
    t.match(judgeProven(leaf, image, proof), {
      kind: 'silent',
      complaints: [{ because: { code: 'internal.error', detail: /^expected a proof that answers / } }],
    })
})

t.test('CVE-2022-35930: spends no attestation on a signature, nor one type of attestation on another', async t => {
  const attestation = makeAttestationProof('a', SBOM)
  const strays = [
    [signed, attestation],
    [signed, { ...attestation, answers: makeProof('a').answers }],
    [attested, makeProof('a')],
    [attested, { ...makeProof('a'), answers: attestation.answers }],
    [attested, makeAttestationProof('a', 'https://other.test')],
    [attested, { ...makeAttestationProof('a', 'https://other.test'), answers: attestation.answers }],
  ] as const
  for (const [leaf, proof] of strays)
    t.match(judgeProven(leaf, image, proof), {
      kind: 'silent',
      complaints: [{ because: { code: 'internal.error', detail: /^expected a proof of / } }],
    })
})
