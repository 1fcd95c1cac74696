/** An issuer of identity tokens, as Fulcio asks for: two names, one for people and one for workflows, and one key. */

import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Owner } from './owner.ts'

/** Long enough for one signature; Fulcio refuses what is older. */
const TOKEN_SECONDS = 10 * 60

const CLIENT = 'sigstore'

export type OidcIssuer = {
  /** The issuer in the certificates of people. */
  readonly people: string
  /** The issuer in the certificates of workflows, which carry the extensions of GitHub Actions. */
  readonly workflows: string
  readonly emailToken: (email: string) => string
  /** A token of `OWNER/REPOSITORY/.github/workflows/FILE@REF`; the certificate names it below https://github.com/. */
  readonly workflowToken: (workflowRef: string) => string
  /** What Fulcio's configuration says about the two. */
  readonly fulcioConfig: object
}

/** Starts it on the loopback address for the owner. Whoever asks for a token gets it. */
export async function startOidcIssuer(owner: Owner): Promise<OidcIssuer> {
  // Cosign takes a token signed in any other way for the name of a file.
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const server = createServer((request, response) => {
    const origin = `http://${request.headers.host}`
    const answer = documentAt(origin, request.url ?? '', publicKey)
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer ?? {}))
  })
  const origin = await listen(owner, server)
  const people = `${origin}/people`
  const workflows = `${origin}/workflows`
  return {
    people,
    workflows,
    emailToken: email => token(privateKey, { iss: people, sub: email, email, email_verified: true }),
    workflowToken: ref => token(privateKey, { iss: workflows, ...workflowClaims(ref) }),
    fulcioConfig: {
      OIDCIssuers: {
        [people]: { IssuerURL: people, ClientID: CLIENT, Type: 'email' },
        [workflows]: { IssuerURL: workflows, ClientID: CLIENT, Type: 'github-workflow' },
      },
    },
  }
}

async function listen(owner: Owner, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  owner.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function documentAt(origin: string, path: string, key: KeyObject): object | undefined {
  const [, issuer] = /^\/(people|workflows)\/\.well-known\/openid-configuration$/.exec(path) ?? []
  if (issuer !== undefined) {
    return {
      issuer: `${origin}/${issuer}`,
      jwks_uri: `${origin}/keys`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    }
  }
  return path === '/keys'
    ? { keys: [{ ...key.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: '1' }] }
    : undefined
}

function token(key: KeyObject, claims: object): string {
  const now = Math.floor(Date.now() / 1000)
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const life = { aud: CLIENT, iat: now, nbf: now, exp: now + TOKEN_SECONDS }
  const signed = `${encode({ alg: 'RS256', typ: 'JWT', kid: '1' })}.${encode({ ...life, ...claims })}`
  const signature = sign('sha256', Buffer.from(signed), key)
  return `${signed}.${signature.toString('base64url')}`
}

/** What a push to the branch or tag would make GitHub say; Fulcio refuses a token that lacks one of these. */
function workflowClaims(workflowRef: string): object {
  const [path = '', ref = ''] = workflowRef.split('@')
  const [account = '', name = ''] = path.split('/')
  const commit = '1'.repeat(40)
  return {
    sub: `repo:${account}/${name}:ref:${ref}`,
    job_workflow_ref: workflowRef,
    job_workflow_sha: commit,
    workflow_ref: workflowRef,
    workflow_sha: commit,
    workflow: path.split('/').at(-1),
    sha: commit,
    ref,
    event_name: 'push',
    repository: `${account}/${name}`,
    repository_id: '1',
    repository_owner: account,
    repository_owner_id: '1',
    repository_visibility: 'public',
    runner_environment: 'github-hosted',
    run_id: '1',
    run_attempt: '1',
  }
}
