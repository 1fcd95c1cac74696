/** What verifying costs: CPU for an artefact never seen before, beside @sigstore/verify in turns; and how long the event loop is held when many come at once. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import type { Artefact } from '#core/domain/artefact.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import { makeVerifier } from '#core/gate/verifier.ts'
import { verifyArtefact } from '#core/verify/sigstore/verify-artefact.ts'
import { ANYBODY, ANYBODYS_PROVENANCE, RECORDED_ROOT, RECORDED_TRUST } from '#test/support/keyless.ts'
import { readImages } from '#test/support/read-layout.ts'
import { quantile } from './quantile.ts'

const now = () => new Date()

const ROUNDS = 5
const TIMES = 100
const AT_ONCE = 200
const SEEN_MS = 10

/** What is compared in the end costs nothing beside the rest, so that a demand which anybody meets will do. */
const CASES = [
  ['keyless-legacy-rekor1', 'legacy layout, Rekor v1', ANYBODY],
  ['keyless-legacy-rekor1-tsa', 'legacy layout, Rekor v1, timestamp', ANYBODY],
  ['keyless-bundle-rekor2-tsa', 'bundle, Rekor v2, timestamp', ANYBODY],
  ['provenance-ci-bundle', 'provenance in a bundle, Rekor v2, timestamp', ANYBODYS_PROVENANCE],
] as const

/** Milliseconds of CPU for each artefact, in a table. */
export function measureVerifier(): string {
  const lines = CASES.map(([image, title, demand]) => {
    const { artefact, digest } = recorded(image, demand)
    const ours: number[] = []
    const theirs: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(cpuMs(() => expectProof(artefact, digest, demand)))
      if (artefact.layout === 'bundle') theirs.push(cpuMs(libraryFor(artefact.bytes)))
    }
    const [own, library] = [quantile(ours, 0.5), theirs.length === 0 ? undefined : quantile(theirs, 0.5)]
    return `| ${title} | ${own.toFixed(2)} | ${library?.toFixed(2) ?? ''} | ${library === undefined ? '' : (own / library).toFixed(2)} |`
  })
  return `| keyless artefact | CPU ms | @sigstore/verify, CPU ms | ratio |\n| --- | ---: | ---: | ---: |\n${lines.join('\n')}\n`
}

/** Milliseconds for which the event loop was held while so many keyless artefacts were verified at once, with threads and without. */
export async function measureHolding(): Promise<string> {
  const { artefact, digest } = recorded('keyless-bundle-rekor2-tsa', ANYBODY)
  const held = async (verify: (one: Artefact) => Promise<unknown>) => {
    const histogram = monitorEventLoopDelay({ resolution: 1 })
    histogram.enable()
    // The delay is seen by a timer, which has to have its turn before and after.
    await wait(SEEN_MS)
    const started = performance.now()
    await Promise.all(Array.from({ length: AT_ONCE }, () => verify({ ...artefact })))
    const ms = performance.now() - started
    await wait(SEEN_MS)
    histogram.disable()
    return { histogram, ms }
  }
  const verifier = makeVerifier({ now })
  const { signal } = new AbortController()
  // The threads are there and have read the trust root: a first image waits for that, and not the event loop.
  await held(one => verifier.verify(one, { digest, demands: [ANYBODY], trust: RECORDED_TRUST }, signal))
  const pooled = await held(one => verifier.verify(one, { digest, demands: [ANYBODY], trust: RECORDED_TRUST }, signal))
  const inline = await held(async one => expectProof(one, digest, ANYBODY))
  await verifier.close()
  const line = (
    title: string,
    { histogram, ms }: { readonly histogram: ReturnType<typeof monitorEventLoopDelay>; readonly ms: number },
  ) =>
    `| ${title} | ${ms.toFixed(0)} | ${(histogram.percentile(50) / 1e6).toFixed(1)} | ${(histogram.max / 1e6).toFixed(1)} |`
  return `| ${AT_ONCE} at once | all done after ms | event loop held, p50 ms | longest ms |\n| --- | ---: | ---: | ---: |\n${line('as the gate does', pooled)}\n${line('on the event loop alone', inline)}\n`
}

function recorded(image: string, demand: Demand): { readonly artefact: Artefact; readonly digest: Digest } {
  const found = readImages().find(({ name }) => name === image)
  const artefact = found?.artefacts.find(
    one => verifyArtefact(one, found.digest, demand, { trust: RECORDED_TRUST, now: now() }).kind === 'proof',
  )
  if (found === undefined || artefact === undefined) throw new Error(`no artefact of ${image} proves what is asked`)
  return { artefact, digest: found.digest }
}

/** A copy is an artefact that nothing is remembered of; the trust root is the same all the time. */
function expectProof(artefact: Artefact, digest: Digest, demand: Demand): void {
  const answer = verifyArtefact({ ...artefact }, digest, demand, { trust: RECORDED_TRUST, now: now() })
  if (answer.kind !== 'proof') throw new Error(`expected a proof, got ${answer.code}: ${answer.detail}`)
}

function libraryFor(bytes: Uint8Array): () => void {
  const json: unknown = JSON.parse(Buffer.from(bytes).toString())
  const material = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(RECORDED_ROOT.toString())))
  const verifier = new Verifier(material)
  return () => {
    verifier.verify(toSignedEntity(bundleFromJSON(json)))
  }
}

function cpuMs(work: () => void): number {
  work()
  const before = process.cpuUsage()
  for (let n = 0; n < TIMES; n++) work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / TIMES
}
