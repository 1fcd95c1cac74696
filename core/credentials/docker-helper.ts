/** A credential helper of Docker: `docker-credential-NAME get`, asked for one server (the protocol of docker-credential-helpers). */
import { InputError } from '#core/domain/input-error.ts'
import { asObject, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import type { Credential } from '#core/registry/credential.ts'
import { parseDockerKey } from '#core/registry/docker-config.ts'
import type { Environment } from '#core/runtime/settings.ts'
import { findProgram } from './find-program.ts'
import { environmentFor } from './program-environment.ts'
import type { Ended, RunProgram } from './run-program.ts'
import { PROGRAM_BYTES } from './run-program.ts'

export type HelperDeps = { readonly run: RunProgram; readonly environment: Environment }

/** What a helper said: a credential, that it has none, or why it could not be asked. */
export type Helped =
  | { readonly kind: 'credential'; readonly credential: Credential }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly why: string }

/** The sentences by which helpers say that they have nothing; they leave with code 1 as for any fault. */
const NOT_FOUND = /^(?:credentials not found in native keychain|no credentials server URL)\s*$/

/** How Docker names its own registry to helpers. */
const HUB_SERVER = 'https://index.docker.io/v1/'

/** ServerURL, Username and Secret, and as many again. */
const ANSWER = { bytes: PROGRAM_BYTES, depth: 2, values: 16 }

/** Asks the helper of this name for a registry, by the name that `ImageRef.registry` gives it. Throws the signal's reason. */
export async function askHelper(
  name: string,
  registry: string,
  { run, environment }: HelperDeps,
  signal: AbortSignal,
): Promise<Helped> {
  const file = await findProgram(`docker-credential-${name}`, environment['PATH'] ?? '')
  if (file === undefined) return { kind: 'failed', why: 'is not in any folder of PATH' }
  const input = registry === 'index.docker.io' ? HUB_SERVER : registry
  const ended = await run({ file, args: ['get'], input, environment: environmentFor(environment) }, signal)
  return ended.kind === 'failed' ? ended : readAnswer(ended, registry)
}

function readAnswer({ code, output }: Ended, registry: string): Helped {
  if (code !== 0) {
    // Standard output is where it complains, too.
    if (NOT_FOUND.test(Buffer.from(output).toString('latin1'))) return { kind: 'none' }
    return { kind: 'failed', why: `ended with code ${code ?? 'none: it was killed'}` }
  }
  try {
    return parseAnswer(output, registry)
  } catch (error) {
    // Its words are left behind: what was read is a secret.
    if (error instanceof InputError) return { kind: 'failed', why: 'answered with something that is no credential' }
    throw error
  }
}

function parseAnswer(output: Uint8Array, registry: string): Helped {
  const fields = asObject(parseUntrustedJson(output, ANSWER), 'the answer')
  const text = (name: string) => asString(fields[name] ?? '', name)
  const [server, username, secret] = [text('ServerURL'), text('Username'), text('Secret')]
  // Some stores look for what resembles the name they are given: CVE-2026-59891 by another hand.
  if (server !== '' && parseDockerKey(server).registry !== registry)
    return { kind: 'failed', why: 'answered for another registry than it was asked for' }
  if (username === '' && secret === '') return { kind: 'none' }
  return { kind: 'credential', credential: parseSecret(username, secret) }
}

/** By the protocol, this user name says that the secret is an identity token. */
function parseSecret(username: string, secret: string): Credential {
  if (username === '<token>') {
    if (!/^[\x21-\x7e]+$/.test(secret)) throw new InputError('expected a token of visible ASCII')
    return { kind: 'token', token: secret }
  }
  if (username === '' || secret === '' || username.includes(':')) throw new InputError('expected a name and a password')
  return { kind: 'password', username, password: secret }
}
