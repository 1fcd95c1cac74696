/** Files by the names that code hosts know them by. */
import { relative, resolve, sep } from 'node:path'
import type { SourcedObject } from '../read-objects.ts'

/** The path from `sourceRoot` to the object's file, with `/`; undefined for what no file of that folder holds. */
export function sourcePathOf({ origin, file }: SourcedObject, sourceRoot: string): string | undefined {
  if (origin !== 'file') return undefined
  const path = relative(sourceRoot, resolve(file))
  return path === '..' || path.startsWith(`..${sep}`) || path.startsWith(sep) ? undefined : path.split(sep).join('/')
}
