/** What the one event of a decision says of it: bounded, and nothing that is secret. Pure. */
import { identityName } from '#core/domain/identity.ts'
import type { ImageUse } from '#core/domain/image-use.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { Subject } from '#core/domain/subject.ts'
import type { Verdict } from '#core/domain/verdict.ts'
import type { Pinning } from '#core/gate/pin.ts'
import type { Account } from '#core/runtime/sight.ts'

type Told = Readonly<Record<string, unknown>>

/** How many images, and how many proofs, of one workload are named. */
const NAMED = 16

/** Of one text: a name of Kubernetes has 253 characters, an image that is sane 200. */
const CHARACTERS = 300

/** What was asked about, and by whom: the name that the API server authenticated, which its audit log has too. */
export function tellSubject(subject: Subject | undefined): Told {
  if (subject === undefined) return {}
  const { group, kind, subresource, namespace, name, operation, user, isDryRun } = subject
  return { group, kind, subresource, namespace, name, operation, user: short(user), isDryRun }
}

/** What was decided, and on what grounds. */
export function tellVerdict(verdict: Verdict): Told {
  if ('passed' in verdict && verdict.passed !== undefined) return { passed: verdict.passed }
  const proofs = verdict.outcome === 'allow' ? verdict.proofs : []
  return {
    policies: verdict.policies,
    unmatched: verdict.unmatched.slice(0, NAMED),
    proofs: proofs.slice(0, NAMED).map(tellProof),
    warnings: verdict.warnings.length,
  }
}

/** What was pinned to which digest, and what could not be. */
export function tellPinning({ pins, unpinned }: Pinning): Told {
  const because = [...new Set(unpinned.map(({ because }) => because.code))]
  const images = pins.slice(0, NAMED).map(({ to }) => to)
  return { pinned: pins.length, images, unpinned: unpinned.length, unpinnedBecause: because }
}

/** What it took: where findings came from, what was asked of registries, and for how long each step ran. */
export function tellWork({ images, cache, findings, registryRequests, ms, traceId }: Account): Told {
  const { 'registry request': registry, ...steps } = ms
  const msOf = Object.entries({ ...steps, registry }).flatMap(([step, ms]) =>
    ms === undefined ? [] : [[step, Math.round(ms * 100) / 100] as const],
  )
  return {
    ...(images.length === 0 ? {} : { images: imagesIn(images) }),
    cache,
    findings,
    registryRequests,
    msOf: Object.fromEntries(msOf),
    ...(traceId === undefined ? {} : { traceId }),
  }
}

function tellProof({ proves, digest, signer, layout, ...more }: Proof): Told {
  const predicateType = 'predicateType' in more ? { predicateType: short(more.predicateType) } : {}
  return { proves, digest, ...predicateType, signer: short(identityName(signer)), layout }
}

/** As the user wrote them: what can be parsed holds nothing but a name; what cannot may hold a password before the host. */
function imagesIn(images: readonly ImageUse[]): readonly string[] {
  const texts = images.map(({ text, ref }) =>
    ref.kind === 'refusal' ? short(text.replace(/^[^/@]*:[^/@]*@(?!sha\d)/, '[cut]@')) : text,
  )
  return [...new Set(texts)].slice(0, NAMED)
}

function short(text: string): string {
  return text.length <= CHARACTERS ? text : `${text.slice(0, CHARACTERS - 1).toWellFormed()}…`
}
