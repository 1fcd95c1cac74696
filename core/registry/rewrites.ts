/** Rewrites: repositories that are looked up in another place than the one they are named after, and only there. */
import { z } from 'zod'
import type { ImageRef } from '#core/domain/image-ref.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import { parseRegistryName } from './registry-name.ts'

/** A registry, and whole parts of a repository's name in it; empty for all of the registry. */
type Place = { readonly registry: string; readonly path: string }

export type Rewrite = { readonly from: Place; readonly to: Place }

export const REWRITE_SHAPE = z.strictObject({ prefix: z.string(), to: z.string() })

/** Parses one rewrite; throws an InputError that names the field. */
export function parseRewrite({ prefix, to }: z.infer<typeof REWRITE_SHAPE>): Rewrite {
  return { from: parsePlace('prefix', prefix), to: parsePlace('to', to) }
}

/** Where the image is looked up: by the rewrite with the longest prefix, once. */
export function rewritten<Ref extends ImageRef>(ref: Ref, rewrites: readonly Rewrite[]): Ref {
  const [best] = rewrites
    .filter(({ from }) => covers(from, ref))
    .toSorted((a, b) => b.from.path.length - a.from.path.length)
  if (best === undefined) return ref
  const rest = best.from.path === '' ? ref.repository : ref.repository.slice(best.from.path.length + 1)
  const repository = [best.to.path, rest].filter(part => part !== '').join('/')
  return { ...ref, registry: best.to.registry, repository }
}

/** By whole parts: `ghcr.io/org` is nothing of `ghcr.io/org-evil/x`, and a repository is not below itself. */
function covers({ registry, path }: Place, ref: ImageRef): boolean {
  return registry === ref.registry && (path === '' || ref.repository.startsWith(`${path}/`))
}

function parsePlace(field: string, text: string): Place {
  const [host = '', ...parts] = text.split('/')
  try {
    const registry = parseRegistryName(host)
    if (parts.length > 0) parseImageRef(`${host}/${parts.join('/')}/name`)
    return { registry, path: parts.join('/') }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new InputError(
      `${field}: expected a registry and perhaps a path in it, got ${JSON.stringify(text.slice(0, 120))}`,
    )
  }
}
