/** Makes of a policy that is not valid one that nothing satisfies: what it meant to guard stays shut until it is corrected. */
import { InputError } from '#core/domain/input-error.ts'
import { type ImageGlob, parseImageGlob } from '../../image-glob.ts'
import type { Policy } from '../../policy.ts'
import { itemsOf, memberOf } from './members.ts'

type Named = { readonly name: string; readonly source: string }

/**
 * A policy for every image that the document names by a glob that can be read; undefined if there is none, for then
 * nobody can say what it was to guard. Mode `warn` holds: what was never to refuse does not begin to by a mistake.
 */
export function refuseInItsPlace(document: unknown, named: Named, faults: readonly string[]): Policy | undefined {
  const spec = memberOf(document, 'spec')
  const images = itemsOf(memberOf(spec, 'images')).flatMap(image => readableGlobs(memberOf(image, 'glob')))
  if (images.length === 0) return undefined
  const [first = '', ...others] = faults
  const detail = others.length === 0 ? first : `${first} (and ${others.length} more)`
  const mode = memberOf(spec, 'mode') === 'warn' ? 'warn' : 'enforce'
  return { ...named, mode, images, requires: { kind: 'invalid', detail } }
}

function readableGlobs(glob: unknown): readonly ImageGlob[] {
  if (typeof glob !== 'string' || glob === '') return []
  try {
    return [parseImageGlob(glob)]
  } catch (error) {
    if (error instanceof InputError) return []
    throw error
  }
}
