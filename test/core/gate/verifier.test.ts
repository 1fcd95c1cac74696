import t from 'tap'
import type { Artefact, BundleArtefact } from '#core/domain/artefact.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { makeVerifier } from '#core/gate/verifier.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'
import { ANYBODY, ANYBODYS_PROVENANCE, RECORDED_TRUST } from '#test/support/keyless.ts'
import { readImages } from '#test/support/read-layout.ts'

const now = () => new Date('2026-11-28T00:00:00Z')
const never = new AbortController().signal
const images = readImages()

const demands = [ANYBODY, ANYBODYS_PROVENANCE]

function keylessBundle() {
  const { artefacts = [], digest } = images.find(({ name }) => name === 'keyless-bundle-rekor2-tsa') ?? {}
  const [artefact] = artefacts
  if (artefact?.layout !== 'bundle' || digest === undefined) throw new Error('no such bundle')
  return { artefact, digest }
}

/** The artefact with blanks behind it, which change nothing but its size. */
function padded(artefact: BundleArtefact, bytes: number): BundleArtefact {
  return { ...artefact, bytes: Buffer.concat([artefact.bytes, Buffer.alloc(bytes, ' ')]) }
}

t.test('says on every thread, and for however many at once, what the verifier says', async t => {
  const { verify, close } = makeVerifier({ now, threads: 2 })
  t.teardown(close)
  const asked = images.flatMap(({ artefacts, digest }) =>
    artefacts
      .flatMap((one): readonly Artefact[] => (one.layout === 'bundle' ? [one, padded(one, 20_000)] : [one]))
      .map(artefact => ({ artefact, digest })),
  )
  t.ok(asked.length > 20)
  const answers = await Promise.all(
    asked.map(({ artefact, digest }) => verify(artefact, { digest, demands, trust: RECORDED_TRUST }, never)),
  )
  let proofs = 0
  for (const [index, { artefact, digest }] of asked.entries()) {
    const expected = demands.map(demand =>
      verifyArtefact(artefact, digest, demand, { trust: RECORDED_TRUST, now: now() }),
    )
    t.strictSame(answers[index], expected)
    proofs += expected.filter(({ kind }) => kind === 'proof').length
  }
  t.ok(proofs > 5)
})

t.test('where there is a thread, nothing that needs more than a key is verified here beside another', async t => {
  const places: string[] = []
  const sight = {
    verify: <T>(_evidence: unknown, place: string, work: () => Promise<T>) => {
      places.push(place)
      return work()
    },
  }
  const { verify, close } = makeVerifier({ now, threads: 1, sight })
  t.teardown(close)
  const { artefact, digest } = keylessBundle()
  const verifyAtOnce = async (count: number) => {
    const asked = { digest, demands: [ANYBODY], trust: RECORDED_TRUST }
    await Promise.all(Array.from({ length: count }, () => verify({ ...artefact }, asked, never)))
    return places.splice(0)
  }
  t.strictSame(await verifyAtOnce(3), ['inline', 'inline', 'inline'], 'no thread is started for a few')
  t.strictSame(await verifyAtOnce(5), ['inline', 'inline', 'inline', 'thread', 'thread'], 'but for more')
  t.strictSame(await verifyAtOnce(3), ['inline', 'thread', 'thread'])
  t.strictSame(await verifyAtOnce(1), ['inline'], 'whoever is alone does not wait for it')
  const large = verify(padded(artefact, 20_000), { digest, demands: [ANYBODY], trust: RECORDED_TRUST }, never)
  t.strictSame(await verifyAtOnce(2), ['thread', 'inline', 'thread'], 'nor for what is large')
  t.match(await large, [{ kind: 'proof' }])
})

t.test('gives up with the reason of the signal, on the event loop and in a thread', async t => {
  const { verify, close } = makeVerifier({ now, threads: 1 })
  t.teardown(close)
  const { artefact, digest } = keylessBundle()
  const late = AbortSignal.abort(new Unavailable('deadline.exceeded', 'late'))
  for (const one of [artefact, padded(artefact, 20_000)])
    await t.rejects(verify(one, { digest, demands, trust: RECORDED_TRUST }, late), { code: 'deadline.exceeded' })
  const limit = new AbortController()
  const waiting = verify(padded(artefact, 20_000), { digest, demands, trust: RECORDED_TRUST }, limit.signal)
  limit.abort(new Unavailable('deadline.exceeded', 'late'))
  await t.rejects(waiting, { code: 'deadline.exceeded' })
})

t.test('a bug in a thread is a bug here, and the next question is answered', async t => {
  const { verify, close } = makeVerifier({ now, threads: 1 })
  t.teardown(close)
  const { artefact, digest } = keylessBundle()
  const large = padded(artefact, 20_000)
  await t.rejects(verify(large, { digest, demands, trust: new Map() }, never), { name: 'TypeError' })
  t.match(await verify(large, { digest, demands: [ANYBODY], trust: RECORDED_TRUST }, never), [{ kind: 'proof' }])
})
