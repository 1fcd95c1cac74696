import fc from 'fast-check'
import t from 'tap'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { InputError } from '#core/domain/input-error.ts'
import { DOCKER_CONFIG_BYTES, type DockerConfigForm, parseDockerConfig } from '#core/registry/docker-config.ts'
import { type Keychain, loginsFor } from '#core/registry/keychain.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const bytesOf = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const login = { auth: base64('bob:hunter2') }

/** Parses `auths`, and says who is meant by each of its entries. */
function parse(auths: object) {
  return parseDockerConfig(bytesOf({ auths }), 'dockerconfigjson')
}

/** The users whose credentials are for this image, in order. Each entry of `auths` has its own key for a user. */
function usersFor(image: string, ...keys: readonly string[]): readonly string[] {
  const { logins } = parse(
    Object.fromEntries(keys.map(key => [key, { username: key.replaceAll(':', '_'), password: 'p' }])),
  )
  const keychain: Keychain = { logins: logins.map(one => ({ ...one, source: '' })), notes: [] }
  return loginsFor(keychain, parseImageRef(image)).map(({ credential }) =>
    credential.kind === 'password' ? credential.username : credential.kind,
  )
}

function complaint(value: unknown, form: DockerConfigForm = 'dockerconfigjson'): string {
  try {
    return parseDockerConfig(bytesOf(value), form).faults.join('; ')
  } catch (error) {
    if (error instanceof InputError) return `none: ${error.message}`
    throw error
  }
}

t.test('CVE-2026-59891: a credential is for the host it names and for no other', async t => {
  for (const key of [
    'cr.io',
    'hcr.io',
    'ghcr.io.evil',
    'ghcr.io:444',
    'evil.ghcr.io',
    'ghcr.io@evil.test',
    'u:p@ghcr.io',
  ])
    t.strictSame(usersFor('ghcr.io/acme/app:v1', key), [], key)
  for (const image of ['cr.io/a/b', 'ghcr.io.evil/a/b', 'ghcr.io:444/a/b', 'evil.test/ghcr.io/b', 'a/b', 'ghcr-io/b'])
    t.strictSame(usersFor(image, 'ghcr.io'), [], image)
})

t.test('a host is known however Docker and people spell it', async t => {
  const hub = [
    'https://index.docker.io/v1/',
    'index.docker.io',
    'docker.io',
    'registry-1.docker.io',
    'https://index.docker.io/v2/',
  ]
  for (const key of hub) {
    t.strictSame(usersFor('nginx', key), [key.replaceAll(':', '_')], key)
    t.strictSame(usersFor('ghcr.io/library/nginx', key), [], key)
  }
  for (const key of ['ghcr.io', 'GHCR.io', 'ghcr.io:443', 'https://ghcr.io', 'http://ghcr.io/', 'https://ghcr.io/v2/'])
    t.equal(usersFor('ghcr.io/acme/app', key).length, 1, key)
  t.strictSame(usersFor('r.test:5000/a/b', 'r.test:5000', 'r.test', 'r.test:5001'), ['r.test_5000'])
})

t.test('a path is matched in whole parts, the longest first, and one path in the order of the file', async t => {
  const keys = ['r.test', 'r.test/acme', 'r.test/acme/app', 'r.test/acme/ap', 'r.test/acme/app/more', 'r.test/other']
  t.strictSame(usersFor('r.test/acme/app:v1', ...keys), ['r.test/acme/app', 'r.test/acme', 'r.test'])
  t.strictSame(usersFor('r.test/acme-evil/app', ...keys), ['r.test'])
  t.strictSame(usersFor('r.test/app', 'https://r.test', 'r.test:443', 'r.test/'), [
    'https_//r.test',
    'r.test_443',
    'r.test/',
  ])
})

t.test('a name that could be a path on Docker Hub is no host', async t => {
  t.strictSame(usersFor('acme/app', 'acme', 'acme/app', 'Acme'), [])
  t.match(complaint({ auths: { acme: login } }), 'a host cannot be read')
})

t.test('wildcards are left out with a reason', async t => {
  for (const key of ['*.r.test', 'r.test/acme/*', '*']) {
    t.strictSame(usersFor('a.r.test/acme/app', key), [], key)
    t.equal(complaint({ auths: { [key]: login } }), 'a host with a wildcard is not supported')
  }
})

