/** What the API server keeps, and the path by which it is asked for: a resource, one object of it, the object itself. */
import { InputError } from '#core/domain/input-error.ts'

/** The plural under which a kind is served. The group of the core kinds is empty. */
export type Resource = { readonly group: string; readonly version: string; readonly plural: string }

/** The name of one object; without a namespace it is one of the whole cluster. */
export type Ref = { readonly resource: Resource; readonly namespace?: string; readonly name: string }

/** Which objects of a resource: those of all namespaces, and all of them, unless it says less. */
export type Scope = { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string }

export type Metadata = {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly [field: string]: unknown
}

/** An object as the API server gives and takes it; whoever wants more of it than this parses it first. */
export type ClusterObject = {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: Metadata
  readonly [field: string]: unknown
}

/** `namespace/name`, or the name alone where there is no namespace: neither can hold a slash. */
export function keyOf({ namespace, name }: Pick<Metadata, 'namespace' | 'name'>): string {
  return namespace === undefined ? name : `${namespace}/${name}`
}

/** The path of all objects of a resource, in one namespace or in all. */
export function collectionPath({ group, version, plural }: Resource, namespace?: string): string {
  const root = group === '' ? ['api', version] : ['apis', group, version]
  const within = namespace === undefined ? [] : ['namespaces', namespace]
  return `/${[...root, ...within, plural].map(segment).join('/')}`
}

/** The path of one object, or of a subresource of it. */
export function objectPath({ resource, namespace, name }: Ref, subresource?: 'status'): string {
  const path = `${collectionPath(resource, namespace)}/${segment(name)}`
  return subresource === undefined ? path : `${path}/${subresource}`
}

/** The name of an object that is at hand. */
export function refTo(resource: Resource, { metadata: { namespace, name } }: ClusterObject): Ref {
  return { resource, name, ...(namespace === undefined ? {} : { namespace }) }
}

/** Names may come from outside: `..` would be another path, and no spelling of it in percents changes that. */
function segment(text: string): string {
  if (text === '' || text === '.' || text === '..' || text.includes('/'))
    throw new InputError(`expected a name of Kubernetes, got ${JSON.stringify(text)}`)
  return encodeURIComponent(text)
}
