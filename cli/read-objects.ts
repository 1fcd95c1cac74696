/** Turns documents into the objects an API server would be sent: Lists unfolded, each with the place it was written at. */
import { InputError } from '#core/domain/input-error.ts'
import type { KubeObject, Subject } from '#core/domain/subject.ts'
import { readFieldPath } from '#core/gate/field-path.ts'
import { podSpecPath } from '#core/kinds/workload-kinds.ts'
import type { Input } from './read-inputs.ts'
import type { YamlDocument } from './read-yaml.ts'
import { readYaml } from './read-yaml.ts'
import type { FieldPath, Position } from './yaml-walk.ts'
import { faultAt, NotYaml } from './yaml-walk.ts'

export type SourcedObject = {
  /** The object as the API server would be asked to create it. */
  readonly subject: Subject
  readonly apiVersion: string
  /** Whether it was written in a file, came by a pipe, or was made here for an image that a flag names. */
  readonly origin: 'file' | 'standard input' | 'flag'
  /** What messages call the place that it came from. */
  readonly file: string
  /** Place of the document in its file, counted from 1. */
  readonly document: number
  /** Where the field of this path (as ImageUse.where spells it) was written; the object itself for an empty path. */
  readonly positionOf: (where: string) => Position
}

/** Results are held until the last is known. A whole cluster of some thousand workloads fits. */
const MAX_OBJECTS = 10_000

/** Where an object stands: its document, and the path that leads to it there. */
type Place = {
  readonly file: string
  readonly origin: 'file' | 'standard input'
  readonly document: YamlDocument
  readonly path: FieldPath
  readonly namespace: string
}

/** What lies in a folder and is no object, and what it is. */
export type PassedOver = { readonly file: string; readonly reason: string }

export type Objects = { readonly objects: readonly SourcedObject[]; readonly passedOver: readonly PassedOver[] }

/**
 * Reads the objects of all inputs, in their order. `namespace` is that of objects which need one and name none. Throws
 * an InputError that names file and line for a document that is no Kubernetes object, unless it was only met in a folder
 * and shows no sign of being meant as one.
 */
export function readObjects(inputs: readonly Input[], namespace: string): Objects {
  const read = inputs.flatMap(input => readInput(input, namespace))
  const objects = read.filter(one => 'subject' in one)
  const passedOver = read.filter(one => 'reason' in one)
  if (objects.length > MAX_OBJECTS)
    throw new InputError(`expected at most ${MAX_OBJECTS} objects, got ${objects.length}`)
  return { objects, passedOver }
}

function readInput(input: Input, namespace: string): readonly (SourcedObject | PassedOver)[] {
  const { file } = input
  const documents = readDocuments(input)
  if (documents === 'template') return [{ file, reason: `a template${HELM}` }]
  return documents.flatMap((document): readonly (SourcedObject | PassedOver)[] => {
    const reason = reasonToPassOver(input, document.value)
    if (reason !== undefined) return [{ file: `${file}:${document.positionOf([]).line}`, reason }]
    return unfold(document.value, {}, { file, origin: originOf(input), document, path: [], namespace })
  })
}

function originOf({ origin }: Input): 'file' | 'standard input' {
  return origin === 'standard input' ? origin : 'file'
}

/** Where one of these stands, an object was meant: a slip in another must not keep it from being looked at. */
const SIGNS = ['apiVersion', 'kind', 'metadata', 'spec']

/** Nothing that kubectl could create is passed over, whatever lies beside it: whoever adds a file must not hide another. */
function reasonToPassOver({ file, origin }: Input, value: unknown): string | undefined {
  // What is text to us may be an object to another reader; nobody keeps a lone text in such a file.
  if (!origin.startsWith('met') || typeof value === 'string') return undefined
  const object = asObject(value)
  // Whoever unfolds lists, whatever they are of, would create what is in it.
  if (isForKustomize(object['apiVersion']) && !Object.hasOwn(object, 'items')) return `for kustomize${KUSTOMIZE}`
  if (/(?:^|[\\/])Chart\.yaml$/.test(file) && !Object.hasOwn(object, 'kind')) return `of a Helm chart${HELM}`
  return SIGNS.some(sign => Object.hasOwn(object, sign)) ? undefined : 'no Kubernetes object'
}

/** What is no object has none of its fields. */
function asObject(value: unknown): KubeObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as KubeObject) : {}
}

function isForKustomize(apiVersion: unknown): boolean {
  return typeof apiVersion === 'string' && apiVersion.startsWith('kustomize.config.k8s.io/')
}

