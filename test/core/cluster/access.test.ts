import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Access } from '#core/cluster/access.ts'
import { ClusterUnavailable } from '#core/cluster/cluster-error.ts'
import { collectionPath, objectPath } from '#core/cluster/resource.ts'
import { InputError } from '#core/domain/input-error.ts'

const PEM = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n'

const folder = await mkdtemp(join(tmpdir(), 'shedu-access-'))
t.teardown(() => rm(folder, { recursive: true }))

type Given = { readonly cluster?: object; readonly user?: object; readonly text?: string }

async function write({ cluster = {}, user = {}, text }: Given): Promise<string> {
  const file = join(folder, 'kubeconfig')
  const config = {
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1/prefix/', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [
      { name: 'main', context: { cluster: 'c', user: 'u' } },
      { name: 'nobody', context: { cluster: 'c' } },
    ],
    'current-context': 'main',
  }
  await writeFile(file, text ?? JSON.stringify(config))
  return file
}

async function open(given: Given, context?: string): Promise<Access> {
  const file = await write(given)
  const access = new Access({ from: 'kubeconfig', file, ...(context === undefined ? {} : { context }) })
  t.teardown(() => access.close())
  return access
}

t.test('keeps its connections, and takes new ones when a certificate has been replaced', async t => {
  const ca = join(folder, 'ca.crt')
  await writeFile(ca, PEM)
  const access = await open({ cluster: { 'certificate-authority': ca } })
  const { agent } = await access.open('requests')
  t.equal((await access.open('requests')).agent, agent)
  t.not((await access.open('streams')).agent, agent, 'a stream takes no place among the requests')
  await writeFile(ca, PEM + PEM)
  const { agent: next } = await access.open('requests')
  t.not(next, agent)
  t.equal((await access.open('requests')).agent, next)
})

t.test('comes with a token or with a name and a password', async t => {
  const token = await open({ user: { token: 'abc\n' } })
  t.strictSame((await token.open('requests')).headers, { Authorization: 'Bearer abc' })
  const basic = await open({ user: { username: 'u', password: 'p' } })
  t.strictSame((await basic.open('requests')).headers, { Authorization: `Basic ${btoa('u:p')}` })
})

t.test('credentials that cannot be read are unavailable: they may be there in a moment', async t => {
  const access = await open({
    user: { 'client-certificate': join(folder, 'none'), 'client-key': join(folder, 'none') },
  })
  await t.rejects(access.open('requests'), ClusterUnavailable)
})

t.test('refuses what would let anyone be the API server, and what it does not do', async t => {
  const cases: readonly [Given, RegExp, string?][] = [
    [{ cluster: { 'insecure-skip-tls-verify': true } }, /insecure-skip-tls-verify/],
    [{ cluster: { server: 'http://127.0.0.1:1' } }, /https/],
    [{ cluster: { server: 'nonsense' } }, /https/],
    [{ cluster: { server: 'http://me:hunter2@127.0.0.1:1/?hunter2' } }, /https address, got http:\/\/127.0.0.1:1$/],
    [{ cluster: { 'proxy-url': 'http://127.0.0.1:1' } }, /proxy-url/],
    [{}, /"missing"/, 'missing'],
    [{}, /"nobody"/, 'nobody'],
  ]
  for (const [given, message, context] of cases) {
    const error = await open(given, context).catch((error: unknown) => error)
    t.type(error, InputError)
    t.match(error, { message })
  }
})

t.test('repeats nothing of a file that it cannot read', async t => {
  const error = await open({ text: 'users: [{secret: "abc' }).catch((error: unknown) => error)
  t.type(error, InputError)
  t.notMatch(error, { message: /abc|secret/ })
})

t.test('names become one segment of a path each, or are refused', async t => {
  const things = { group: 'test.shedu.dev', version: 'v1', plural: 'things' }
  const pods = { group: '', version: 'v1', plural: 'pods' }
  t.equal(collectionPath(pods), '/api/v1/pods')
  t.equal(
    objectPath({ resource: things, namespace: 'shop', name: 'a?b' }, 'status'),
    '/apis/test.shedu.dev/v1/namespaces/shop/things/a%3Fb/status',
  )
  for (const name of ['', '.', '..', '../x', 'a/b']) {
    t.throws(() => objectPath({ resource: pods, namespace: 'shop', name }), InputError)
    t.throws(() => collectionPath(pods, name), InputError)
  }
})
