/** The digest algorithm that a key of a ClusterImagePolicy signs with. */
import type { HashAlgorithm } from '#core/domain/demand.ts'
import { HASH_ALGORITHMS } from '#core/domain/demand.ts'
import { InputError } from '#core/domain/input-error.ts'

/** Parses as the reference does: space around it and case make no difference, nothing means sha256. */
export function parseHashAlgorithm(text: string | undefined): HashAlgorithm {
  const name = (text ?? '').trim().toLowerCase() || 'sha256'
  const found = HASH_ALGORITHMS.find(algorithm => algorithm === name)
  if (found === undefined) throw new InputError(`expected one of ${HASH_ALGORITHMS.join(', ')}`)
  return found
}
