/** Reviews as an API server writes them, and what a webhook needs to answer one. */
import type { KubeObject } from '#core/domain/subject.ts'
import type { Gate } from '#core/gate/gate.ts'
import type { Log } from '#core/runtime/log.ts'
import { makeMetrics } from '#core/runtime/make-metrics.ts'
import { makeSight } from '#core/runtime/sight.ts'
import { makeGate, makePod } from '#test/support/make-subject.ts'
import type { ServerDeps } from '#webhook/server.ts'

export const UID = '705ab4f5-6393-11e8-b7cc-42010a800002'

/** A request to create a Pod; members that are undefined are left out. */
export function makeRequest(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    uid: UID,
    kind: { group: '', version: 'v1', kind: 'Pod' },
    resource: { group: '', version: 'v1', resource: 'pods' },
    namespace: 'shop',
    name: 'web',
    operation: 'CREATE',
    userInfo: { username: 'someone', groups: ['system:authenticated'] },
    object: makePod('r.test/app:1'),
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1' },
    ...overrides,
  }
}

export function makeReview(request: unknown = makeRequest()): Record<string, unknown> {
  return { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }
}

export function bytesOf(review: unknown): Buffer {
  return Buffer.from(JSON.stringify(review))
}

/** A review of an object with exactly so many bytes in all. */
export function reviewOfSize(bytes: number): Buffer {
  const object = (filling: string): KubeObject => ({ ...makePod('r.test/app:1'), filling })
  const empty = bytesOf(makeReview(makeRequest({ object: object('') }))).length
  return bytesOf(makeReview(makeRequest({ object: object('x'.repeat(bytes - empty)) })))
}

/** Everything a server needs; what it logs is kept. */
export function makeDeps(gate: Partial<Gate> = {}, overrides: Partial<ServerDeps> = {}) {
  const logged: Record<string, unknown>[] = []
  const write = (fields: object, msg: string) => void logged.push({ ...fields, msg })
  const metrics = makeMetrics()
  const sight = makeSight(metrics)
  const open = makeGate({ sight, ...gate })
  const deps: ServerDeps = {
    gate: () => open,
    pinScope: 'matched',
    timing: { defaultTimeoutMs: 10_000, replyMarginMs: 500 },
    isDraining: () => false,
    tls: { cert: '', key: '' },
    log: { info: write, warn: write, error: write } as unknown as Log,
    metrics,
    sight,
    trustRoots: () => ({}),
    onClosed: () => {},
    ...overrides,
  }
  return { deps, logged, metrics }
}
