/** Mirrors: hosts that are asked before a registry for what it has, each for what it is trusted with and as whom it knows us. */
import { z } from 'zod'
import { InputError } from '#core/domain/input-error.ts'
import type { ReadFile } from './named-file.ts'
import type { Reach } from './registry-entry.ts'
import { parseReach, REACH_SHAPE, within } from './registry-entry.ts'

/** `pull`: content by its digest, which shows whether it is right. `resolve`: what a tag points at and what refers to an image, which is believed. */
export type Capability = 'pull' | 'resolve'

export type Mirror = {
  /** Its own address, trust and credential; the registry's never go to it. */
  readonly reach: Reach
  /** In place of `/v2`, without a slash at its end. */
  readonly path: string
  readonly capabilities: readonly Capability[]
}

/** Each that does not answer costs time, and an admission has ten seconds. */
export const MOST_MIRRORS = 4

export const MIRROR_SHAPE = z.strictObject({
  ...REACH_SHAPE,
  overridePath: z.string().min(1).optional(),
  capabilities: z
    .array(z.enum(['pull', 'resolve']))
    .min(1)
    .optional(),
})
export type MirrorEntry = z.infer<typeof MIRROR_SHAPE>

/** Parses the mirrors of one registry; throws an InputError that names the field. */
export function parseMirrors(entries: readonly MirrorEntry[], readFile: ReadFile): readonly Mirror[] {
  if (entries.length > MOST_MIRRORS)
    throw new InputError(`mirrors: expected at most ${MOST_MIRRORS}, got ${entries.length}`)
  return entries.map((entry, index) =>
    within(`mirrors[${index}]`, () => {
      const { overridePath, capabilities = ['pull', 'resolve'], ...rest } = entry
      return { reach: parseReach(rest, readFile), path: parsePath(overridePath), capabilities }
    }),
  )
}

/** Segments as a URL leaves them: what it would turn into another path is none. */
function parsePath(text = '/v2'): string {
  const path = text.replace(/\/$/, '')
  if (/^(?:\/[A-Za-z0-9_.~-]+)+$/.test(path) && new URL(path, 'https://mirror.invalid').pathname === path) return path
  throw new InputError(`overridePath: expected a path such as /v2/proxy, got ${JSON.stringify(text.slice(0, 120))}`)
}
