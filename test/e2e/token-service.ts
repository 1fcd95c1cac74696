/** A token service before a real registry: the registry verifies what it signs (distribution docs, spec/auth/jwt.md). */
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Owner } from '../stack/owner.ts'

const ISSUER = 'test-issuer'
const SERVICE = 'test-registry'
const KEY_ID = 'one'

export type TokenService = {
  readonly host: string
  /** What the registry needs to know to believe it: the section `auth` of its configuration, without its realm. */
  readonly trust: { readonly service: string; readonly issuer: string }
  /** The public key, as a JSON web key set. */
  readonly jwks: string
  /** Who asked for what: `bob repository:shop/app:pull`. */
  readonly asked: string[]
}

/** Starts one that knows these people by their passwords, and gives each who may what he asks for. */
export async function startTokenService(owner: Owner, people: Readonly<Record<string, string>>): Promise<TokenService> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const asked: string[] = []
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://token.service')
    const login = Buffer.from(request.headers.authorization?.split(' ')[1] ?? '', 'base64').toString()
    const [name = '', password = ''] = login.split(':')
    const scope = searchParams.get('scope') ?? ''
    asked.push(`${name === '' ? 'nobody' : name} ${scope}`)
    if (people[name] === undefined || people[name] !== password) return response.writeHead(401).end()
    const token = makeToken(scope, privateKey)
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ token }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  owner.teardown(async () => {
    server.closeAllConnections()
    server.close()
  })
  const key = { ...publicKey.export({ format: 'jwk' }), kid: KEY_ID, alg: 'ES256', use: 'sig' }
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    trust: { service: SERVICE, issuer: ISSUER },
    jwks: JSON.stringify({ keys: [key] }),
    asked,
  }
}

function makeToken(scope: string, key: Parameters<typeof sign>[2]): string {
  const [type = '', name = '', actions = ''] = scope.split(':')
  const now = Math.floor(Date.now() / 1000)
  const access = [{ type, name, actions: actions.split(',') }]
  const claims = {
    iss: ISSUER,
    sub: 'x',
    aud: SERVICE,
    exp: now + 300,
    nbf: now - 5,
    iat: now,
    jti: randomUUID(),
    access,
  }
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${encode({ typ: 'JWT', alg: 'ES256', kid: KEY_ID })}.${encode(claims)}`
  // RFC 7518 section 3.4: the two numbers one after the other, and not in DER.
  const signature = sign('sha256', Buffer.from(signed), { key: key as never, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}
