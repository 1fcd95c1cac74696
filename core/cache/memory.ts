/** The memory tier: proofs and definite refusals of this process, bounded by bytes. Verdicts and silence never enter. */
import { LRUCache } from 'lru-cache'
import type { Proof } from '#core/domain/proof.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import type { FindingKey } from './key.ts'

/** A signature that is taken back by deleting it from the registry stops counting after this. */
export const PROOF_LIFE_MS = 60 * 60 * 1000

/** Long enough to spare the registry a controller that retries, short enough for someone who signs and tries again. */
export const REFUSAL_LIFE_MS = 5 * 1000

/** A proof or refusal with its strings, measured at about 500 bytes, and lru-cache's own share of an entry. */
const ENTRY_BYTES = 1024

export type MemoryCacheOptions = {
  readonly maxBytes: number
  /** Milliseconds of a clock that never goes back; `performance` unless a test brings its own. */
  readonly clock?: { now(): number }
}

export class MemoryCache {
  readonly #entries: LRUCache<FindingKey, Proof | Refusal>

  constructor({ maxBytes, clock }: MemoryCacheOptions) {
    this.#entries = new LRUCache({
      maxSize: Math.max(maxBytes, ENTRY_BYTES),
      sizeCalculation: (_finding, key) => ENTRY_BYTES + 2 * key.length,
      ...(clock === undefined ? {} : { perf: clock, ttlResolution: 0 }),
      ttl: PROOF_LIFE_MS,
    })
  }

  get(key: FindingKey): Proof | Refusal | undefined {
    return this.#entries.get(key)
  }

  /** For its usual life, or for `mostMs` where that is shorter. */
  set(key: FindingKey, finding: Proof | Refusal, mostMs = Number.POSITIVE_INFINITY): void {
    const ttl = Math.min(finding.kind === 'proof' ? PROOF_LIFE_MS : REFUSAL_LIFE_MS, mostMs)
    // A life of nothing is no life; to the library it would be one without end.
    if (ttl > 0) this.#entries.set(key, finding, { ttl })
  }
}
