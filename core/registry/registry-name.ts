/** Hosts as people write them, brought to the one name of each registry. */
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'

/**
 * Parses a host, with its port if it has one; throws an InputError for anything else. The grammar of image references
 * decides what a host is, so that both always mean the same registry by a name.
 */
export function parseRegistryName(host: string): string {
  const ref = parseImageRef(`${host}/repository/name`)
  // A name without dot or port would be read as a path on Docker Hub, and a slash or scheme as part of the repository.
  if (ref.repository === 'repository/name') return ref.registry
  throw new InputError(`expected a host as it stands in an image reference, got ${JSON.stringify(host)}`)
}