/** In a chart, what is no YAML before it is rendered is none of kubectl's, either. */
function readDocuments({ file, origin, text }: Input): readonly YamlDocument[] | 'template' {
  try {
    return readYaml(file, text)
  } catch (error) {
    if (error instanceof NotYaml && origin === 'met in a chart' && text.includes('{{')) return 'template'
    if (!(error instanceof InputError && text.includes('{{'))) throw error
    throw new InputError(`${error.message}; if this is a Helm template, render it first${HELM}`, { cause: error })
  }
}

/** kubectl takes anything with a list of items for a List, whatever its kind. Items may leave their type to the List. */
function unfold(value: unknown, inherited: KubeObject, place: Place): readonly SourcedObject[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fault(place, 'expected a Kubernetes object')
  const object: KubeObject = { ...inherited, ...value }
  const { apiVersion, kind } = typeOf(object, place)
  const items = Object.hasOwn(object, 'items') ? object['items'] : undefined
  if (items !== undefined) refuseTwoReadings(apiVersion, kind, place)
  const isEmptyList = items === null && kind.endsWith('List')
  if (!Array.isArray(items)) return isEmptyList ? [] : [toObject(object, apiVersion, kind, place)]
  const itemType = kind === 'List' ? {} : { apiVersion, kind: kind.replace(/List$/, '') }
  return items.flatMap((item, index) => unfold(item, itemType, { ...place, path: [...place.path, 'items', index] }))
}

/** kubectl would unfold a workload with items, another client would create it: it may not pass as either. */
function refuseTwoReadings(apiVersion: string, kind: string, place: Place): void {
  if (podSpecPath(groupOf(apiVersion), kind) !== undefined)
    throw fault(place, `a ${kind} has no items; an object that is a list as well can be read in two ways`)
}

function typeOf(object: KubeObject, place: Place): { apiVersion: string; kind: string } {
  const { apiVersion, kind } = object as { apiVersion?: unknown; kind?: unknown }
  for (const [name, value] of [
    ['apiVersion', apiVersion],
    ['kind', kind],
  ] as const) {
    if (typeof value !== 'string' || value === '')
      throw fault(place, `expected a Kubernetes object, got one without ${name}${hint(place.file)}`)
  }
  if (!/^(?:[^/]+\/)?[^/]+$/.test(apiVersion as string))
    throw fault(place, `expected apiVersion to be group/version, got ${JSON.stringify(apiVersion)}`)
  if (isForKustomize(apiVersion))
    throw fault(place, `a ${JSON.stringify(kind)} is for kustomize, not for the API server${KUSTOMIZE}`)
  return { apiVersion: apiVersion as string, kind: kind as string }
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] as string) : ''
}

function toObject(object: KubeObject, apiVersion: string, kind: string, place: Place): SourcedObject {
  const group = groupOf(apiVersion)
  const metadata = (object['metadata'] ?? {}) as KubeObject
  // Of other kinds it is not known here whether they live in a namespace; nothing is made up for them.
  const fallback = podSpecPath(group, kind) === undefined ? '' : place.namespace
  const subject: Subject = {
    operation: 'CREATE',
    group,
    kind,
    subresource: '',
    namespace: text(metadata['namespace'], 'metadata.namespace', place) || fallback,
    name: text(metadata['name'], 'metadata.name', place),
    object,
    oldObject: undefined,
    user: '',
    isDryRun: true,
  }
  const positionOf = (where: string) =>
    place.document.positionOf([...place.path, ...(where === '' ? [] : readFieldPath(where))])
  const { file, origin, document } = place
  return { subject, apiVersion, origin, file, document: document.number, positionOf }
}

function text(value: unknown, field: string, place: Place): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  throw fault(
    place,
    `expected ${field} to be text, got ${JSON.stringify(value).slice(0, 80)}; put it in quotation marks`,
  )
}

const KUSTOMIZE = ': kubectl kustomize FOLDER | shedu check -f - ...'
const HELM = ': helm template CHART | shedu check -f - ...'

/** Files that lie beside manifests and are none. */
function hint(file: string): string {
  if (/(?:^|[\\/])kustomization\.ya?ml$/.test(file)) return KUSTOMIZE
  return /(?:^|[\\/])(?:values[^\\/]*|Chart)\.ya?ml$/.test(file) ? HELM : ''
}

function fault({ file, document, path }: Place, message: string): InputError {
  return faultAt(file, document.positionOf(path), `document ${document.number}: ${message}`)
}
