/** All that one running registry is made of. */
import type { Sigstore } from '../sigstore/sigstore.ts'
import { Auth } from './auth.ts'
import { Faults } from './faults.ts'
import { Keys } from './keys.ts'
import { RequestLog } from './request-log.ts'
import { Store } from './store.ts'

export type Registry = {
  readonly store: Store
  readonly faults: Faults
  readonly auth: Auth
  readonly keys: Keys
  readonly requests: RequestLog
  /** By name; made when they are ordered. */
  readonly sigstores: Map<string, Sigstore>
}

/** An empty registry, open to all and without a fault. */
export function makeRegistry(): Registry {
  return {
    store: new Store(),
    faults: new Faults(),
    auth: new Auth(),
    keys: new Keys(),
    requests: new RequestLog(),
    sigstores: new Map(),
  }
}
