import t from 'tap'
import type { LegacyAnnotations } from '#core/domain/artefact.ts'
import { InputError } from '#core/domain/input-error.ts'
import { decodeLegacyMaterial } from '#core/verify/sigstore/legacy-material.ts'
import { readImages } from '#test/support/read-layout.ts'
import { DIGEST, demandOf, makeSigner, NO_ANNOTATIONS, payloadFor, signPayload, verify } from '../sign-image.ts'

const signer = makeSigner()

/** What is said of a good signature by a key with these annotations beside it. */
function found(annotations: Partial<LegacyAnnotations>): string {
  const artefact = { ...signPayload(signer, payloadFor(DIGEST)), annotations: { ...NO_ANNOTATIONS, ...annotations } }
  const answer = verify(artefact, DIGEST, demandOf(signer))
  return answer.kind === 'proof' ? 'proof' : answer.code
}

t.test('what cosign wrote is decoded, and what is empty is not there', async t => {
  const images = readImages().flatMap(({ artefacts }) => artefacts)
  const recorded = images.flatMap(one => (one.layout === 'bundle' ? [] : [one.annotations]))
  const decoded = recorded.map(decodeLegacyMaterial)
  t.ok(
    decoded.some(
      ({ certificate, chain, entries, timestamps }) => certificate && chain[0] && entries[0] && timestamps[0],
    ),
  )
  const empty = { certificate: '', chain: '', bundle: '', timestamp: '' }
  t.strictSame(decodeLegacyMaterial(empty), decodeLegacyMaterial(NO_ANNOTATIONS))
  t.strictSame(decodeLegacyMaterial(empty), {
    certificate: undefined,
    chain: [],
    hint: undefined,
    entries: [],
    timestamps: [],
  })
})

t.test('the part that cannot be read is named, whatever is asked for', async t => {
  t.equal(found({}), 'proof')
  t.equal(found({ certificate: 'no certificate' }), 'certificate.invalid')
  t.equal(found({ chain: 'no certificate' }), 'certificate.invalid')
  t.equal(found({ bundle: '{}' }), 'log.invalid')
  t.equal(found({ timestamp: '{}' }), 'time.invalid')
  t.equal(found({ bundle: ' '.repeat(1024 * 1024) }), 'limit.exceeded')
  t.throws(() => decodeLegacyMaterial({ ...NO_ANNOTATIONS, bundle: '{}' }), InputError)
})
