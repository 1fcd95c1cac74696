import t from 'tap'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { askOf } from './ask.ts'

const registry = await startRegistry(t)
const get = askOf(registry)

/** Sets how one repository is guarded. */
async function guarded(repository: string, settings: object) {
  await registry.image({ repository })
  await registry.auth({ repository, mode: 'token', username: 'ann', password: 'secret', ...settings })
  const path = `/v2/${repository}/manifests/v1`
  const basic = (text: string) => ({ headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` } })
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  const token = async (init: RequestInit = {}, scope = `repository:${repository}:pull`) =>
    get(`/_token?service=${registry.host}&scope=${scope}`, init)
  return { path, basic, bearer, token }
}

t.test('Basic lets in who knows the password', async t => {
  const { path, basic } = await guarded('auth/basic', { mode: 'basic' })
  const refused = await get(path)
  t.strictSame([refused.status, refused.json()['errors'][0].code], [401, 'UNAUTHORIZED'])
  t.match(refused.headers.get('www-authenticate'), /^Basic realm="/)
  t.equal((await get(path, basic('ann:wrong'))).status, 401)
  t.equal((await get(path, basic('ann:secret'))).status, 200)
})

t.test('Bearer names the endpoint, which asks for the password and gives a token for one repository', async t => {
  const { path, basic, bearer, token } = await guarded('auth/token', {})
  t.equal(
    (await get(path)).headers.get('www-authenticate'),
    `Bearer realm="http://${registry.host}/_token",service="${registry.host}",scope="repository:auth/token:pull"`,
  )
  t.equal((await token()).status, 401)
  t.equal((await token(basic('ann:wrong'))).status, 401)
  t.equal((await token(basic('ann:secret'), 'registry:catalog:*')).status, 400)
  t.equal((await get('/_token?service=other&scope=repository:auth/token:pull', basic('ann:secret'))).status, 400)
  const granted = (await token(basic('ann:secret'))).json()
  t.equal(granted['expires_in'], 300)
  t.equal((await get(path, bearer(granted['token']))).status, 200)
  t.equal((await get(path, basic('ann:secret'))).status, 401, 'the password is for the endpoint alone')

  const other = await guarded('auth/other', { mode: 'anonymous-token' })
  const elsewhere = (await other.token()).json()['token']
  await guarded('auth/third', { mode: 'none' })
  const { status, headers } = await get(path, bearer(elsewhere))
  t.equal(status, 401)
  t.match(headers.get('www-authenticate'), /error="invalid_token"$/, 'new settings end all tokens')
})

t.test('a token for one repository is not good for another, nor after its time', async t => {
  await guarded('auth/mine', { mode: 'anonymous-token' })
  const { path, bearer, token } = await guarded('auth/yours', { mode: 'anonymous-token' })
  const foreign = (await token({}, 'repository:auth/mine:pull')).json()['token']
  t.match((await get(path, bearer(foreign))).headers.get('www-authenticate'), /error="insufficient_scope"$/)
  const mine = (await token()).json()['token']
  t.equal((await get(path, bearer(mine))).status, 200)
  const short = await guarded('auth/short', { mode: 'anonymous-token', tokenSeconds: 0 })
  const late = (await short.token()).json()['token']
  t.match((await get(short.path, bearer(late))).headers.get('www-authenticate'), /error="invalid_token"$/)
})

t.test('anonymous tokens go to anybody, but not to a wrong password', async t => {
  const { path, basic, bearer, token } = await guarded('auth/anonymous', { mode: 'anonymous-token' })
  t.equal((await get(path)).status, 401)
  t.equal((await token(basic('ann:wrong'))).status, 401)
  t.equal((await get(path, bearer((await token()).json()['token']))).status, 200)
})

t.test('the realm and the service can be anybody', async t => {
  const { path } = await guarded('auth/evil', { realm: 'http://127.0.0.1:9/steal', service: 'evil' })
  t.match((await get(path)).headers.get('www-authenticate'), 'Bearer realm="http://127.0.0.1:9/steal",service="evil"')
})

t.test('a setting without a repository guards all that have none of their own, and the ping', async t => {
  const guard = await startRegistry(t)
  await guard.image({ repository: 'any' })
  await guard.image({ repository: 'open' })
  await guard.auth({ mode: 'token', username: 'ann', password: 'secret' })
  await guard.auth({ repository: 'open', mode: 'none' })
  const ask = askOf(guard)
  const status = async (path: string) => (await ask(path)).status
  t.equal(await status('/v2/'), 401)
  t.equal(await status('/v2/any/manifests/v1'), 401)
  t.equal(await status('/v2/open/manifests/v1'), 200)
})
