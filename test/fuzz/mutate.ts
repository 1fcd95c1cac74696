/** Makes an input out of a seed: by bytes, which meets every reader at its door, and by structure, which gets past it. */
import { mutateBytes } from './mutate-bytes.ts'
import { mutateDer } from './mutate-der.ts'
import { mutateJson } from './mutate-json.ts'
import type { Random } from './random.ts'

export type Form = 'json' | 'der' | 'text'

/** Longer ones take time and show nothing new, but for the few that are there to be long. */
const MOST_BYTES = 64 * 1024

const BY_STRUCTURE = {
  json: mutateJson,
  der: mutateDer,
  // Headers, names and PEM have no structure that a change of a few characters would not meet.
  text: mutateBytes,
} as const

/** One to four changes of a seed; `others` are what parts may be taken from. */
export function mutate(seed: Uint8Array, others: readonly Uint8Array[], form: Form, random: Random): Uint8Array {
  let bytes = seed
  for (let changes = 1 + random.below(1 + random.below(4)); changes > 0; changes--) {
    const change = random.oneIn(2) ? BY_STRUCTURE[form] : mutateBytes
    bytes = change(bytes, others, random)
  }
  return bytes.subarray(0, random.oneIn(100) ? undefined : MOST_BYTES)
}
