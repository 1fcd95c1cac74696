/** Which Shedu this is. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The version of the package that this file lies in. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}
