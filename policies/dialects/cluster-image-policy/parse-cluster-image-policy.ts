/** Compiles a ClusterImagePolicy to the form that is judged. Whatever it cannot mean faithfully, it refuses. */
import { InputError } from '#core/domain/input-error.ts'
import type { ClusterImagePolicy } from '#core/kinds/cluster-image-policy.ts'
import { clusterImagePolicy } from '#core/kinds/cluster-image-policy.ts'
import { parseImageGlob } from '../../image-glob.ts'
import type { Policy } from '../../policy.ts'
import { compileAuthority } from './compile-authority.ts'
import { withoutNulls } from './members.ts'
import { ruleFaults } from './rules.ts'
import { shapeFaults } from './shape-faults.ts'
import { policyWarnings } from './warnings.ts'

export type ParsedPolicy = {
  readonly policy: Policy
  /** What is valid and may not do what its author meant. */
  readonly warnings: readonly string[]
}

/** A policy, or all that is wrong with the document: one sentence each, with the path of the field. */
export type ExaminedPolicy =
  | (ParsedPolicy & { readonly kind: 'valid' })
  | { readonly kind: 'invalid'; readonly faults: readonly string[] }

/** Parses one document. Throws one InputError with all its faults, one a line, each with `source` and the path of the field. */
export function parseClusterImagePolicy(document: unknown, source: string): ParsedPolicy {
  const examined = examineClusterImagePolicy(document, source)
  if (examined.kind === 'valid') return examined
  throw new InputError(examined.faults.map(fault => `${source}: ${fault}`).join('\n'))
}

/** The same for whoever tells faults apart, or goes on in spite of them. */
export function examineClusterImagePolicy(document: unknown, source: string): ExaminedPolicy {
  const given = withoutNulls(document)
  const shape = clusterImagePolicy.safeParse(given, { reportInput: true })
  const faults = [...(shape.error?.issues ?? []).flatMap(shapeFaults), ...ruleFaults(given)]
  if (!shape.success || faults.length > 0) return { kind: 'invalid', faults }
  return { kind: 'valid', ...compile(shape.data, source) }
}

function compile({ metadata, spec }: ClusterImagePolicy, source: string): ParsedPolicy {
  const policy: Policy = {
    name: metadata.name,
    source,
    mode: spec.mode === 'warn' ? 'warn' : 'enforce',
    images: spec.images.map(({ glob }) => parseImageGlob(glob)),
    requires: { kind: 'any-of', of: spec.authorities.map(compileAuthority) },
  }
  return { policy, warnings: policyWarnings(spec).map(warning => `${source}: ${warning}`) }
}
