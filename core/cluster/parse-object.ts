/** What the API server sends, as objects. It is trusted to mean what it says, not to be what answers at its address. */
import { InputError } from '#core/domain/input-error.ts'
import { asObject, asString } from '#core/json/untrusted-json.ts'
import { ClusterUnavailable } from './cluster-error.ts'
import type { ClusterObject } from './resource.ts'

/** The value as an object of Kubernetes: its metadata holds texts where texts belong. Throws a ClusterUnavailable. */
export function parseObject(value: unknown): ClusterObject {
  return orUnusable('the answer of the API server', () => {
    const object = asObject(value, 'the object')
    const metadata = asObject(object['metadata'], 'metadata')
    asString(metadata['name'], 'metadata.name')
    for (const field of ['namespace', 'uid', 'resourceVersion'])
      if (metadata[field] !== undefined) asString(metadata[field], `metadata.${field}`)
    return object as ClusterObject
  })
}

/** What `read` makes of an answer. One that cannot be read comes from a proxy or a broken server: a ClusterUnavailable. */
export function orUnusable<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof InputError || cause instanceof SyntaxError)
      throw new ClusterUnavailable(`${what} cannot be read: ${cause.message}`, { cause })
    throw cause
  }
}
