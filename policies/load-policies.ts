/** Turns documents into the policies of a gate, all of them or none: a gate that knew half its policies would admit what the other half forbids. */
import { InputError } from '#core/domain/input-error.ts'
import type { ParsedPolicy } from './dialects/cluster-image-policy/parse-cluster-image-policy.ts'
import { parseClusterImagePolicy } from './dialects/cluster-image-policy/parse-cluster-image-policy.ts'
import type { Policy } from './policy.ts'
import { sortedByName } from './select.ts'

export type PolicyDocument = {
  /** What messages call it: `policies/release.yaml, document 2`. */
  readonly source: string
  readonly value: unknown
}

export type LoadedPolicies = {
  /** By name. */
  readonly policies: readonly Policy[]
  /** What is odd about them and no fault, one sentence each. */
  readonly warnings: readonly string[]
}

type Parse = (document: unknown, source: string) => ParsedPolicy

// A Map, because apiVersion and kind are the author's text and an object would answer to `constructor`.
const DIALECTS: ReadonlyMap<string, Parse> = new Map([
  ['policy.sigstore.dev/v1alpha1 ClusterImagePolicy', parseClusterImagePolicy],
  ['policy.sigstore.dev/v1beta1 ClusterImagePolicy', parseClusterImagePolicy],
])

/** What kubectl and the API server put around several objects. */
const LISTS: ReadonlySet<string> = new Set([
  'v1 List',
  'policy.sigstore.dev/v1alpha1 ClusterImagePolicyList',
  'policy.sigstore.dev/v1beta1 ClusterImagePolicyList',
])

/** Parses all documents. Throws one InputError with every fault of every document, one a line. */
export function parsePolicies(documents: readonly PolicyDocument[]): LoadedPolicies {
  const faults: string[] = []
  const parsed: ParsedPolicy[] = []
  for (const { source, value } of documents.flatMap(unfolded)) {
    try {
      parsed.push(dialectOf(value, source)(value, source))
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      faults.push(error.message)
    }
  }
  const policies = sortedByName(parsed.map(({ policy }) => policy))
  faults.push(...duplicateFaults(policies))
  if (faults.length > 0) throw new InputError(faults.join('\n'))
  return { policies, warnings: parsed.flatMap(({ warnings }) => warnings) }
}

/** A list as its items. One level of them: nobody writes lists of lists, and they need no bound then. */
function unfolded(document: PolicyDocument): readonly PolicyDocument[] {
  const { items } = membersOf(document.value)
  if (!LISTS.has(kindOf(document.value)) || !Array.isArray(items)) return [document]
  return items.map((value: unknown, index) => ({ source: `${document.source}, item ${index + 1}`, value }))
}

function dialectOf(value: unknown, source: string): Parse {
  const dialect = DIALECTS.get(kindOf(value))
  if (dialect !== undefined) return dialect
  const { apiVersion, kind } = membersOf(value)
  const found = `${quoted(kind)} of ${quoted(apiVersion)}`
  throw new InputError(`${source}: expected one of ${[...DIALECTS.keys()].join(', ')}, got ${found}`)
}

/** Verdicts and messages name policies, so two of one name could not be told apart. */
function duplicateFaults(policies: readonly Policy[]): readonly string[] {
  const groups = [...Map.groupBy(policies, policy => policy.name)]
  return groups
    .filter(([, alike]) => alike.length > 1)
    .map(([name, alike]) => `${alike.map(policy => policy.source).join(', ')}: duplicate value: ${name}: metadata.name`)
}

function kindOf(value: unknown): string {
  const { apiVersion, kind } = membersOf(value)
  return typeof apiVersion === 'string' && typeof kind === 'string' ? `${apiVersion} ${kind}` : ''
}

function membersOf(value: unknown): { readonly [field: string]: unknown } {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function quoted(value: unknown): string {
  if (typeof value !== 'string') return value === undefined ? 'nothing' : typeof value
  return JSON.stringify(value.slice(0, 120))
}
