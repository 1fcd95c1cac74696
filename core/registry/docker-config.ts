/** Docker's configuration file, as Kubernetes keeps it in Secrets and as an operator has it. Whoever may write a Secret wrote it: nothing of it is repeated. */
import { decodeBase64 } from '#core/domain/base64.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import { asObject, asString, type JsonObject, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import type { Credential } from './credential.ts'
import type { Login } from './keychain.ts'
import { parseRegistryName } from './registry-name.ts'

/** Registries under `auths`, or at the top as in the older form. */
export type DockerConfigForm = 'dockerconfigjson' | 'dockercfg'

export type DockerConfig = {
  readonly logins: readonly Login[]
  /** Why entries were left out, one for each of them. */
  readonly faults: readonly string[]
}

/** What the file of the operator says besides: the programs that are asked for credentials. Those of a Secret are never run. */
export type OperatorDockerConfig = DockerConfig & {
  /** The helper of each registry, by the name that `ImageRef.registry` gives it: `ecr-login` for docker-credential-ecr-login. */
  readonly helpers: ReadonlyMap<string, string>
  /** The helper for all other registries. */
  readonly store: string | undefined
}

/** A cloud's key in JSON is 3 KiB of base64; a ServiceAccount of OpenShift has five entries of that size. */
export const DOCKER_CONFIG_BYTES = 64 * 1024
/** `auths`, an entry, its field; one more for what Docker's command line adds. */
const DEPTH = 4
/** Two hundred entries of five fields. */
const VALUES = 1000

/** Parses the file. What cannot be used of it is left out with a reason; an InputError where none of it can be read. */
export function parseDockerConfig(bytes: Uint8Array, form: DockerConfigForm): DockerConfig {
  const file = readJson(bytes)
  const { logins, faults } = parseEntries(form === 'dockercfg' ? file : authsOf(file), () => false)
  // Programs on somebody's workstation, which are not here to be asked.
  const programs = ['credsStore', 'credHelpers'].filter(field => form === 'dockerconfigjson' && field in file)
  return { logins, faults: [...faults, ...programs.map(field => `${field} is not supported`)] }
}

/** Parses the file of the operator of this process. It throws and leaves out as above. */
export function parseOperatorDockerConfig(bytes: Uint8Array): OperatorDockerConfig {
  const file = readJson(bytes)
  // Where a helper keeps the secret, Docker leaves an entry without one to remember the registry by.
  const { logins, faults } = parseEntries(authsOf(file), isMarker)
  const named = quietly('its credHelpers are no object', () => asObject(file['credHelpers'] ?? {}, ''))
  const helpers = new Map<string, string>()
  for (const [key, name] of Object.entries(named)) {
    const complaint = takeFault(() => helpers.set(parseDockerKey(key).registry, parseHelper(name)))
    if (complaint !== undefined) faults.push(complaint)
  }
  let store: string | undefined
  const complaint = takeFault(() => {
    store = (file['credsStore'] ?? '') === '' ? undefined : parseHelper(file['credsStore'])
  })
  return { logins, faults: complaint === undefined ? faults : [...faults, complaint], helpers, store }
}

function authsOf(file: JsonObject): JsonObject {
  return quietly('its auths are no object', () => asObject(file['auths'] ?? {}, ''))
}

function parseEntries(entries: JsonObject, isPassedOver: (entry: unknown) => boolean) {
  const logins: Login[] = []
  const faults: string[] = []
  for (const [key, entry] of Object.entries(entries)) {
    if (isPassedOver(entry)) continue
    const complaint = takeFault(() => logins.push({ ...parseDockerKey(key), credential: parseEntry(entry) }))
    if (complaint !== undefined) faults.push(complaint)
  }
  return { logins, faults }
}

/** Runs a parser for what it does; its complaint, if it has one, costs one entry and not the file. */
function takeFault(parse: () => void): string | undefined {
  try {
    parse()
    return undefined
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

function isMarker(entry: unknown): boolean {
  const secrets = ['auth', 'username', 'password', 'identitytoken', 'registrytoken']
  return (
    typeof entry === 'object' && entry !== null && !secrets.some(name => ((entry as JsonObject)[name] ?? '') !== '')
  )
}

/** The end of a program's name, `docker-credential-NAME`, and so no path and no option. */
function parseHelper(name: unknown): string {
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return name
  throw new InputError('the name of a credential helper has more in it than letters, digits, ".", "_" and "-"')
}

function readJson(bytes: Uint8Array): JsonObject {
  return quietly('it is too large, or no JSON that all readers read alike', () =>
    asObject(parseUntrustedJson(bytes, { bytes: DOCKER_CONFIG_BYTES, depth: DEPTH, values: VALUES }), ''),
  )
}

/**
 * Parses a key of `auths`: `ghcr.io`, `ghcr.io/acme` or `https://index.docker.io/v1/`. The scheme says nothing: how a registry is reached
 * is not for a Secret to say. No wildcards: a credential goes where its owner wrote that it goes. Throws an InputError.
 */
export function parseDockerKey(key: string): Pick<Login, 'registry' | 'path'> {
  if (key.includes('*')) throw new InputError('a host with a wildcard is not supported')
  const [host = '', ...rest] = key
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')
    .split('/')
  // The API version of the address that Docker logs in at; a kubelet drops it, too.
  const parts = rest[0] === 'v1' || rest[0] === 'v2' ? rest.slice(1) : rest
  return quietly('a host cannot be read as one of an image reference', () => {
    const registry = parseRegistryName(host)
    if (parts.length > 0) parseImageRef(`${host}/${parts.join('/')}/name`)
    return { registry, path: parts.join('/') }
  })
}

function parseEntry(entry: unknown): Credential {
  const fields = quietly('an entry is no object', () => asObject(entry, ''))
  const text = (name: string) => quietly(`${name} is no text`, () => asString(fields[name] ?? '', ''))
  const token = text('identitytoken')
  // It goes into a form or a header as it is.
  if (token !== '') {
    if (!/^[\x21-\x7e]+$/.test(token)) throw new InputError('identitytoken is not visible ASCII')
    return { kind: 'token', token }
  }
  const auth = text('auth').trim()
  const [username, password] = auth === '' ? [text('username'), text('password')] : decodeAuth(auth)
  if (username === '' || password === '') throw new InputError('an entry has no user name and password')
  // RFC 7617 section 2: a colon would move the end of the name into the password.
  if (username.includes(':')) throw new InputError('a user name has a colon in it')
  return { kind: 'password', username, password }
}

/** What a kubelet takes before `username` and `password`, and with or without padding. */
function decodeAuth(auth: string): readonly [string, string] {
  const padded = auth.padEnd(Math.ceil(auth.length / 4) * 4, '=')
  const bytes = quietly('auth is not base64', () => decodeBase64(padded, 'auth', DOCKER_CONFIG_BYTES))
  const text = Buffer.from(bytes).toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) throw new InputError('auth has no colon between user name and password')
  return [text.slice(0, colon), text.slice(colon + 1)]
}

/** Runs a parser, and says in words of our own that it failed: its own would repeat what it read. */
function quietly<T>(complaint: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof InputError) throw new InputError(complaint)
    throw error
  }
}
