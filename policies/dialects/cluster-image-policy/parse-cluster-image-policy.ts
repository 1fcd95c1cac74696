/** Compiles a ClusterImagePolicy to the form that is judged. Whatever it cannot mean faithfully, it refuses. */
import { InputError } from '#core/domain/input-error.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import type { ClusterImagePolicy } from '#core/kinds/cluster-image-policy.ts'
import { clusterImagePolicy } from '#core/kinds/cluster-image-policy.ts'
import { parseImageGlob } from '../../image-glob.ts'
import type { Policy, Requirement } from '../../policy.ts'
import { pathText } from './faults.ts'
import { parseHashAlgorithm } from './hash-algorithm.ts'
import { authorityName, ruleFaults } from './rules.ts'
import { shapeFaults } from './shape-faults.ts'

export type ParsedPolicy = {
  readonly policy: Policy
  /** What is valid and may not do what its author meant. */
  readonly warnings: readonly string[]
}

type Authority = ClusterImagePolicy['spec']['authorities'][number]

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
  const shape = clusterImagePolicy.safeParse(document, { reportInput: true })
  const faults = [...(shape.error?.issues ?? []).flatMap(shapeFaults), ...ruleFaults(document)]
  if (!shape.success || faults.length > 0) return { kind: 'invalid', faults }
  return { kind: 'valid', ...compile(shape.data, source) }
}

function compile({ metadata, spec }: ClusterImagePolicy, source: string): ParsedPolicy {
  const images = spec.images.map(({ glob }) => parseImageGlob(glob))
  const policy: Policy = {
    name: metadata.name,
    source,
    mode: spec.mode === 'warn' ? 'warn' : 'enforce',
    images,
    requires: { kind: 'any-of', of: spec.authorities.map(requirementOf) },
  }
  const warnings = images.flatMap(({ text, warnings }, index) => {
    const path = pathText(['spec', 'images', index, 'glob'])
    return warnings.map(warning => `${source}: ${path}: ${JSON.stringify(text)} ${warning}`)
  })
  return { policy, warnings }
}

/** An authority as a leaf. The rules saw to it that it has a key or a static action, and a key its data. */
function requirementOf({ name, key, static: fixed }: Authority, index: number): Requirement {
  const authority = authorityName(name, index)
  if (fixed !== undefined) return { kind: 'static', authority, action: fixed.action, message: fixed.message ?? '' }
  const demand = {
    kind: 'key-signature',
    key: parsePublicKey(key?.data),
    hash: parseHashAlgorithm(key?.hashAlgorithm),
  } as const
  return { kind: 'signed-by', authority, demand }
}
