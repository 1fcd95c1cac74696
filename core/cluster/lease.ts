/** One Lease of coordination.k8s.io as one process sees it: whose it is, and whether it can be ours. */
import { randomUUID } from 'node:crypto'
import type { ClusterClient } from './client.ts'
import type { Clock } from './clock.ts'
import { ClusterError } from './cluster-error.ts'
import { microTime } from './micro-time.ts'
import type { ClusterObject, Resource } from './resource.ts'

export const LEASES: Resource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' }

/** `seconds` is how long nobody else may take it after the last renewal. */
export type LeaseConfig = {
  readonly namespace: string
  readonly name: string
  /** Who we are, for people. It need not be unique: a process is told from its predecessor by more than this. */
  readonly identity: string
  readonly seconds: number
}

type Spec = {
  readonly holderIdentity?: unknown
  readonly leaseDurationSeconds?: unknown
  readonly leaseTransitions?: unknown
  readonly acquireTime?: unknown
}

/** No Lease holds anybody off for longer than this, whatever is written in it. */
const LONGEST_SECONDS = 3600

/**
 * Takes, renews and gives back. We hold it for two thirds of its time from the moment before we asked for it; others
 * count all of it, from the moment after they saw what we wrote. So however long a message or a process is held up, we
 * have stopped before they begin, and no two machines need to agree on what time it is.
 */
export class Lease {
  readonly #client: Pick<ClusterClient, 'get' | 'create' | 'replace'>
  readonly #config: LeaseConfig
  readonly #clock: Clock
  readonly #identity: string
  #seen: { readonly resourceVersion: string | undefined; readonly at: number } | undefined
  #heldUntil = Number.NEGATIVE_INFINITY

  constructor(client: Pick<ClusterClient, 'get' | 'create' | 'replace'>, config: LeaseConfig, clock: Clock) {
    this.#client = client
    this.#config = config
    this.#clock = clock
    this.#identity = `${config.identity}_${randomUUID()}`
  }

  /** Until when it is ours, unless it is renewed. */
  get heldUntil(): number {
    return this.#heldUntil
  }

  /** By our own clock, whatever the cluster says meanwhile. */
  isHeld(): boolean {
    return this.#clock.now() < this.#heldUntil
  }

  /** Takes it if it is free or has run out, renews it if it is ours. Each write rests on what was read before it. */
  async take(signal: AbortSignal): Promise<void> {
    const { namespace, name } = this.#config
    const found = await this.#client.get({ resource: LEASES, namespace, name }, signal)
    if (found !== undefined && !this.#isFree(found)) return this.#forfeit()
    const asked = this.#clock.now()
    if (await this.#write(found, this.#specAfter(found), signal))
      this.#heldUntil = asked + (this.#config.seconds * 1000 * 2) / 3
  }

  /** Gives it back at once, for whoever wants it. */
  async release(signal: AbortSignal): Promise<void> {
    this.#forfeit()
    const { namespace, name } = this.#config
    const found = await this.#client.get({ resource: LEASES, namespace, name }, signal)
    if (found === undefined || specOf(found).holderIdentity !== this.#identity) return
    await this.#write(found, { ...specOf(found), holderIdentity: '' }, signal)
  }

  #forfeit(): void {
    this.#heldUntil = Number.NEGATIVE_INFINITY
  }

  #isFree(lease: ClusterObject): boolean {
    const { resourceVersion } = lease.metadata
    // Times that others write are not looked at: only how long we have seen the Lease unchanged counts.
    const now = this.#clock.now()
    if (this.#seen?.resourceVersion !== resourceVersion) this.#seen = { resourceVersion, at: now }
    const { holderIdentity, leaseDurationSeconds } = specOf(lease)
    if (holderIdentity === undefined || holderIdentity === '' || holderIdentity === this.#identity) return true
    const seconds = isSeconds(leaseDurationSeconds) ? leaseDurationSeconds : this.#config.seconds
    return now - (this.#seen?.at ?? now) >= Math.min(seconds, LONGEST_SECONDS) * 1000
  }

  #specAfter(found: ClusterObject | undefined): Spec & { readonly renewTime: string } {
    const { holderIdentity, acquireTime, leaseTransitions } = specOf(found)
    const now = microTime(this.#clock.date())
    const isRenewal = holderIdentity === this.#identity
    const transitions = typeof leaseTransitions === 'number' ? leaseTransitions : 0
    return {
      holderIdentity: this.#identity,
      leaseDurationSeconds: this.#config.seconds,
      acquireTime: isRenewal ? acquireTime : now,
      renewTime: now,
      leaseTransitions: found === undefined || isRenewal ? transitions : transitions + 1,
    }
  }

  /** False when somebody else has written since. */
  async #write(found: ClusterObject | undefined, spec: Spec, signal: AbortSignal): Promise<boolean> {
    const { namespace, name } = this.#config
    const type = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' }
    try {
      if (found === undefined)
        await this.#client.create(LEASES, { ...type, metadata: { namespace, name }, spec }, signal)
      else await this.#client.replace(LEASES, { ...found, spec }, signal)
      return true
    } catch (error) {
      if (error instanceof ClusterError && (error.code === 'conflict' || error.code === 'exists')) return false
      throw error
    }
  }
}

function specOf(lease: ClusterObject | undefined): Spec {
  return lease?.['spec'] ?? {}
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0
}
