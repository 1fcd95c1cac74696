/** Subjects and gates for tests of the pipeline: the least that each needs, every part to be overridden. */
import type { Asker } from '#core/domain/asker.ts'
import type { Demand } from '#core/domain/demand.ts'
import { demandKey } from '#core/domain/demand.ts'
import type { Digest } from '#core/domain/digest.ts'
import { digestOf } from '#core/domain/digest.ts'
import type { Proof } from '#core/domain/proof.ts'
import type { KubeObject, Subject } from '#core/domain/subject.ts'
import type { Gate } from '#core/gate/gate.ts'

export const DIGEST: Digest = digestOf(Buffer.from('an image'))

/** Whoever brings nothing along. */
export const ASKER: Asker = { namespace: 'shop', serviceAccount: 'default', pullSecrets: [] }

export const DEMAND: Demand = {
  kind: 'signature',
  by: { kind: 'key', key: { fingerprint: 'aa', spki: '' }, hash: 'sha256' },
  log: undefined,
  timestamp: undefined,
  layout: 'any',
}

export function makeProof(digest: Digest = DIGEST): Proof {
  return {
    kind: 'proof',
    proves: 'signature',
    digest,
    signer: { kind: 'key', fingerprint: 'aa' },
    answers: demandKey(DEMAND),
    layout: 'simple-signing',
    source: digest,
    logs: [],
    signedAt: undefined,
    until: undefined,
  }
}

/** A Pod with one container for each image. */
export function makePod(...images: readonly string[]): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { containers: images.map((image, index) => ({ name: `c${index}`, image })) },
  }
}

export function makeSubject(overrides: Partial<Subject> = {}): Subject {
  return {
    operation: 'CREATE',
    group: '',
    kind: 'Pod',
    subresource: '',
    namespace: 'shop',
    name: 'web',
    object: makePod(`r.test/app@${DIGEST}`),
    oldObject: undefined,
    user: 'someone',
    isDryRun: false,
    ...overrides,
  }
}

/** A gate that demands one signature of every image, finds it, and allows exactly when every fact is a proof. */
export function makeGate(overrides: Partial<Gate> = {}): Gate {
  return {
    demandsOf: () => [DEMAND],
    resolve: () => Promise.resolve(DIGEST),
    prove: (image, demands) => Promise.resolve(demands.map(() => makeProof(image.digest))),
    judge: (_workload, facts) => {
      const judged = { policies: ['p'], warnings: [], unmatched: [] }
      const proofs = facts.flatMap(fact => (fact.found.kind === 'proof' ? [fact.found] : []))
      if (proofs.length === facts.length) return { ...judged, outcome: 'allow', passed: undefined, proofs }
      const objections = facts.flatMap(({ use, found }) =>
        found.kind === 'proof' ? [] : [{ because: found, where: use.where, image: use.text, policies: ['p'] }],
      )
      return { ...judged, outcome: 'deny', objections }
    },
    ...overrides,
  }
}
