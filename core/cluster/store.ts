/** What a watch knows: the objects by name, and what has changed since it was last told. */
import { ClusterError } from './cluster-error.ts'
import type { Listed, Listing, Most } from './list.ts'
import { type ClusterObject, keyOf } from './resource.ts'

/** An object of the same name that was deleted and made again is removed and added: it is another one. */
export type Change<T> =
  | { readonly type: 'added'; readonly key: string; readonly item: T }
  | { readonly type: 'changed'; readonly key: string; readonly item: T; readonly before: T }
  | { readonly type: 'removed'; readonly key: string; readonly before: T }

type Held = { readonly uid: string | undefined; readonly resourceVersion: string | undefined; readonly bytes: number }

/** Holds what `parse` makes of each object; an object it throws at is reported and not held. */
export class Store<T> {
  readonly #items = new Map<string, T>()
  readonly #held = new Map<string, Held>()
  readonly #parse: (object: ClusterObject) => T
  readonly #most: Most
  readonly #report: (error: unknown) => void
  #bytes = 0

  constructor(parse: (object: ClusterObject) => T, most: Most, report: (error: unknown) => void) {
    this.#parse = parse
    this.#most = most
    this.#report = report
  }

  get items(): ReadonlyMap<string, T> {
    return this.#items
  }

  /** Makes the store what a list says. Whoever made the list has bounded it. */
  replace({ objects }: Listing): readonly Change<T>[] {
    const listed = new Set(objects.map(({ object }) => keyOf(object.metadata)))
    const gone = [...this.#held.keys()].filter(key => !listed.has(key))
    return [...gone.flatMap(key => this.#drop(key)), ...objects.flatMap(one => this.#take(one))]
  }

  /** Takes one object in. Throws a ClusterError `limit` rather than hold too much, and is unchanged then. */
  set(listed: Listed): readonly Change<T>[] {
    const held = this.#held.get(keyOf(listed.object.metadata))
    this.#refuseTooMuch(held === undefined ? 1 : 0, listed.bytes - (held?.bytes ?? 0))
    return this.#take(listed)
  }

  /** Forgets an object, unless what is held under its name is another one. */
  remove({ metadata }: ClusterObject): readonly Change<T>[] {
    const key = keyOf(metadata)
    return this.#held.get(key)?.uid === metadata.uid ? this.#drop(key) : []
  }

  #take({ object, bytes }: Listed): readonly Change<T>[] {
    const { uid, resourceVersion } = object.metadata
    const key = keyOf(object.metadata)
    const held = this.#held.get(key)
    if (held?.uid === uid && held?.resourceVersion === resourceVersion) return []
    const removed = held?.uid === uid ? [] : this.#drop(key)
    const parsed = this.#read(key, object)
    if (parsed === undefined) return [...removed, ...this.#drop(key)]
    return [...removed, this.#keep(key, { uid, resourceVersion, bytes }, parsed.item)]
  }

  #keep(key: string, held: Held, item: T): Change<T> {
    const isKnown = this.#items.has(key)
    const before = this.#items.get(key)
    this.#bytes += held.bytes - (this.#held.get(key)?.bytes ?? 0)
    this.#held.set(key, held)
    this.#items.set(key, item)
    return isKnown ? { type: 'changed', key, item, before: before as T } : { type: 'added', key, item }
  }

  #drop(key: string): readonly Change<T>[] {
    const isKnown = this.#items.has(key)
    const before = this.#items.get(key)
    this.#bytes -= this.#held.get(key)?.bytes ?? 0
    this.#held.delete(key)
    this.#items.delete(key)
    return isKnown ? [{ type: 'removed', key, before: before as T }] : []
  }

  #read(key: string, object: ClusterObject): { readonly item: T } | undefined {
    try {
      return { item: this.#parse(object) }
    } catch (error) {
      this.#report(new Error(`${JSON.stringify(key)} cannot be read`, { cause: error }))
      return undefined
    }
  }

  #refuseTooMuch(objects: number, bytes: number): void {
    const { objects: mostObjects, bytes: mostBytes } = this.#most
    if (this.#held.size + objects > mostObjects)
      throw new ClusterError('limit', `expected at most ${mostObjects} objects to watch, got more`)
    if (this.#bytes + bytes > mostBytes)
      throw new ClusterError('limit', `expected at most ${mostBytes} bytes to watch, got more`)
  }
}
