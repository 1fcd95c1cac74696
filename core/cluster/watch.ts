/** A watch that always goes on: whatever ends it, it lists and watches again, until it is closed. */
import { backoffMs } from './backoff.ts'
import type { ClusterClient } from './client.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
import { MOST, type Most } from './list.ts'
import type { ClusterObject, Resource, Scope } from './resource.ts'
import { type Change, Store } from './store.ts'
import type { WatchEvent } from './watch-stream.ts'

export type Watch<T> = {
  /** Whether everything has been seen once. It stays so: how old what we know has become is `staleMs`. */
  readonly hasSynced: () => boolean
  /** Milliseconds since the API server last proved that we know all: by an event, a bookmark or a list. */
  readonly staleMs: () => number
  /** Everything by `namespace/name`, or by name where there is no namespace. Live: it changes as the cluster does. */
  readonly items: () => ReadonlyMap<string, T>
  /** Ends it; when the promise resolves, no more is called. */
  readonly close: () => Promise<void>
}

export type WatchOptions<T> = {
  /** Called after the items have changed, and once when all have been seen, even if there are none. */
  readonly onChange: (changes: readonly Change<T>[]) => void
  /** Told of everything that went wrong: why the watch began anew, what could not be read, what `onChange` threw. */
  readonly report: (error: unknown) => void
  readonly scope?: Scope
  readonly most?: Most
  readonly clock?: Clock
  readonly random?: () => number
  /** How long one stream lasts before the server ends it, and how long it may be silent before we do. */
  readonly serverSeconds?: number
  readonly silenceMs?: number
}

/** As client-go: from here to twice as long, so that the streams of many do not end together. */
const SERVER_SECONDS = 300

/** Bookmarks come about every minute; a server that has none to send costs one more list. */
const SILENCE_MS = 90_000

/**
 * Watches all objects of a resource. `parse` makes of each what is kept; it should answer what a user got wrong with a
 * value that says so, because an object it throws at is reported and then missing among the items.
 */
export function watchKind<T>(
  client: Pick<ClusterClient, 'list' | 'watch'>,
  resource: Resource,
  parse: (object: ClusterObject) => T,
  options: WatchOptions<T>,
): Watch<T> {
  const watcher = new Watcher(client, resource, parse, options)
  const closing = new AbortController()
  const ended = watcher.run(closing.signal)
  return {
    hasSynced: () => watcher.hasSynced,
    staleMs: () => watcher.staleMs,
    items: () => watcher.items,
    close() {
      closing.abort(new Error('the watch was closed'))
      return ended
    },
  }
}

class Watcher<T> {
  readonly #client: Pick<ClusterClient, 'list' | 'watch'>
  readonly #resource: Resource
  readonly #options: WatchOptions<T>
  readonly #clock: Clock
  readonly #random: () => number
  readonly #store: Store<T>
  #alive: number
  #failures = 0
  hasSynced = false

  constructor(
    client: Pick<ClusterClient, 'list' | 'watch'>,
    resource: Resource,
    parse: (object: ClusterObject) => T,
    options: WatchOptions<T>,
  ) {
    this.#client = client
    this.#resource = resource
    this.#options = options
    this.#clock = options.clock ?? SYSTEM_CLOCK
    this.#random = options.random ?? Math.random
    this.#store = new Store(parse, options.most ?? MOST, error => this.#report(error))
    this.#alive = this.#clock.now()
  }

  get staleMs(): number {
    return this.#clock.now() - this.#alive
  }

  get items(): ReadonlyMap<string, T> {
    return this.#store.items
  }

  /** Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#listAndWatch(signal)
      } catch (error) {
        if (!signal.aborted) this.#report(error)
      }
      await this.#pause(signal)
    }
  }

  /**
   * Throws when anything goes wrong. Then all is listed again, not only after a 410: what was missed does not matter then,
   * nor that the server may have been restored from a backup and its versions have gone backwards.
   */
  async #listAndWatch(signal: AbortSignal): Promise<void> {
    const { scope = {}, most = MOST, serverSeconds = SERVER_SECONDS, silenceMs = SILENCE_MS } = this.#options
    const listing = await this.#client.list(this.#resource, { ...scope, most }, signal)
    this.#synced(this.#store.replace(listing))
    let { resourceVersion } = listing
    while (!signal.aborted) {
      const from = { ...scope, resourceVersion, silenceMs, serverSeconds: this.#spread(serverSeconds) }
      for await (const event of this.#client.watch(this.#resource, from, signal)) {
        this.#tell(this.#apply(event))
        resourceVersion = event.resourceVersion
        this.#alive = this.#clock.now()
        this.#failures = 0
      }
      await this.#pause(signal)
    }
  }

  #synced(changes: readonly Change<T>[]): void {
    const isFirst = !this.hasSynced
    this.hasSynced = true
    this.#alive = this.#clock.now()
    if (isFirst || changes.length > 0) this.#call(changes)
  }

  #apply(event: WatchEvent): readonly Change<T>[] {
    switch (event.type) {
      case 'set':
        return this.#store.set(event)
      case 'removed':
        return this.#store.remove(event.object)
      default:
        return []
    }
  }

  #tell(changes: readonly Change<T>[]): void {
    if (changes.length > 0) this.#call(changes)
  }

  /** Whatever the listener throws, at once or later, is its own trouble. */
  #call(changes: readonly Change<T>[]): void {
    Promise.try(this.#options.onChange, changes).catch((error: unknown) => this.#report(error))
  }

  #report(error: unknown): void {
    try {
      this.#options.report(error)
    } catch {
      // Nobody is left to be told.
    }
  }

  /** Streams that end without a word count as failures: a server that ends each at once must not be asked at once again. */
  async #pause(signal: AbortSignal): Promise<void> {
    const ms = backoffMs(this.#failures++, this.#random())
    await this.#clock.sleep(ms, signal).catch(() => {})
  }

  #spread(seconds: number): number {
    return Math.ceil(seconds * (1 + this.#random()))
  }
}
