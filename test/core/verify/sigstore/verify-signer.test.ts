import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseTrustedRoot } from '#certs/trusted/parse-trusted-root.ts'
import type { SignatureDemand } from '#core/domain/demand.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { DEFAULT_TRUST_ROOT, type Validity } from '#core/domain/trust-root.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'
import { RECORDED_LAYOUTS } from '#test/support/embedded-registry.ts'
import { readImages, readKeys } from '#test/support/read-layout.ts'

const root = parseTrustedRoot(readFileSync(join(RECORDED_LAYOUTS, '../trusted_root.json')), DEFAULT_TRUST_ROOT)
const key = parsePublicKey(readKeys().get('p256.pub'))
const LOGGED = { trustRoot: DEFAULT_TRUST_ROOT, atLeast: 1 }

/** What is found about a recorded image by a key that was valid for a while, when it is asked at `now`. */
function found(name: string, validFor: Validity | undefined, log: SignatureDemand['log'], now: number) {
  const image = readImages().find(one => one.name === name)
  const [artefact] = image?.artefacts ?? []
  if (image === undefined || artefact === undefined) throw new Error(`no image ${name}`)
  const by = { kind: 'key', key, hash: 'sha256', ...(validFor === undefined ? {} : { validFor }) } as const
  const demand = { kind: 'signature', by, log, timestamp: undefined, layout: 'any' } as const
  const trust = new Map([[DEFAULT_TRUST_ROOT, root]])
  return verifyArtefact(artefact, image.digest, demand, { trust, now: new Date(now) })
}

const LATER = Date.parse('2030-01-01T00:00:00Z')

t.test('a key counts for what it signed while it was valid, both ends included (CVE-2026-54787)', async t => {
  const logged = (validFor: Validity) => found('key-legacy-rekor1', validFor, LOGGED, LATER)
  const proof = found('key-legacy-rekor1', undefined, LOGGED, LATER)
  const at = Date.parse((proof.kind === 'proof' && proof.signedAt) || '')
  const expired = { kind: 'refusal', code: 'signature.wrong-key', detail: /when the key was valid/ }
  t.match(logged({ from: at, until: at }), { kind: 'proof', until: undefined })
  t.match(logged({ from: undefined, until: at - 1 }), expired)
  t.match(logged({ from: at + 1, until: undefined }), expired)
})

t.test(
  'where nobody has seen when it signed, a key counts while it is valid, and what it proves no longer',
  async t => {
    const unseen = (validFor: Validity) => found('key-legacy-nolog', validFor, undefined, LATER)
    t.match(unseen({ from: LATER, until: LATER + 1000 }), {
      kind: 'proof',
      until: new Date(LATER + 1000).toISOString(),
    })
    t.match(unseen({ from: undefined, until: LATER - 1 }), { kind: 'refusal', code: 'signature.wrong-key' })
    t.match(unseen({ from: LATER + 1, until: undefined }), { kind: 'refusal', code: 'signature.wrong-key' })
  },
)
