/** As whom Shedu asks a registry. The secret itself goes into headers and nowhere else. */
import { createHmac, randomBytes } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import type { ReadFile } from './named-file.ts'
import { readNamedFile } from './named-file.ts'

/** A token is exchanged where the registry names a token service, and presented as it is where it names none. */
export type Credential =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }

export const ANONYMOUS: Credential = { kind: 'anonymous' }

type Fields = {
  readonly username?: string | undefined
  readonly passwordFile?: string | undefined
  readonly tokenFile?: string | undefined
}

/** Parses the fields that say as whom; throws an InputError, which never holds what a secret file said. */
export function parseCredential({ username, passwordFile, tokenFile }: Fields, readFile: ReadFile): Credential {
  if (tokenFile !== undefined) {
    if (username === undefined && passwordFile === undefined)
      return { kind: 'token', token: readSecret('tokenFile', tokenFile, readFile) }
    throw new InputError('tokenFile: expected no username and no passwordFile beside it')
  }
  if (username === undefined && passwordFile === undefined) return ANONYMOUS
  if (username === undefined) throw new InputError('username: expected one beside passwordFile')
  if (passwordFile === undefined) throw new InputError('passwordFile: expected one beside username')
  // RFC 7617 section 2: a colon would move the end of the name into the password.
  if (username.includes(':')) throw new InputError('username: expected no colon in it')
  return { kind: 'password', username, password: readSecret('passwordFile', passwordFile, readFile) }
}

/** Of this process alone, so that a name tells nobody who reads it whether a password he has in mind is the one. */
const NAMING_KEY = randomBytes(32)

const names = new WeakMap<Credential, string>()

/**
 * What the credential is called where its secret must not appear: in cache keys. Two have one name exactly when they are
 * the same credential, secret included: another password is another caller, whatever name he gives. Holds no space.
 */
export function credentialName(credential: Credential): string {
  if (credential.kind === 'anonymous') return 'anonymous'
  const known = names.get(credential)
  if (known !== undefined) return known
  const parts = credential.kind === 'password' ? [credential.username, credential.password] : [credential.token]
  const hash = createHmac('sha256', NAMING_KEY).update(JSON.stringify([credential.kind, ...parts]))
  const name = `${credential.kind}:${hash.digest('hex')}`
  names.set(credential, name)
  return name
}

/** The header of RFC 7617; undefined without a name and password. */
export function basicAuthorization(credential: Credential): string | undefined {
  if (credential.kind !== 'password') return undefined
  return `Basic ${Buffer.from(`${credential.username}:${credential.password}`).toString('base64')}`
}

/** Mounted secrets often end in a line break that is no part of them. */
function readSecret(field: 'passwordFile' | 'tokenFile', path: string, readFile: ReadFile): string {
  const secret = readNamedFile(field, path, readFile).replace(/\r?\n$/, '')
  if (secret === '') throw new InputError(`${field}: expected a secret in ${JSON.stringify(path)}, got an empty file`)
  // A token goes into a header as it is.
  if (field === 'tokenFile' && !/^[\x21-\x7e]+$/.test(secret))
    throw new InputError(`${field}: expected one line of visible ASCII in ${JSON.stringify(path)}`)
  return secret
}
