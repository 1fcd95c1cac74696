/** `shedu explain`: what is attached to an image, what each thing is worth to each policy, and what `shedu check` says of a Pod with it. */
import { type AssembledGate, assembleGate, type GateSettings } from '#assembly/assemble-gate.ts'
import type { Demand } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import { type ImageRef, type PinnedRef, parseImageRef } from '#core/domain/image-ref.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { silence } from '#core/domain/refusal.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { Explanation } from '#core/gate/explain.ts'
import { preflight } from '#core/gate/preflight.ts'
import type { ProxyFor } from '#core/registry/proxy.ts'
import { deadline } from '#core/runtime/deadline.ts'
import type { Claimed } from '#core/verify/sigstore/claimed.ts'
import { demandsOf, policiesFor } from '#policies/select.ts'
import type { DockerConfigOptions } from '../docker-config.ts'
import { objectOfImage, parseImageArgument } from '../image-object.ts'
import { openContext } from '../open-context.ts'
import type { Explained } from '../report/explained.ts'
import { exitCodeOfExplained } from '../report/explained.ts'
import { renderExplainedJson } from '../report/explained-json.ts'
import { renderExplained } from '../report/explained-text.ts'
import { paintFor } from '../report/paint.ts'
import { type CheckResult, resultOf } from '../report/result.ts'
import { asOf, sayKept } from '../report/say-kept.ts'
import { visible } from '../report/visible.ts'
import type { Streams } from '../streams.ts'

export type ExplainOptions = DockerConfigOptions & {
  readonly image: string
  readonly policiesDir: string | undefined
  /** Whose cluster's policies count besides, and where it is looked up. */
  readonly context: string | undefined
  readonly kubeconfigFile: string | undefined
  readonly registriesFile: string | undefined
  readonly proxyFor?: ProxyFor
  readonly trustRootsDir: string | undefined
  readonly answers: GateSettings['answers']
  readonly noMatch: 'deny' | 'warn' | 'allow'
  /** For the verdict, and as long again for looking at everything. */
  readonly timeoutMs: number
  readonly output: 'text' | 'json'
}

/** The verdict and the look at everything ask for the same image twice; nothing else is remembered. */
const CACHE_BYTES = 1024 * 1024

/** Where the Pod would run that the verdict is about. No policy asks for it, so that of a context would change nothing. */
const NAMESPACE = 'default'

const ASKER = { namespace: NAMESPACE, serviceAccount: 'default', pullSecrets: [] }

/** Explains and says what was found; the exit code is the verdict in one digit. Throws an InputError for wrong usage. */
export async function explain(options: ExplainOptions, streams: Streams): Promise<0 | 1 | 3> {
  const ref = parseImageArgument(options.image)
  const cluster = await openContext(options)
  const assembled = await assembleGate({ ...options, addPolicies: cluster?.addTo, cacheBytes: CACHE_BYTES })
  for (const warning of assembled.warnings) streams.stderr.write(`warning: ${visible(warning)}\n`)
  try {
    const explained = await explainWith(assembled, ref, options)
    streams.stdout.write(
      options.output === 'json'
        ? renderExplainedJson(explained, asOf(assembled.answers))
        : renderExplained(explained, paintFor(streams)),
    )
    sayKept(assembled.answers, streams)
    return exitCodeOfExplained(explained)
  } finally {
    await assembled.close()
  }
}

async function explainWith(assembled: AssembledGate, ref: ImageRef, options: ExplainOptions): Promise<Explained> {
  const { policies: all } = assembled
  const { image, policiesDir, context } = options
  // A cluster without a policy has a verdict as well: what is to become of an image that no policy covers.
  const isJudged = policiesDir !== undefined || context !== undefined
  const verdict = isJudged ? await judge(assembled, options) : undefined
  using limit = deadline(options.timeoutMs)
  const resolved = await resolve(assembled, ref, verdict, limit.signal)
  if (typeof resolved !== 'string')
    return { image, ref, judged: ref, resolved, explanation: undefined, policies: [], verdict }
  const pinned: PinnedRef = { ...ref, digest: resolved }
  // A tag that no policy demands anything of stays one, and is judged by its name.
  const judged = verdict === undefined || verdict.pinning.pins.length > 0 ? pinned : ref
  const demands = demandsOf(all, judged)
  const ask = verdict === undefined ? anybodyIn(assembled) : () => demands
  const explanation = await lookAt(assembled, pinned, ask, limit.signal)
  return { image, ref, judged, resolved, explanation, policies: policiesFor(all, judged), verdict }
}

/** What `shedu check` does with a Pod that holds this one image. */
async function judge({ gate }: AssembledGate, { image, timeoutMs }: ExplainOptions): Promise<CheckResult> {
  const object = objectOfImage(image, NAMESPACE)
  using limit = deadline(timeoutMs)
  const { verdict, pinning } = await preflight(object.subject, gate, 'matched', limit.signal)
  return resultOf(object, verdict, pinning)
}

/** What the verdict is about, so that a tag that moves meanwhile does not make two images of one. */
async function resolve(
  { gate }: AssembledGate,
  ref: ImageRef,
  verdict: CheckResult | undefined,
  signal: AbortSignal,
): Promise<Digest | Refusal | Silence> {
  const [pin] = verdict?.pinning.pins ?? []
  const known = pin === undefined ? ref.digest : parseImageRef(pin.to).digest
  if (known !== undefined) return known
  return settled(() => gate.resolve(ref, ASKER, signal))
}

async function lookAt(
  { explain }: AssembledGate,
  pinned: PinnedRef,
  ask: (claimed: Claimed) => readonly Demand[],
  signal: AbortSignal,
): Promise<Explanation> {
  const looked = await settled(() => explain(pinned, ask, ASKER, signal))
  return 'places' in looked ? looked : { presence: looked, places: [] }
}

async function settled<T>(ask: () => Promise<T>): Promise<T | Silence> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Unavailable) return silence(error.code, error.message)
    throw error
  }
}

const ANYBODY = { kind: 'glob', text: '**' } as const

/** Without policies nobody says who must have signed: whether a certificate is any good can be told all the same. */
function anybodyIn({ trustRoots }: AssembledGate): (claimed: Claimed) => readonly Demand[] {
  const names = [...trustRoots().keys()].toSorted()
  return ({ certificate, predicateType }) => {
    if (certificate === undefined) return []
    return names.map(trustRoot => {
      const asked = {
        by: { kind: 'keyless', trustRoot, identities: [{ issuer: ANYBODY, subject: ANYBODY }], sct: 'required' },
        log: { trustRoot, atLeast: 1 },
        timestamp: undefined,
        layout: 'any',
      } as const
      return predicateType === undefined
        ? { kind: 'signature', ...asked }
        : { kind: 'attestation', predicateType, ...asked }
    })
  }
}
