import t from 'tap'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { refusal, silence } from '#core/domain/refusal.ts'
import type { SignedBy } from '#policies/checks/signed-by.ts'
import { judgeSignedBy } from '#policies/checks/signed-by.ts'
import { DIGEST, IMAGE, makeProof, OTHER_DIGEST, signedBy } from '#test/policies/make-policy.ts'

const leaf = signedBy('a', 'release') as SignedBy
const image = parseImageRef(IMAGE)

t.test('is satisfied with a proof for this image by this key', async t => {
  t.strictSame(judgeSignedBy(leaf, image, makeProof('a')), { kind: 'satisfied', proofs: [makeProof('a')] })
})

t.test('hands on what was found instead', async t => {
  const no = refusal('image.unsigned', 'nothing there')
  t.strictSame(judgeSignedBy(leaf, image, no), {
    kind: 'refused',
    complaints: [{ authority: 'release', because: no }],
  })
  const nothing = silence('registry.unreachable', 'no route')
  t.strictSame(judgeSignedBy(leaf, image, nothing), {
    kind: 'silent',
    complaints: [{ authority: 'release', because: nothing }],
  })
})

t.test('takes a missing finding for a fault of ours, and not for a pass', async t => {
  t.match(judgeSignedBy(leaf, image, undefined), {
    kind: 'silent',
    complaints: [{ authority: 'release', because: { code: 'internal.error' } }],
  })
})

t.test('does not spend a proof for another image, another key, or an image that is not pinned', async t => {
  const strays = [
    [image, makeProof('a', OTHER_DIGEST)],
    [image, makeProof('b')],
    [parseImageRef('r.test/app:v1'), makeProof('a', DIGEST)],
  ] as const
  for (const [image, proof] of strays)
    t.match(judgeSignedBy(leaf, image, proof), {
      kind: 'silent',
      complaints: [{ because: { code: 'internal.error' } }],
    })
})
