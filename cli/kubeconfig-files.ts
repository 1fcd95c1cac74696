/** Where the command line finds the kubeconfig: where kubectl finds it. */
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { InputError } from '#core/domain/input-error.ts'
import type { Environment } from '#core/runtime/settings.ts'

/**
 * The file that a flag names; else those that KUBECONFIG lists, as far as they are there; else `.kube/config` in the home
 * folder. Throws an InputError where there is none of them. Whether the named one can be read is for its reader to find out.
 */
export function kubeconfigFiles(named: string | undefined, environment: Environment): readonly string[] {
  if (named !== undefined) return [named]
  const listed = environment['KUBECONFIG'] ?? ''
  const places = listed === '' ? inHome(environment) : listed.split(delimiter).filter(file => file !== '')
  const files = [...new Set(places)].filter(file => existsSync(file))
  if (files.length > 0) return files
  const where = places.length === 0 ? 'KUBECONFIG and HOME are not set' : `looked for ${places.join(', ')}`
  throw new InputError(`there is no kubeconfig (${where}): name it with --kubeconfig`)
}

function inHome(environment: Environment): readonly string[] {
  const home = environment['HOME'] ?? environment['USERPROFILE']
  return home === undefined ? [] : [join(home, '.kube', 'config')]
}