t.test('auth goes before user name and password, with padding or without', async t => {
  const parsed = (entry: object) => parse({ 'r.test': entry }).logins[0]?.credential
  const bob = { kind: 'password', username: 'bob', password: 'hunter2' }
  t.strictSame(parsed({ username: 'bob', password: 'hunter2' }), bob)
  t.strictSame(parsed({ username: 'bob', password: 'hunter2', auth: '' }), bob)
  t.strictSame(parsed({ auth: base64('bob:hunter2'), username: 'x', password: 'y', email: 'b@r.test' }), bob)
  t.strictSame(parsed({ auth: `${base64('bob:hunter22').replaceAll('=', '')}\n` }), { ...bob, password: 'hunter22' })
  t.strictSame(parsed({ auth: base64('bob:a:b') }), { ...bob, password: 'a:b' })
  t.strictSame(parsed({ auth: base64('x:y'), identitytoken: 'abc' }), { kind: 'token', token: 'abc' })
})

t.test('the older form has its registries at the top', async t => {
  t.match(parseDockerConfig(bytesOf({ 'r.test': login }), 'dockercfg').logins, [{ registry: 'r.test', path: '' }])
  t.strictSame(parseDockerConfig(bytesOf({}), 'dockerconfigjson'), { logins: [], faults: [] })
})

t.test('what cannot be used is left out, and said in words that repeat nothing of it', async t => {
  const secret = 'hunter2'
  const entries: readonly (readonly [object, string])[] = [
    [{}, 'an entry has no user name and password'],
    [{ username: secret }, 'an entry has no user name and password'],
    [{ auth: base64(secret) }, 'auth has no colon between user name and password'],
    [{ auth: `${secret}!` }, 'auth is not base64'],
    [{ auth: 'aHVud' }, 'auth is not base64'],
    [{ auth: [secret] }, 'auth is no text'],
    [{ username: `a:${secret}`, password: secret }, 'a user name has a colon in it'],
    [{ identitytoken: `${secret}\n` }, 'identitytoken is not visible ASCII'],
    [[secret], 'an entry is no object'],
  ]
  for (const [entry, message] of entries) t.equal(complaint({ auths: { 'r.test': entry, 'x.test': login } }), message)
  t.equal(complaint({ auths: { [`u:${secret}@r.test`]: login } }), 'a host cannot be read as one of an image reference')
  t.equal(complaint({ auths: { 'r.test/A B': login } }), 'a host cannot be read as one of an image reference')
  t.equal(
    complaint({ credsStore: secret, credHelpers: { 'r.test': secret } }),
    'credsStore is not supported; credHelpers is not supported',
  )
})

t.test('a file that readers could read differently, or that is too large, is not read at all', async t => {
  const none = 'none: it is too large, or no JSON that all readers read alike'
  for (const text of [
    '',
    '[]',
    'null',
    '{"auths":{}',
    '{"hunter2":1,"hunter2":2}',
    '{"auths":{"r.test":{"auth":"a","auth":"b"}}}',
  ])
    t.equal(complaint(text), none, text)
  t.equal(complaint({ auths: { 'r.test': { a: { b: { c: 1 } } } } }), none)
  t.equal(complaint({ auths: ['hunter2'] }), 'none: its auths are no object')
  const many = (entries: number) => Object.fromEntries(Array.from({ length: entries }, (_, n) => [`r${n}.test`, {}]))
  t.not(complaint({ auths: many(400) }), none)
  t.equal(complaint({ auths: many(1000) }), none)
  const padded = (bytes: number) => JSON.stringify({ x: '' }).replace('""', `"${'x'.repeat(bytes - 8)}"`)
  t.equal(complaint(padded(DOCKER_CONFIG_BYTES)), '')
  t.equal(complaint(padded(DOCKER_CONFIG_BYTES + 1)), none)
})

t.test('whatever a Secret holds, it is read or refused, and a login is only for what it names', async t => {
  const json = fc.jsonValue().map(value => JSON.stringify(value))
  const keys = fc.dictionary(fc.string(), fc.constant(login)).map(auths => JSON.stringify({ auths }))
  fc.assert(
    fc.property(fc.oneof(json, keys, fc.string()), text => {
      try {
        const { logins } = parseDockerConfig(Buffer.from(text), 'dockerconfigjson')
        return logins.every(({ registry }) => text.toLowerCase().includes(registry) || registry === 'index.docker.io')
      } catch (error) {
        return error instanceof InputError && !(error.cause instanceof Error)
      }
    }),
  )
})
