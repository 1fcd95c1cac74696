/** Amazon's registries: a password of twelve hours, from ECR's GetAuthorizationToken with whatever identity the SDK finds. */
import type * as Ecr from '@aws-sdk/client-ecr'
import { decodeBase64 } from '#core/domain/base64.ts'
import { InputError } from '#core/domain/input-error.ts'
import { asObject, asString, parseUntrustedJson } from '#core/json/untrusted-json.ts'
import type { Credential } from '#core/registry/credential.ts'
import type { CloudLogin, Login } from './cloud-source.ts'

type Sdk = typeof Ecr
type Client = InstanceType<Sdk['ECRClient']>

/** Account, region, and the domain of the partition. What stands for the region becomes part of the name of Amazon's own host. */
const PRIVATE = /^[0-9]{12}\.dkr\.ecr\.([a-z]{2}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2})\.amazonaws\.com(\.cn)?$/
const PUBLIC = 'public.ecr.aws'

/** The one region in which the public registry gives tokens. */
const PUBLIC_REGION = 'us-east-1'
const PUBLIC_API = `https://api.ecr-public.${PUBLIC_REGION}.amazonaws.com`

/** A token is some 3 KiB. */
const ANSWER = { bytes: 64 * 1024, depth: 4, values: 100 }

/** Amazon's login. `load` brings the SDK when it is needed; `publicApi` is where the public registry gives tokens. */
export function makeAwsLogin(
  load = (): Promise<Sdk> => import('@aws-sdk/client-ecr'),
  publicApi = PUBLIC_API,
): CloudLogin {
  return {
    cloud: 'aws',
    domainOf: host => (host === PUBLIC ? PUBLIC : regionOf(host)),
    async logIn(host, _exchange, signal) {
      const sdk = await load()
      const client = new sdk.ECRClient({ region: regionOf(host) ?? PUBLIC_REGION, maxAttempts: 2 })
      try {
        return host === PUBLIC
          ? await logInToPublic(client, new URL(publicApi), signal)
          : await logInToPrivate(client, sdk, signal)
      } finally {
        client.destroy()
      }
    },
  }
}

function regionOf(host: string): string | undefined {
  const [, region, china] = PRIVATE.exec(host) ?? []
  return region?.startsWith('cn-') === (china !== undefined) ? region : undefined
}

async function logInToPrivate(client: Client, sdk: Sdk, signal: AbortSignal): Promise<Login> {
  const { authorizationData } = await client.send(new sdk.GetAuthorizationTokenCommand({}), { abortSignal: signal })
  const [data] = authorizationData ?? []
  return { credential: parseToken(data?.authorizationToken), endsAt: data?.expiresAt?.getTime() }
}

/** The public registry's API is another SDK for one call: it is made by hand, signed and sent by the parts of this one. */
async function logInToPublic(
  client: Client,
  { protocol, hostname, port, host }: URL,
  signal: AbortSignal,
): Promise<Login> {
  const signer = await client.config.signer()
  const request = {
    protocol,
    hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    method: 'POST',
    path: '/',
    query: {},
    headers: {
      host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'SpencerFrontendService.GetAuthorizationToken',
    },
    body: '{}',
  }
  const signed = await signer.sign(request, { signingService: 'ecr-public', signingRegion: PUBLIC_REGION })
  const handler = client.config.requestHandler
  const { response } = await handler.handle(signed as Parameters<typeof handler.handle>[0], { abortSignal: signal })
  if (response.statusCode !== 200) throw new InputError(`expected status 200, got ${response.statusCode}`)
  const answer = asObject(parseUntrustedJson(await read(response.body), ANSWER), 'the answer')
  const data = asObject(answer['authorizationData'], 'authorizationData')
  const { expiresAt } = data
  return {
    credential: parseToken(asString(data['authorizationToken'], 'authorizationToken')),
    endsAt: typeof expiresAt === 'number' ? expiresAt * 1000 : undefined,
  }
}

async function read(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of body) {
    bytes += piece.byteLength
    if (bytes > ANSWER.bytes) throw new InputError(`expected at most ${ANSWER.bytes} bytes, got more`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

/** Base64 of `AWS:PASSWORD`. */
function parseToken(token: string | undefined): Credential {
  const text = Buffer.from(decodeBase64(token ?? '', 'the token', ANSWER.bytes)).toString('latin1')
  const [, username, password] = /^([^:]+):([\x21-\x7e]+)$/.exec(text) ?? []
  if (username === undefined || password === undefined) throw new InputError('expected a token of name and password')
  return { kind: 'password', username, password }
}
