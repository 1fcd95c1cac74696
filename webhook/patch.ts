/** Pinning to JSON patch (RFC 6902). Pure. */
import { readFieldPath } from '#core/gate/field-path.ts'
import type { Pin, Pinning } from '#core/gate/pin.ts'
import type { ReviewResponse } from './admission-review.ts'
import { warn } from './explain.ts'
import { annotations } from './respond.ts'

type PatchOperation = { readonly op: 'test' | 'replace'; readonly path: string; readonly value: string }

/** Renders a pinning. It always admits: what could not be pinned is for validation to refuse, and is warned of here. */
export function respondPinning({ pins, unpinned }: Pinning): ReviewResponse {
  const auditAnnotations = annotations({
    decision: 'allow',
    pinned: pins.map(({ where, from, to }) => `${where} ${from} ${to};`),
    unpinned: unpinned.map(({ where, because }) => `${where} ${because.code};`),
  })
  return { allowed: true, ...patchOf(pins), ...warningsOf(unpinned), auditAnnotations }
}

/** No patch where there is nothing to change; the API server refuses a patch without its type, and a type without a patch. */
function patchOf(pins: readonly Pin[]): Pick<ReviewResponse, 'patch' | 'patchType'> {
  if (pins.length === 0) return {}
  const patch = Buffer.from(JSON.stringify(pins.flatMap(operationsOf))).toString('base64')
  return { patchType: 'JSONPatch', patch }
}

/** `test` first: should a path ever miss its image, the request breaks, and no other field is overwritten. */
function operationsOf({ where, from, to }: Pin): PatchOperation[] {
  const path = pointerOf(where)
  return [
    { op: 'test', path, value: from },
    { op: 'replace', path, value: to },
  ]
}

/** RFC 6901, 3: a step may hold any character, `~` and `/` escaped in this order. */
function pointerOf(where: string): string {
  const steps = readFieldPath(where).map(step => String(step).replaceAll('~', '~0').replaceAll('/', '~1'))
  return `/${steps.join('/')}`
}

function warningsOf(unpinned: Pinning['unpinned']): Pick<ReviewResponse, 'warnings'> {
  return unpinned.length === 0 ? {} : { warnings: warn(unpinned, 'could not be pinned') }
}
