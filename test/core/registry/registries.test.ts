import fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { credentialName } from '#core/registry/credential.ts'
import { parseRegistries, registryOf } from '#core/registry/registries.ts'
import { makeAuthority } from './make-certificate.ts'

const files: Record<string, string> = {
  password: 'hunter2\n',
  crlf: 'hunter2\r\n',
  two: 'one\ntwo',
  empty: '\n',
  'ca.pem': (await makeAuthority()).pem,
}
const read = (path: string) => {
  const content = files[path]
  if (content === undefined) throw new Error(`ENOENT: ${path}`)
  return content
}
const parse = (...registries: readonly unknown[]) => parseRegistries({ registries }, read)
const complaint = (value: unknown): string => {
  try {
    parseRegistries(value, read)
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
  return 'accepted'
}
const complaintOf = (entry: object): string => complaint({ registries: [{ host: 'r.example', ...entry }] })

t.test('a registry that is not listed is reached by https as nobody', async t => {
  t.strictSame(registryOf(parse(), 'ghcr.io'), {
    name: 'ghcr.io',
    origin: 'https://ghcr.io',
    isListed: false,
    authorities: undefined,
    clientCertificate: undefined,
    credential: { kind: 'anonymous' },
    isForAllNamespaces: false,
    realms: [],
    rate: undefined,
    dialMs: undefined,
    mirrors: [],
    standIn: undefined,
  })
})

t.test('Docker Hub is reached where its registry is', async t => {
  t.equal(registryOf(parse(), 'index.docker.io').origin, 'https://registry-1.docker.io')
  for (const host of ['docker.io', 'index.docker.io', 'registry-1.docker.io', 'DOCKER.io:443']) {
    const listed = parse({ host, username: 'u', passwordFile: 'password' })
    t.strictSame([...listed.keys()], ['index.docker.io'], host)
  }
})

t.test('a host is spelt and normalised as in an image reference', async t => {
  t.strictSame(
    [...parse({ host: 'GHCR.io:443' }, { host: '127.0.0.1:5000' }, { host: '[::1]:5000' }).keys()],
    ['ghcr.io', '127.0.0.1:5000', '[::1]:5000'],
  )
  t.equal(parse({ host: 'r.example:80', plainHttp: true }).get('r.example:80')?.origin, 'http://r.example')
  for (const host of [
    'https://ghcr.io',
    'ghcr.io/acme',
    'ghcr',
    '',
    'u@ghcr.io',
    'ghcr.io:0',
    'gһcr.io',
    '1.2.3',
    '0x7f.1',
  ])
    t.match(complaint({ registries: [{ host }] }), /^registries\[0\]: host: /, host)
  t.match(complaint({ registries: [{ host: 'a.io' }, { host: 'A.IO:443' }] }), 'registries[1]: a.io is listed twice')
})

t.test('a credential belongs to the whole name of its registry and to no part of one', async t => {
  const registries = parse({ host: 'ghcr.io', username: 'u', passwordFile: 'password' })
  t.equal(registryOf(registries, 'ghcr.io').credential.kind, 'password')
  for (const name of ['cr.io', 'ghcr.io.evil.example', 'ghcr.io:444', 'x.ghcr.io', 'hcr.io'])
    t.equal(registryOf(registries, name).credential.kind, 'anonymous', name)
})

t.test('a name that a URL reads as an address is nobody', async t => {
  for (const name of ['1.2.3', '0x7f.1', 'a.5', '2130706433.', '[::0001]'])
    t.equal(registryOf(parse(), name).origin, 'https://registry.invalid', name)
})

t.test('every field that is unknown, missing or of another type is named, and none is let pass', async t => {
  t.match(complaintOf({ plainHtp: true }), /^registries\[0\]: .*plainHtp/)
  t.match(complaintOf({ password: 'hunter2' }), /^registries\[0\]: .*"password"/)
  t.match(complaintOf({ plainHttp: 'yes' }), /^registries\[0\]\.plainHttp: /)
  t.match(complaintOf({ realms: [5] }), /^registries\[0\]\.realms\[0\]: /)
  t.match(complaint({ registries: [{}] }), /^registries\[0\]\.host: /)
  t.match(complaint({}), /^registries: /)
  for (const nothing of [null, undefined, [], 'x']) t.match(complaint(nothing), /^the list of registries: /)
  t.match(complaint({ registries: [], extra: 1 }), /extra/)
})

t.test('a credential is a name with a password, or a token, and not half of either', async t => {
  const credential = (entry: object) => parse({ host: 'r.example', ...entry }).get('r.example')?.credential
  const bob = { kind: 'password', username: 'bob', password: 'hunter2' }
  t.strictSame(credential({ username: 'bob', passwordFile: 'password' }), bob)
  t.strictSame(credential({ username: 'bob', passwordFile: 'crlf' }), bob)
  t.strictSame(credential({ tokenFile: 'password' }), { kind: 'token', token: 'hunter2' })
  t.match(complaintOf({ username: 'bob' }), /passwordFile: expected one beside username/)
  t.match(complaintOf({ passwordFile: 'password' }), /username: expected one beside passwordFile/)
  t.match(complaintOf({ tokenFile: 'password', username: 'bob' }), /tokenFile: expected no username/)
  t.match(complaintOf({ username: 'bob:x', passwordFile: 'password' }), /username: expected no colon/)
  t.match(complaintOf({ username: 'bob', passwordFile: 'empty' }), /passwordFile: .*empty file/)
  t.match(complaintOf({ username: 'bob', passwordFile: 'gone' }), /passwordFile: "gone" cannot be read/)
})

t.test('the realms of a registry are hosts as a URL writes them', async t => {
  t.strictSame(parse({ host: 'r.example', realms: ['auth.example', 'a.example:8443'] }).get('r.example')?.realms, [
    'auth.example',
    'a.example:8443',
  ])
  for (const realm of [
    'https://auth.example',
    'Auth.example',
    'auth.example/token',
    'auth.example:443',
    '',
    'u@a.example',
  ])
    t.match(complaintOf({ realms: [realm] }), /realms: expected a lower-case host/, realm)
})

t.test('certificates are read when the list is', async t => {
  t.equal(parse({ host: 'r.example', caFile: 'ca.pem' }).get('r.example')?.authorities, files['ca.pem'])
  t.match(complaintOf({ caFile: 'password' }), /caFile: expected certificates in PEM in "password"/)
  t.match(complaintOf({ caFile: 'gone' }), /caFile: "gone" cannot be read/)
  const pem = files['ca.pem'] ?? ''
  files['three.pem'] = `# the first\n${pem}\n# the second\n${pem}\n${pem}`
  t.equal(complaintOf({ caFile: 'three.pem' }), 'accepted')
  files['torn.pem'] = `${pem}\n${pem.slice(0, -60)}`
  t.match(complaintOf({ caFile: 'torn.pem' }), /caFile: expected certificates in PEM in "torn.pem"/)
})

t.test('reserved networks are networks, and the wrong one is named', async t => {
  t.strictSame(parseRegistries({ registries: [], reservedNetworks: ['192.0.2.0/24'] }, read).common.reservedNetworks, [
    ['192.0.2.0', 24],
  ])
  t.match(
    complaint({ registries: [], reservedNetworks: ['192.0.2.0/24', '10.0.0.1'] }),
    /^reservedNetworks\[1\]: expected a network such as/,
  )
})

t.test('no secret shows in a complaint or in the name of a credential', async t => {
  files['bad-token'] = 'hunter2 \u0007'
  const entries = [{ tokenFile: 'two' }, { tokenFile: 'bad-token' }, { caFile: 'password' }, { password: 'hunter2' }]
  for (const entry of entries) t.notMatch(complaintOf(entry), /hunter2|one\ntwo/)
  t.match(credentialName({ kind: 'token', token: 'hunter2' }), /^token:[0-9a-f]{64}$/)
  t.equal(credentialName({ kind: 'anonymous' }), 'anonymous')
  const names = fc.string({ minLength: 1, unit: 'grapheme-ascii' })
  fc.assert(
    fc.property(names, names, (username, password) => {
      const name = credentialName({ kind: 'password', username, password })
      return /^password:[0-9a-f]{64}$/.test(name)
    }),
  )
})

t.test('two credentials have one name exactly when they are the same, secret included', async t => {
  const name = (username: string, password: string) => credentialName({ kind: 'password', username, password })
  t.equal(name('bob', 'hunter2'), name('bob', 'hunter2'))
  const others = [name('bob', 'hunter3'), name('alice', 'hunter2'), name('bo', 'bhunter2'), name('bob,', 'hunter2')]
  t.equal(new Set([name('bob', 'hunter2'), ...others, credentialName({ kind: 'token', token: 'hunter2' })]).size, 6)
})

t.test('a host that is written as an address is told so', async t => {
  const read = () => ''
  t.throws(
    () => parseRegistries({ registries: [{ host: 'https://ghcr.io' }] }, read),
    /write the host without https:\/\//,
  )
})
