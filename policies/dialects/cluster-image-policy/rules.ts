/** The rules of the kind that its shape cannot say. They read the document as it came, so that they speak even where the shape is wrong elsewhere. */
import { NOT_SUPPORTED_YET } from '#core/kinds/cluster-image-policy.ts'
import { parseImageGlob } from '../../image-glob.ts'
import { authorityFaults } from './authority-rules.ts'
import type { FieldPath } from './faults.ts'
import { duplicate, invalid, shown } from './faults.ts'
import { nameFaults, notSupportedFaults, textFaults } from './field-rules.ts'
import { itemsOf, memberOf } from './members.ts'

/** Every broken rule of a document. What does not have the type it should is passed over: the shape has said so. */
export function ruleFaults(document: unknown): readonly string[] {
  const spec = memberOf(document, 'spec')
  const images = itemsOf(memberOf(spec, 'images'))
  const authorities = itemsOf(memberOf(spec, 'authorities'))
  return [
    ...nameFaults(memberOf(memberOf(document, 'metadata'), 'name'), ['metadata', 'name']),
    ...notSupportedFaults(spec, NOT_SUPPORTED_YET.spec, ['spec']),
    ...images.flatMap((image, index) => globFaults(memberOf(image, 'glob'), ['spec', 'images', index, 'glob'])),
    ...authorities.flatMap((authority, index) => authorityFaults(authority, ['spec', 'authorities', index])),
    ...duplicateFaults(authorities),
  ]
}

/** The name an authority goes by. */
export function authorityName(name: unknown, index: number): string {
  return typeof name === 'string' && name !== '' ? name : `authority-${index}`
}

function globFaults(glob: unknown, path: FieldPath): readonly string[] {
  return textFaults(glob, parseImageGlob, detail => invalid(shown(glob), path, detail))
}

/** Messages name authorities, so two of one name could not be told apart. The reference lets one replace the other. */
function duplicateFaults(authorities: readonly unknown[]): readonly string[] {
  const names = authorities.map((authority, index) => authorityName(memberOf(authority, 'name'), index))
  const first = new Map(names.map((name, index) => [name, index] as const).toReversed())
  return names.flatMap((name, index) =>
    first.get(name) === index ? [] : [duplicate(shown(name), ['spec', 'authorities', index, 'name'])],
  )
}
