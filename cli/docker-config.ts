/** Where the command line finds the credentials that `docker login` left: the person who runs it is the one who logged in. */
import { join } from 'node:path'
import type { GateSettings } from '#assembly/assemble-gate.ts'
import type { Environment } from '#core/runtime/settings.ts'

/** `dockerConfigFile` is what a flag names; the rest is as the process was started. */
export type DockerConfigOptions = Pick<GateSettings, 'dockerConfigFile' | 'dockerConfigDefault' | 'environment'>

/** Docker's own rule: `config.json` in DOCKER_CONFIG, or in .docker of the home folder. Whether it is there is for its reader to find out. */
export function dockerConfigIn(environment: Environment): DockerConfigOptions {
  const home = environment['HOME'] ?? environment['USERPROFILE']
  const folder = environment['DOCKER_CONFIG'] || (home === undefined ? undefined : join(home, '.docker'))
  return { environment, dockerConfigDefault: folder === undefined ? undefined : join(folder, 'config.json') }
}
