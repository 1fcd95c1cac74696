/** How much of a review may be parsed; beyond that it is refused before it is. */
import { refuseExcess } from '#core/json/refuse-excess.ts'

/**
 * The deepest levels that Kubernetes' own kinds reach are some twenty (managedFields of a CronJob). JSON.parse itself
 * has no bound, and what walks the result afterwards may recurse.
 */
export const MAX_DEPTH = 128

/**
 * Lists, objects and commas. The most an honest object can have is managedFields, nine bytes each in the 1.5 MiB that
 * etcd takes: 350 000 in an old and a new object. In memory a value costs up to a hundred bytes, seven MiB of empty
 * lists 150 MiB; this bound keeps it below a third of that.
 */
export const MAX_VALUES = 500_000

/**
 * A review this short is not looked at: all brackets and nothing else, it holds 64 Ki values, some MiB, and V8 parses any
 * depth without recursion, as does all that reads the result. Most reviews are shorter, and the scan costs as much as a
 * third of the parsing.
 */
export const SHORT_BYTES = 64 * 1024

/** Throws an InputError beyond MAX_DEPTH or MAX_VALUES, unless the review is short. */
export function refuseLargeReview(bytes: Uint8Array): void {
  if (bytes.length > SHORT_BYTES) refuseExcess(bytes, { depth: MAX_DEPTH, values: MAX_VALUES }, 'the review')
}
