import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { makeAwsLogin } from '#core/credentials/cloud/aws.ts'
import { makeAzureLogin } from '#core/credentials/cloud/azure.ts'
import {
  type CloudLogin,
  FAILED_MS,
  LONGEST_MS,
  type Login,
  MARGIN_MS,
  makeCloudSource,
} from '#core/credentials/cloud/cloud-source.ts'
import { makeGoogleLogin } from '#core/credentials/cloud/google.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import { parseRegistries, registryOf } from '#core/registry/registries.ts'
import { patience } from '../../registry/make-client.ts'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const notLoaded = () => Promise.reject(new Error('nobody was to load it'))
const clouds = {
  aws: makeAwsLogin(notLoaded),
  google: makeGoogleLogin(notLoaded),
  azure: makeAzureLogin({ load: notLoaded, today: Date.now }),
}
const nowhere = () => Promise.reject(new Error('nobody talks here'))

function offersFor(cloud: CloudLogin, image: string, entries: readonly object[] = []) {
  const registries = parseRegistries({ registries: entries }, () => '')
  const ref = parseImageRef(image)
  return makeCloudSource(cloud, { nowMs: () => 0, today: Date.now })(registryOf(registries, ref.registry), ref, nowhere)
}

/** Hosts, and whose they are. */
const HOSTS: Readonly<Record<keyof typeof clouds, readonly string[]>> = {
  aws: [
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com',
    '123456789012.dkr.ecr.us-gov-west-1.amazonaws.com',
    '123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn',
    'public.ecr.aws',
  ],
  google: ['gcr.io', 'eu.gcr.io', 'europe-docker.pkg.dev', 'us-west1-docker.pkg.dev'],
  azure: ['acme.azurecr.io', 'acme.azurecr.cn', 'acme.azurecr.us', 'acme-abcd.azurecr.io'],
}

/** They contain what is looked for, and are somebody else's. */
const STRANGERS = [
  '123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.test',
  'evil-123456789012.dkr.ecr.eu-west-1.amazonaws.com',
  'x.123456789012.dkr.ecr.eu-west-1.amazonaws.com',
  '123456789012.dkr.ecr.evil.test.amazonaws.com',
  '123456789012.dkr.ecr.eu-west-1.evil.amazonaws.com',
  '123456789012.dkr.ecr.evil.com',
  '12345678901.dkr.ecr.eu-west-1.amazonaws.com',
  '123456789012.dkr.ecr.cn-north-1.amazonaws.com',
  '123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn',
  '123456789012.dkr.ecr.eu-west-1.amazonaws.com:8443',
  'amazonaws.com',
  'public.ecr.aws.evil.test',
  'notpublic.ecr.aws',
  'x.public.ecr.aws',
  'evilgcr.io',
  'gcr.io.evil.test',
  'gcr.io:8443',
  'eu.gcr.io.evil.test',
  'evilpkg.dev',
  'pkg.dev',
  'docker.pkg.dev.evil.test',
  'europe-docker.pkg.dev:5000',
  'evilazurecr.io',
  'azurecr.io',
  'a.b.azurecr.io',
  'acme.azurecr.io.evil.test',
  'acme.azurecr.io:8443',
  'acme.azurecr.com',
  'acme.azurecr.evil.io',
  'ghcr.io',
  'localhost',
  '169.254.169.254',
]

t.test('an identity of a cloud is for the registries of that cloud', async t => {
  for (const cloud of ['aws', 'google', 'azure'] as const)
    for (const [owner, hosts] of Object.entries(HOSTS))
      for (const host of hosts) {
        const names = offersFor(clouds[cloud], `${host}/acme/app`).map(({ name }) => name)
        t.strictSame(names, owner === cloud ? [`cloud:${cloud}`] : [], `${cloud} ${host}`)
      }
})

t.test('CVE-2025-27403: a host that only contains the name of one is given nothing', async t => {
  for (const cloud of Object.values(clouds))
    for (const host of STRANGERS) t.strictSame(offersFor(cloud, `${host}/acme/app`), [], `${cloud.cloud} ${host}`)
})

t.test('nothing is given by plain HTTP', async t => {
  for (const cloud of ['aws', 'google', 'azure'] as const)
    for (const host of HOSTS[cloud])
      t.strictSame(offersFor(clouds[cloud], `${host}/acme/app`, [{ host, plainHttp: true }]), [], host)
})

