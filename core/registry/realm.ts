/** Which token services may be talked to, and which may see a credential. The registry names them, so a registry can lie. */
import { isIP } from 'node:net'
import { InputError } from '#core/domain/input-error.ts'
import type { Registry } from './registries.ts'

/**
 * Parses the realm of a challenge into the address of a token service that this registry's credential may be sent to;
 * throws an InputError that says why not. CVE-2026-48978: a registry that names a realm of its choice is sent whatever
 * password the client holds, unless the client looks at who is asking.
 */
export function parseRealm(text: string, registry: Registry): URL {
  const realm = URL.parse(text)
  if (realm === null || realm.username !== '' || realm.password !== '')
    throw new InputError(`expected the address of a token service, got ${quoted(text)}`)
  const own = new URL(registry.origin)
  if (!isPrivate(realm, own)) throw new InputError(`expected a token service reached by https, got ${quoted(text)}`)
  const isKnown = isOfSameOwner(realm, own) || registry.realms.includes(realm.host)
  if (registry.credential.kind !== 'anonymous' && !isKnown) {
    const why = 'which is neither its own host nor listed in its realms'
    throw new InputError(`the registry wants the credential sent to ${quoted(realm.host)}, ${why}`)
  }
  realm.hash = ''
  return realm
}

/** By https, or on a host that the administrator has said to reach without. */
function isPrivate(realm: URL, own: URL): boolean {
  if (realm.protocol === 'https:') return true
  return realm.protocol === 'http:' && own.protocol === 'http:' && realm.hostname === own.hostname
}

/** The same host, or both under one parent domain: auth.docker.io for registry-1.docker.io, gitlab.com for registry.gitlab.com. */
function isOfSameOwner(realm: URL, own: URL): boolean {
  if (realm.hostname === own.hostname) return true
  const parent = parentOf(own.hostname)
  return parent !== undefined && (realm.hostname === parent || realm.hostname.endsWith(`.${parent}`))
}

/**
 * The domain above a host, if it is one that somebody owns. `io` is not, and `co.uk` is not: without the public suffix
 * list, two short labels are taken for a suffix, so k8s.io has to be listed under realms and acme.co.uk is safe.
 */
function parentOf(host: string): string | undefined {
  if (isIP(host.replaceAll(/[[\]]/g, '')) !== 0) return undefined
  const labels = host.split('.').slice(1)
  const [top = '', second = ''] = labels.toReversed()
  const isSuffix = labels.length < 2 || (labels.length === 2 && second.length <= 3 && top.length <= 2)
  return isSuffix ? undefined : labels.join('.')
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 120))
}
