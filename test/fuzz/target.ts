/** A reader of what others wrote, what it is given to read, and what must be true of whatever it takes. */
import type { Form } from './mutate.ts'

export type Target = {
  readonly name: string
  readonly form: Form
  /** How many inputs it gets for each one that another gets; those that check signatures take a hundred times as long. */
  readonly weight: number
  readonly seeds: readonly Uint8Array[]
  /** For readers that take a second for what others take a millisecond for. */
  readonly mostBytes?: number
  /**
   * Reads: an InputError or `refused` for what it does not take. Whatever else it throws is a fault, and so is what it
   * takes and should not have. `seed` is the place among `seeds` of the one that the input was made from.
   */
  readonly read: (bytes: Uint8Array, seed: number) => 'taken' | 'refused'
}

/** What JSON from a registry may be. */
export const LIMITS = { bytes: 1024 * 1024, depth: 16, values: 20_000 }

/** A reader that takes some microseconds. */
export function quick(
  name: string,
  form: Form,
  seeds: readonly (Uint8Array | string)[],
  read: Target['read'],
  weight = 10,
): Target {
  return { name, form, weight, seeds: seeds.map(seed => (typeof seed === 'string' ? bytesOf(seed) : seed)), read }
}

/** For readers of which nothing more is known than that they read or throw. */
export function reads(read: (bytes: Uint8Array) => unknown): Target['read'] {
  return bytes => {
    read(bytes)
    return 'taken'
  }
}

export function readsText(read: (text: string) => unknown): Target['read'] {
  return reads(bytes => read(textOf(bytes)))
}

/** Headers are bytes to HTTP, one to the character. */
export function readsHeader(read: (text: string) => unknown): Target['read'] {
  return reads(bytes => read(Buffer.from(bytes).toString('latin1')))
}

/** What is taken must be so. */
export function insist(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(`taken although ${what}`)
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString()
}

export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text)
}
