import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { parseRealm } from '#core/registry/realm.ts'
import { parseRegistries, registryOf } from '#core/registry/registries.ts'

const secret = { username: 'u', passwordFile: 'p' }

function accepts(host: string, realm: string, entry: object = secret): boolean {
  const registries = parseRegistries({ registries: [{ host, ...entry }] }, () => 'password')
  const [name] = registries.keys()
  try {
    parseRealm(realm, registryOf(registries, name as string))
    return true
  } catch (error) {
    if (error instanceof InputError) return false
    throw error
  }
}

t.test('a credential goes to the registry itself and to its siblings', async t => {
  t.ok(accepts('ghcr.io', 'https://ghcr.io/token'))
  t.ok(accepts('docker.io', 'https://auth.docker.io/token'))
  t.ok(accepts('registry.gitlab.com', 'https://gitlab.com/jwt/auth'))
  t.ok(accepts('registry.example.co.uk', 'https://auth.example.co.uk/token'))
  t.ok(accepts('r.example.com:5000', 'https://r.example.com:5001/auth'))
  t.ok(accepts('10.0.0.5:5000', 'https://10.0.0.5/auth'))
})

t.test('CVE-2026-48978: a credential goes to no host that merely looks related', async t => {
  for (const realm of [
    'https://evil.example/token',
    'https://evil.io/token',
    'https://io/token',
    'https://ghcr.io.evil.example/token',
    'https://evil-ghcr.io/token',
    'https://evilghcr.io/token',
    'https://ghcr.io@evil.example/token',
    'https://user:password@ghcr.io/token',
    'http://ghcr.io/token',
    'ftp://ghcr.io/token',
    'file:///etc/passwd',
    '//ghcr.io/token',
    'ghcr.io/token',
    '',
  ])
    t.notOk(accepts('ghcr.io', realm), realm)
  t.notOk(accepts('docker.io', 'https://evildocker.io/token'))
  t.notOk(accepts('docker.io', 'https://docker.io.evil.example/token'))
})

t.test('what many owners share is nobody’s parent domain', async t => {
  t.notOk(accepts('acme.co.uk', 'https://evil.co.uk/token'))
  t.notOk(accepts('acme.com.au', 'https://evil.com.au/token'))
  t.notOk(accepts('10.0.0.5:5000', 'https://10.0.0.6/token'))
  t.notOk(accepts('10.0.0.5:5000', 'https://evil.0.0.5/token'))
  t.notOk(accepts('[fd00::5]:5000', 'https://[fd00::6]/token'))
})

t.test('the administrator can name further hosts, each whole', async t => {
  const entry = { ...secret, realms: ['auth.other.example', 'a.example:8443'] }
  t.ok(accepts('r.k8s.io', 'https://auth.other.example/token', entry))
  t.ok(accepts('r.k8s.io', 'https://a.example:8443/token', entry))
  t.notOk(accepts('r.k8s.io', 'https://x.auth.other.example/token', entry))
  t.notOk(accepts('r.k8s.io', 'https://other.example/token', entry))
  t.notOk(accepts('r.k8s.io', 'https://a.example/token', entry))
  t.notOk(accepts('r.k8s.io', 'http://auth.other.example/token', entry))
})

t.test('without TLS a credential goes to the very host that is listed so', async t => {
  const plain = { ...secret, plainHttp: true }
  t.ok(accepts('127.0.0.1:5000', 'http://127.0.0.1:5001/token', plain))
  t.notOk(accepts('r.example.com:5000', 'http://auth.example.com/token', plain))
  t.notOk(accepts('r.example.com:5000', 'http://x.example/token', { ...plain, realms: ['x.example'] }))
  t.ok(accepts('r.example.com:5000', 'https://auth.example.com/token', plain))
})

t.test('who has no credential may ask any token service, but by https', async t => {
  t.ok(accepts('public.example', 'https://anywhere.example/token', {}))
  t.notOk(accepts('public.example', 'http://169.254.169.254/token', {}))
  t.notOk(accepts('public.example', 'http://public.example/token', {}))
})
