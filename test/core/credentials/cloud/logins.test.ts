/** The real SDKs, before servers that answer as the clouds are documented to. The clouds themselves are not reached. */
import type { IncomingMessage } from 'node:http'
import t from 'tap'
import { makeAwsLogin } from '#core/credentials/cloud/aws.ts'
import { makeAzureLogin } from '#core/credentials/cloud/azure.ts'
import { makeGoogleLogin } from '#core/credentials/cloud/google.ts'
import type { Exchange } from '#core/registry/offer.ts'
import { patience } from '../../registry/make-client.ts'
import { serve } from '../../registry/serve.ts'

const nowhere: Exchange = () => Promise.reject(new Error('nobody talks here'))

/** Sets variables that the SDKs read, for one test; everything else that could tell them who they are is taken away. */
function setEnvironment(t: { teardown: (end: () => void) => unknown }, variables: Readonly<Record<string, string>>) {
  const before = { ...process.env }
  for (const name of Object.keys(process.env))
    if (/^(?:AWS|AZURE|GOOGLE|GCE|IDENTITY|MSI)_/.test(name)) delete process.env[name]
  Object.assign(process.env, { HOME: '/nowhere', AWS_EC2_METADATA_DISABLED: 'true' }, variables)
  t.teardown(() => {
    for (const name of Object.keys(process.env)) delete process.env[name]
    Object.assign(process.env, before)
  })
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  return body
}

const KEYS = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' }

