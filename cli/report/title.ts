/** What an object is called, and where it was written. */
import type { SourcedObject } from '../read-objects.ts'

/** `Deployment shop/web`; `image ghcr.io/acme/shop:v2` where that is all that was asked about. Not fit for a terminal yet. */
export function titleOf({ origin, file, subject }: SourcedObject): string {
  if (origin === 'flag') return `image ${file}`
  const { kind, namespace, name } = subject
  return `${kind} ${[...(namespace === '' ? [] : [namespace]), name || '(name to be generated)'].join('/')}`
}

/** `deploy/web.yaml:9:18`. The object's own place has no column: it begins where its document does. */
export function placeOf({ file, positionOf }: SourcedObject, where: string): string {
  const { line, column } = positionOf(where)
  return `${file}:${line}${where === '' ? '' : `:${column}`}`
}
