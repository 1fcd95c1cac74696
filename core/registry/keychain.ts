/** The credentials that one workload brings along, and which of them are for an image. Pure. */
import type { ImageRef } from '#core/domain/image-ref.ts'
import type { Credential } from './credential.ts'

/** A credential, and what it is for: one registry, or what lies below one path in it. */
export type Login = {
  /** As `ImageRef.registry` writes it. */
  readonly registry: string
  /** Whole parts of a repository's name, `acme/team`; empty for all of the registry. */
  readonly path: string
  readonly credential: Credential
}

export type Keychain = {
  /** In the order in which the workload names them; `source` says where from, in words for its owner. */
  readonly logins: readonly (Login & { readonly source: string })[]
  /** Why there are fewer than the workload names. Nothing of what a Secret holds is in here. */
  readonly notes: readonly string[]
}

/**
 * The logins for this image: the longest path first, and within a path in the order of the keychain. Names are compared
 * whole: CVE-2026-59891, where `cr.io` was given what was meant for `ghcr.io`.
 */
export function loginsFor({ logins }: Keychain, ref: ImageRef): Keychain['logins'] {
  return fittingLogins(logins, ref)
}

/** The same of any list of logins. */
export function fittingLogins<L extends Login>(logins: readonly L[], { registry, repository }: ImageRef): readonly L[] {
  const fitting = logins.filter(login => login.registry === registry && isBelow(repository, login.path))
  return fitting.toSorted((a, b) => b.path.length - a.path.length)
}

function isBelow(repository: string, path: string): boolean {
  return path === '' || repository === path || repository.startsWith(`${path}/`)
}