t.test('Amazon: a token of the region of the host, split into name and password', async t => {
  const ends = Math.floor(Date.now() / 1000) + 43_200
  const api = await serve(t, (_request, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1')
    response.end(JSON.stringify({ authorizationData: [{ authorizationToken: btoa('AWS:hunter2'), expiresAt: ends }] }))
  })
  setEnvironment(t, { ...KEYS, AWS_ENDPOINT_URL_ECR: `http://${api.host}` })
  const login = await makeAwsLogin().logIn('123456789012.dkr.ecr.eu-central-1.amazonaws.com', nowhere, patience)
  t.strictSame(login, { credential: { kind: 'password', username: 'AWS', password: 'hunter2' }, endsAt: ends * 1000 })
  const headers = api.requests[0]?.headers
  t.equal(headers?.['x-amz-target'], 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken')
  t.match(headers?.authorization, /Credential=AKID\/[0-9]{8}\/eu-central-1\/ecr\/aws4_request/)
})

t.test('Amazon’s public registry: a token of its own API, signed for it', async t => {
  let answer: object = { authorizationData: { authorizationToken: btoa('AWS:hunter2'), expiresAt: 1_800_000_000 } }
  let status = 200
  const bodies: string[] = []
  const api = await serve(t, (request, response) => {
    const answerIt = async () => {
      bodies.push(await bodyOf(request))
      response.writeHead(status).end(JSON.stringify(answer))
    }
    void answerIt()
  })
  setEnvironment(t, KEYS)
  const logIn = () => makeAwsLogin(undefined, `http://${api.host}`).logIn('public.ecr.aws', nowhere, patience)
  t.strictSame(await logIn(), {
    credential: { kind: 'password', username: 'AWS', password: 'hunter2' },
    endsAt: 1_800_000_000_000,
  })
  t.strictSame(bodies, ['{}'])
  t.match(api.requests[0]?.headers, {
    'x-amz-target': 'SpencerFrontendService.GetAuthorizationToken',
    host: api.host,
    'content-type': 'application/x-amz-json-1.1',
  })
  t.match(
    api.requests[0]?.headers.authorization,
    /Credential=AKID\/[0-9]{8}\/us-east-1\/ecr-public\/aws4_request, SignedHeaders=content-type;host;/,
  )
  for (const wrong of [
    {},
    { authorizationData: [] },
    { authorizationData: { authorizationToken: '!' } },
    { authorizationData: { authorizationToken: btoa('AWS') } },
    { x: 'x'.repeat(65_536) },
  ]) {
    answer = wrong
    await t.rejects(logIn(), { name: /InputError|LimitError/ })
  }
  status = 400
  await t.rejects(logIn(), { message: 'expected status 200, got 400' })
})

t.test('Amazon: without an identity it fails by a name', async t => {
  setEnvironment(t, {})
  await t.rejects(makeAwsLogin().logIn('123456789012.dkr.ecr.eu-west-1.amazonaws.com', nowhere, patience), {
    name: 'CredentialsProviderError',
  })
})

t.test('Google: a token of the metadata service, to read with', async t => {
  const metadata = await serve(t, (request, response) => {
    response.writeHead(200, { 'metadata-flavor': 'Google', 'content-type': 'application/json' })
    const isToken = request.url?.includes('/service-accounts/default/token') === true
    response.end(isToken ? '{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}' : '{}')
  })
  setEnvironment(t, { GCE_METADATA_HOST: metadata.host })
  const google = makeGoogleLogin()
  const { credential, endsAt } = await google.logIn('gcr.io', nowhere, patience)
  t.strictSame(credential, { kind: 'password', username: 'oauth2accesstoken', password: 'ya29.x' })
  t.ok(endsAt !== undefined && Math.abs(endsAt - Date.now() - 3_599_000) < 60_000)
  t.match(metadata.requests.at(-1)?.url, 'scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform.read-only')
})

t.test('Google: without an identity it fails, and looks again the next time', async t => {
  setEnvironment(t, { GOOGLE_APPLICATION_CREDENTIALS: '/nowhere/key.json' })
  let loads = 0
  const google = makeGoogleLogin(() => {
    loads++
    return import('google-auth-library')
  })
  for (let tries = 0; tries < 2; tries++) await t.rejects(google.logIn('gcr.io', nowhere, patience))
  t.equal(loads, 2)
})

const TOKEN = { access_token: 'entra', token_type: 'Bearer', expires_on: '1900000000', resource: 'r' }

t.test('Azure: the token of the identity is exchanged with the registry that it is for', async t => {
  const identity = await serve(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(TOKEN))
  })
  setEnvironment(t, {
    IDENTITY_ENDPOINT: `http://${identity.host}/msi`,
    IDENTITY_HEADER: 'h',
    AZURE_TOKEN_CREDENTIALS: 'prod',
  })
  const asked: string[] = []
  const exchange: Exchange = async ({ url, form, authorization }) => {
    asked.push(`${url.href} ${form?.toString()} ${authorization}`)
    return { kind: 'answer', url, status: 200, headers: new Map(), bytes: Buffer.from('{"refresh_token":"acr"}') }
  }
  const azure = makeAzureLogin({ today: () => 1000 })
  for (const domain of ['io', 'cn', 'us'])
    t.strictSame(await azure.logIn(`acme.azurecr.${domain}`, exchange, patience), {
      credential: { kind: 'token', token: 'acr' },
      endsAt: 3_601_000,
    })
  t.strictSame(
    asked,
    ['io', 'cn', 'us'].map(
      domain =>
        `https://acme.azurecr.${domain}/oauth2/exchange grant_type=access_token&service=acme.azurecr.${domain}&access_token=entra undefined`,
    ),
  )
  const audiences = identity.requests.map(({ url }) => new URL(url ?? '', 'http://x').searchParams.get('resource'))
  t.strictSame(audiences, [
    'https://containerregistry.azure.net',
    'https://management.chinacloudapi.cn',
    'https://management.usgovcloudapi.net',
  ])
})

t.test('Azure: an exchange that fails says so without the token', async t => {
  const load = async () =>
    ({
      DefaultAzureCredential: class {
        async getToken() {
          return { token: 'entra', expiresOnTimestamp: 0 }
        }
      },
    }) as never
  const logIn = (status: number, text: string, headers: readonly (readonly [string, string])[] = []) => {
    const exchange: Exchange = async ({ url }) => ({
      kind: 'answer',
      url,
      status,
      headers: new Map(headers),
      bytes: Buffer.from(text),
    })
    return makeAzureLogin({ load, today: Date.now }).logIn('acme.azurecr.io', exchange, patience)
  }
  for (const text of [
    '',
    '{}',
    '[]',
    '{"refresh_token":5}',
    '{"refresh_token":"a b"}',
    '{"refresh_token":"a","refresh_token":"b"}',
  ])
    await t.rejects(
      logIn(200, text),
      {
        code: 'registry.unauthorized',
        message: 'acme.azurecr.io: token exchange: answered with something that is no token',
      },
      text,
    )
  await t.rejects(logIn(401, ''), { code: 'registry.unauthorized', message: /answered with status 401$/ })
  await t.rejects(
    logIn(307, '', [['location', 'https://evil.test/']]),
    { message: /answered with status 307$/ },
    'and is not followed',
  )
})