t.test('no SDK is loaded before an image of its cloud is asked about', async t => {
  const script = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ load(url, context, next) { seen.push(url); return next(url, context) } })
    const { openCredentials } = await import('#assembly/open-credentials.ts')
    const { parseRegistries, registryOf } = await import('#core/registry/registries.ts')
    const { parseImageRef } = await import('#core/domain/image-ref.ts')
    const registries = parseRegistries({ registries: [], cloudCredentials: ['aws', 'google', 'azure'] }, () => '')
    const { sources } = openCredentials({}, registries)
    const ask = async image => {
      const ref = parseImageRef(image)
      const offers = sources.flatMap(source => source(registryOf(registries, ref.registry), ref, () => Promise.reject(new Error('no'))))
      for (const { open } of offers) await open(AbortSignal.timeout(20_000)).catch(() => {})
      return ['@aws-sdk/client-ecr', 'google-auth-library', '@azure/identity'].filter(name => seen.some(url => url.includes('/node_modules/' + name + '/')))
    }
    console.log(JSON.stringify([await ask('ghcr.io/a/b'), await ask('evilgcr.io/a/b'), await ask('acme.azurecr.io.evil.test/a'), await ask('gcr.io/a/b')]))
    process.exit()
  `
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    encoding: 'utf8',
    env: {
      PATH: '/usr/bin:/bin',
      GCE_METADATA_HOST: '127.0.0.1:9',
      GOOGLE_APPLICATION_CREDENTIALS: '/nowhere',
      HOME: '/nowhere',
    },
  })
  t.equal(stdout.trim(), '[[],[],[],["google-auth-library"]]', stderr)
})

/** A cloud of which a test says what it answers. */
function makeCloud(logIn: () => Promise<Login>) {
  const seen = { logins: 0 }
  const cloud: CloudLogin = {
    cloud: 'aws',
    domainOf: host => (host.endsWith('.test') ? host.split('.').at(-2) : undefined),
    logIn: async () => {
      seen.logins++
      return logIn()
    },
  }
  const time = { now: 0 }
  const source = makeCloudSource(cloud, { nowMs: () => time.now, today: () => 1e12 + time.now, patienceMs: 100 })
  const open = async (host: string, signal = patience) => {
    const ref = parseImageRef(`${host}/app`)
    const registries = parseRegistries({ registries: [] }, () => '')
    const [offer] = source(registryOf(registries, host), ref, nowhere)
    try {
      return (await offer?.open(signal))?.length
    } catch (error) {
      if (error instanceof Unavailable && error.code === 'registry.unauthorized') return error.message
      throw error
    }
  }
  return { seen, time, open }
}

const credential = { kind: 'password', username: 'AWS', password: 'p' } as const

t.test('a login is used for all that it is for until shortly before it ends, an hour at most', async t => {
  for (const [life, used] of [
    [600_000, 600_000 - MARGIN_MS],
    [43_200_000, LONGEST_MS],
    [undefined, 600_000],
  ] as const) {
    const { seen, time, open } = makeCloud(async () => ({
      credential,
      endsAt: life === undefined ? undefined : 1e12 + time.now + life,
    }))
    await Promise.all([open('a.one.test'), open('b.one.test'), open('c.one.test')])
    t.equal(seen.logins, 1)
    await open('a.two.test')
    t.equal(seen.logins, 2, 'another region is another login')
    time.now = used - 1
    await open('a.one.test')
    t.equal(seen.logins, 2)
    time.now = used
    t.equal(await open('a.one.test'), 1)
    t.equal(seen.logins, 3)
  }
  const { seen, open } = makeCloud(async () => ({ credential, endsAt: 1e12 + MARGIN_MS }))
  await open('a.one.test')
  await open('a.one.test')
  t.equal(seen.logins, 2, 'one that ends too soon is used by who waits for it')
})

t.test(
  'a login that fails is registry.unauthorized, is not repeated at once, and its words are left behind',
  async t => {
    const failure = Object.assign(new Error('the secret is hunter2'), {
      name: 'CredentialsProviderError',
      code: 'ENOENT',
    })
    const { seen, time, open } = makeCloud(() => Promise.reject(failure))
    const said = 'the aws identity of this process gave no credential: CredentialsProviderError ENOENT'
    t.equal(await open('a.one.test'), said)
    time.now = FAILED_MS - 1
    t.equal(await open('a.one.test'), said)
    t.equal(seen.logins, 1)
    time.now = FAILED_MS
    await open('a.one.test')
    t.equal(seen.logins, 2)
    for (const error of ['hunter2', Object.assign(new Error('x'), { name: 'the secret is hunter2' })]) {
      const { open } = makeCloud(() => Promise.reject(error))
      t.match(await open('a.one.test'), /gave no credential: it failed$/)
    }
    const absent = makeCloud(() => import(['a-package', 'that-is-not-here'].join('-')) as Promise<never>)
    t.match(await absent.open('a.one.test'), /ERR_MODULE_NOT_FOUND$/)
  },
)

t.test('a cloud that does not answer is given up, and whoever gives up before is told in his own words', async t => {
  const { open } = makeCloud(() => new Promise<never>(() => {}))
  t.match(await open('a.one.test'), /gave no credential: no answer within 100 ms$/)
  const stop = new AbortController()
  const waiting = open('a.two.test', stop.signal)
  stop.abort(new Unavailable('deadline.exceeded', 'no longer'))
  await t.rejects(waiting, { code: 'deadline.exceeded', message: 'no longer' })
})
