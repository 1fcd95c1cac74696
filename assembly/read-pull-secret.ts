/** Reads Secrets and ServiceAccounts for what they say about pulling images. Users write both; what a Secret holds is not repeated. */
import type { ClusterObject } from '#core/cluster/resource.ts'
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { isObjectName } from '#core/domain/object-name.ts'
import { asArray, asObject, asString } from '#core/json/untrusted-json.ts'
import {
  DOCKER_CONFIG_BYTES,
  type DockerConfig,
  type DockerConfigForm,
  parseDockerConfig,
} from '#core/registry/docker-config.ts'
import type { Keychain } from '#core/registry/keychain.ts'

/** What one object brings: credentials, names of Secrets with further ones, and what is wrong with it. */
export type Brought = Keychain & { readonly names: readonly string[] }

/** Nobody lists as many by hand, and no controller has reason to. */
const MOST_LISTED = 1000

/** The Secret types of pull secrets, and the key under which each keeps its file. */
const FORMS: ReadonlyMap<unknown, { readonly form: DockerConfigForm; readonly key: string }> = new Map([
  ['kubernetes.io/dockerconfigjson', { form: 'dockerconfigjson', key: '.dockerconfigjson' }],
  ['kubernetes.io/dockercfg', { form: 'dockercfg', key: '.dockercfg' }],
])

/** The credentials of a Secret; `what` is its name in words. One that cannot be used brings a note and no credential. */
export function readPullSecret(secret: ClusterObject, what: string): Brought {
  try {
    const { logins, faults } = readDockerConfig(secret)
    const [first] = faults
    const more = faults.length > 1 ? `, and ${faults.length - 1} more` : ''
    const notes = first === undefined ? [] : [`${what} can be used in part only: ${first}${more}`]
    return { logins: logins.map(login => ({ ...login, source: what })), names: [], notes }
  } catch (error) {
    if (error instanceof InputError)
      return { logins: [], names: [], notes: [`${what} cannot be used: ${error.message}`] }
    throw error
  }
}

/** The names of the pull secrets that a ServiceAccount lists; such as no Secret can have are passed over. */
export function readServiceAccount(account: ClusterObject, what: string): Brought {
  try {
    const listed = asArray(account['imagePullSecrets'] ?? [], 'imagePullSecrets', MOST_LISTED)
    const names = listed.map(item => asString(asObject(item, 'an item')['name'] ?? '', 'a name'))
    return { logins: [], names: [...new Set(names.filter(isObjectName))], notes: [] }
  } catch (error) {
    if (error instanceof InputError)
      return { logins: [], names: [], notes: [`${what} cannot be read: ${error.message}`] }
    throw error
  }
}

function readDockerConfig({ type, data }: ClusterObject): DockerConfig {
  const known = FORMS.get(type)
  if (known === undefined) throw new InputError('it is of another type than pull secrets are')
  const { form, key } = known
  const text = asString(asObject(data ?? {}, 'its data')[key] ?? '', `its ${key}`)
  if (text === '') throw new InputError(`it has no ${key}`)
  return parseDockerConfig(decodeBase64(text, `its ${key}`, DOCKER_CONFIG_BYTES), form)
}
