/** Where a host is, as a hosts.toml writes it. */
import { InputError } from '#core/domain/input-error.ts'
import { originOf } from '../registry-entry.ts'
import { parseRegistryName } from '../registry-name.ts'

export type HostAddress = {
  /** As `ImageRef.registry` writes it. */
  readonly name: string
  readonly origin: string
  /** In place of `/v2`, without a slash at its end. */
  readonly path: string
}

/**
 * Parses an address as containerd does: https where no scheme is written, and `/v2` at the end of its path unless the path
 * is said to be whole. Throws an InputError.
 */
export function parseHostAddress(text: string, isWhole: boolean): HostAddress {
  const url = parseUrl(text)
  const path = url.pathname.replace(/\/+$/, '')
  if (!/^(?:\/[A-Za-z0-9_.~-]+)*$/.test(path))
    throw new InputError(`expected a path of letters, digits and ._~- in it, got ${quoted(text)}`)
  return { ...placeOf(url), path: isWhole || path.endsWith('/v2') ? path : `${path}/v2` }
}

function parseUrl(text: string): URL {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `https://${text}`)
  // Whatever else an address may hold has no place in that of a registry: a password least of all.
  if (url !== null && url.href === `${url.origin}${url.pathname}`) return url
  throw new InputError(`expected an address such as https://mirror.example, got ${quoted(text)}`)
}

/** Names mean what they mean in an image reference: Docker Hub is where its registry is. */
function placeOf(url: URL): Pick<HostAddress, 'name' | 'origin'> {
  const scheme = url.protocol === 'http:' ? 'http' : 'https'
  const name = parseRegistryName(scheme === 'http' && url.port === '' ? `${url.host}:80` : url.host)
  const origin = originOf(name, scheme)
  // `http://r.example:443` would lose its port and be another place.
  if (origin === url.origin || (origin !== undefined && name === 'index.docker.io')) return { name, origin }
  throw new InputError(`expected the address of a registry, got ${quoted(url.origin)}`)
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 120))
}
