/** Says in the words of the reference where a document does not have the shape of its kind. */
import type { clusterImagePolicy } from '#core/kinds/cluster-image-policy.ts'
import type { FieldPath } from './faults.ts'
import { invalid, missing, shown, unknownField, wrongType } from './faults.ts'

type Issue = NonNullable<ReturnType<(typeof clusterImagePolicy)['safeParse']>['error']>['issues'][number]

const DETAILS: ReadonlyMap<PropertyKey | undefined, string> = new Map([
  ['mode', 'unsupported mode, expected enforce or warn'],
  ['action', 'unsupported action, expected pass or fail'],
  ['signatureFormat', 'unsupported format, expected legacy or bundle'],
])

/** The faults that one issue of the schema stands for. Issues must carry their input (`reportInput`). */
export function shapeFaults(issue: Issue): readonly string[] {
  const path: FieldPath = issue.path
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => unknownField([...path, key]))
  if (isMissing(issue)) return [missing(path)]
  // What is too long is not repeated: it may be a key.
  if (issue.code === 'too_big')
    return [invalid('(too long)', path, `expected at most ${issue.maximum} ${unitOf(issue)}`)]
  if (issue.code === 'invalid_type') return [wrongType(issue.expected, typeOf(issue.input), path)]
  return [invalid(shown(issue.input), path, DETAILS.get(path.at(-1)))]
}

function unitOf({ origin }: Extract<Issue, { readonly code: 'too_big' }>): string {
  return origin === 'array' ? 'items' : 'characters'
}

/** The reference, written in Go, cannot tell an empty value from one that is not there. */
function isMissing(issue: Issue): boolean {
  return (
    issue.input === undefined || issue.code === 'too_small' || (issue.code === 'invalid_value' && issue.input === '')
  )
}

/** In the words of the schema, so that expected and found can be compared. */
function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}
