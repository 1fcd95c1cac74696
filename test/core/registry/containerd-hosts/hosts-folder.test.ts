import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { registryOf } from '#core/registry/registries.ts'
import { makeAuthority } from '../make-certificate.ts'
import { parse } from '../make-client.ts'

const authority = await makeAuthority()
const other = await makeAuthority()
const { cert, key } = await authority.issue({ dns: 'client.example' })
const second = await authority.issue({ dns: 'second.example' })
const files = { '/pem/ca.pem': authority.pem, '/pem/other.pem': other.pem, '/pem/cert': cert, '/pem/key': key, p: 'x' }

type Texts = Readonly<Record<string, string>>
const read = (hosts: Texts, ...entries: readonly object[]) => parse(entries, { files, hosts })
const complaint = (hosts: Texts, ...entries: readonly object[]): string => {
  try {
    read(hosts, ...entries)
    return 'accepted'
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}
/** One registry with one file. */
const hub = (text: string, ...entries: readonly object[]) =>
  registryOf(read({ 'docker.io/hosts.toml': text }, ...entries), 'index.docker.io')
const hubComplaint = (text: string, ...entries: readonly object[]) =>
  complaint({ 'docker.io/hosts.toml': text }, ...entries)
const placesOf = ({ mirrors }: ReturnType<typeof hub>) => mirrors.map(({ reach, path }) => `${reach.origin}${path}`)

t.test('folders are named by host, with a port in either spelling, and each host is listed', async t => {
  const registries = read({
    'docker.io/hosts.toml': 'server = "https://docker.io"',
    'r.example:5000/hosts.toml': '',
    'port.example_5000_/hosts.toml': '',
    'GHCR.io/ca.crt': authority.pem,
    '[2001:db8::5]:5000/ca.crt': authority.pem,
    '..data/hosts.toml': 'not = read',
    README: 'no folder',
    'pem/ca.pem': 'a folder that is named by no host',
  })
  t.strictSame([...registries.keys()].toSorted(), [
    '[2001:db8::5]:5000',
    'ghcr.io',
    'index.docker.io',
    'port.example:5000',
    'r.example:5000',
  ])
  t.ok([...registries.values()].every(({ isListed }) => isListed))
  t.equal(registryOf(registries, 'index.docker.io').origin, 'https://registry-1.docker.io')
  t.equal(registryOf(registries, 'other.example').isListed, false)
})

t.test('a folder that cannot be what it seems is refused by its name', async t => {
  t.match(complaint({ 'docker/hosts.toml': '' }), /^containerdHosts: \/certs\.d\/docker: expected a host/)
  t.match(complaint({ '1.2.3/hosts.toml': '' }), /^containerdHosts: \/certs\.d\/1\.2\.3: 1\.2\.3 is not the name/)
  for (const twice of [
    { 'docker.io/hosts.toml': '', 'index.docker.io/hosts.toml': '' },
    { 'r.example:5000/a': '', 'r.example_5000_/a': '' },
  ])
    t.match(complaint(twice), /^containerdHosts: \/certs\.d\/.*: another folder is one of .*, too/)
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`r${index}.example/a`, '']))
  t.match(complaint(many), /expected at most 1000 folders in \/certs\.d, got 1001/)
  delete many['r0.example/a']
  t.equal(complaint(many), 'accepted')
  t.match(
    complaint({ 'r.example/hosts.toml/x': '' }),
    /containerdHosts: file: "\/certs\.d\/r\.example\/hosts\.toml" cannot be/,
  )
})

t.test('hosts are asked in the order of the file, by the addresses that containerd makes of theirs', async t => {
  const registry = hub(`
    [host."https://z.example"]
    [host."b.example:5000/"]
    [host."https://c.example/v2"]
    [host."https://d.example/us"]
  `)
  t.strictSame(placesOf(registry), [
    'https://z.example/v2',
    'https://b.example:5000/v2',
    'https://c.example/v2',
    'https://d.example/us/v2',
  ])
  t.equal(registry.standIn, undefined)
  t.strictSame(
    placesOf(
      hub(`
      [host."https://a.example/v2/hub/"]
      override_path = true
      [host."https://b.example"]
      override_path = true
      [host."https://a.example/v2"]
      override_path = false
    `),
    ),
    ['https://a.example/v2/hub', 'https://b.example', 'https://a.example/v2'],
  )
  for (const address of [
    'ftp://m.example',
    'https://u:hunter2@m.example',
    'https://m.example/v2?x',
    'https://m.example/#x',
    'https://m.example/%41',
    'https://m.example//v2',
    'https://mirror',
    'http://m.example:443',
    'https://',
    '',
  ])
    t.match(
      hubComplaint(`[host."${address}"]`),
      /^containerdHosts: \/certs.d\/docker.io\/hosts.toml:1: host\."/,
      address,
    )
})

t.test('a host is trusted with what its capabilities say, and one without pull is not asked', async t => {
  const { mirrors } = hub(`
    [host."https://all.example"]
    [host."https://none.example"]
    capabilities = []
    [host."https://pull.example"]
    capabilities = ["Pull", "push", "referrers"]
    [host."https://push.example"]
    capabilities = ["push"]
    [host."https://resolve.example"]
    capabilities = ["resolve", "push"]
  `)
  t.strictSame(
    mirrors.map(({ reach, capabilities }) => [reach.name, ...capabilities]),
    [
      ['all.example', 'pull', 'resolve'],
      ['none.example', 'pull', 'resolve'],
      ['pull.example', 'pull'],
    ],
  )
  t.match(
    hubComplaint('\n[host."https://m.example"]\ncapabilities = ["pull", "mount"]'),
    /hosts.toml:3: host."https:\/\/m.example".capabilities: expected pull, resolve, push or referrers, got "mount"$/,
  )
})

t.test('four hosts are asked at most', async t => {
  const tables = (count: number) => Array.from({ length: count }, (_, i) => `[host."https://m${i}.example"]`).join('\n')
  t.equal(hubComplaint(tables(4)), 'accepted')
  t.match(hubComplaint(tables(5)), /hosts.toml:5: host."https:\/\/m4.example": expected at most 4 hosts, got 5$/)
})

t.test('authorities are a file or a list of files, beside the hosts.toml or by their whole path', async t => {
  const hosts = {
    'docker.io/hosts.toml': '[host."https://m.example"]\nca = ["ca.pem", "/pem/other.pem"]',
    'docker.io/ca.pem': authority.pem,
    'r.example/hosts.toml': 'ca = "../docker.io/ca.pem"',
  }
  const registries = read(hosts)
  t.equal(registries.get('index.docker.io')?.mirrors[0]?.reach.authorities, `${authority.pem}\n${other.pem}`)
  t.equal(registries.get('index.docker.io')?.authorities, undefined)
  t.equal(registries.get('r.example')?.authorities, authority.pem)
  t.match(hubComplaint('ca = "gone"'), /hosts.toml:1: ca: file: "\/certs.d\/docker.io\/gone" cannot be read$/)
  t.match(hubComplaint('ca = "/pem/key"'), /hosts.toml:1: ca: file: expected certificates in PEM in "\/pem\/key"$/)
  t.match(hubComplaint('ca = 5'), /hosts.toml:1: ca: expected the path of a file, or a list of them$/)
})

t.test('a certificate of ours is a file with its key in it, or a pair of files', async t => {
  const both = `${key}\n${cert}`
  const shown = (client: string) =>
    read({ 'r.example/hosts.toml': `client = ${client}`, 'r.example/both.pem': both }).get('r.example')
      ?.clientCertificate
  t.strictSame(shown('[["/pem/cert", "/pem/key"]]'), { cert, key })
  for (const one of ['"both.pem"', '["both.pem"]', '[["both.pem", ""]]'])
    t.strictSame(shown(one), { cert: both, key: both }, one)
  t.equal(shown('[]'), undefined)
  t.match(
    hubComplaint('client = ["/pem/cert", "/pem/key"]'),
    /:1: client: expected one certificate, got 2; .*\[\["client/,
  )
  t.match(
    hubComplaint('client = "/pem/cert"'),
    /:1: client: key: expected a private key in PEM, not encrypted, in "\/pem/,
  )
  t.match(hubComplaint('client = [["a", "b", "c"]]'), /:1: client: expected the path of a file, or a list of one pair/)
  t.match(
    hubComplaint('client = [["gone", ""]]'),
    /:1: client: certificate: "\/certs.d\/docker.io\/gone" cannot be read$/,
  )
})

t.test('a time that a connection may take is read as Go writes it', async t => {
  const dialMs = (text: string) => hub(`[host."https://m.example"]\ndial_timeout = "${text}"`).mirrors[0]?.reach.dialMs
  t.strictSame(['200ms', '1s', '1m30s', '.5s', '1.5s', '1ns', '+2s', '0', '0s', ''].map(dialMs), [
    200,
    1000,
    90_000,
    500,
    1500,
    1,
    2000,
    undefined,
    undefined,
    undefined,
  ])
  for (const bad of ['1', 's', '-1s', '1 s', '1d', '1s.', `${'1'.repeat(60)}s`])
    t.match(hubComplaint(`dial_timeout = "${bad}"`), /hosts.toml:1: dial_timeout: expected a time such as/, bad)
})

t.test('what Shedu will not do is refused with file, line, field and remedy', async t => {
  const table = '[host."https://m.example"]\n'
  for (const [text, message] of [
    ['skip_verify = true', /:1: skip_verify: expected false, .*under ca$/],
    [`${table}skip_verify = true`, /:2: host."https:\/\/m.example".skip_verify: expected false/],
    ['\n[header]\nx = "y"', /:2: header: expected none, .*registries file/],
    [`${table}[host."https://m.example".header]\nx = ["y"]`, /:2: host."https:\/\/m.example".header: expected none/],
    ['proxy = "http://p.example"', /:1: proxy: expected none, .*HTTPS_PROXY/],
    [`${table}proxy = "http://p.example"`, /:2: host."https:\/\/m.example".proxy: expected none/],
    [`${table}[host."https://m.example".rewrite]\n"^a" = "b"`, /:2: .*rewrite: expected none, .*under rewrites$/],
    ['[host."http://m.example"]', /:1: host."http:\/\/m.example": expected https:.* list m.example:80 with plainHttp/],
    ['server = "http://m.example:5000"', /:1: server: expected https:.* list m.example:5000 with plainHttp: true/],
    ['server = "http://docker.io"', /:1: server: expected https:/],
    ['capabilites = ["pull"]', /:1: capabilites: this is no field that is known here$/],
    [`${table}sever = "x"`, /:2: host."https:\/\/m.example".sever: this is no field that is known here$/],
    [
      `${table}server = "x"`,
      /:2: host."https:\/\/m.example".server: this is no .*, it belongs above the first \[host\]$/,
    ],
    [`${table}[host."https://m.example".host."x"]`, /:2: host."https:\/\/m.example".host: this is no field/],
    ['server = 5', /:1: server: /],
    ['skip_verify = "false"', /:1: skip_verify: /],
    ['host = 5', /:1: host: /],
    ['[host]\n"https://m.example" = 5', /:2: host."https:\/\/m.example": /],
    ['[[host]]', /:1: host: /],
    [
      'server = "https://m.example"\ncapabilities = ["pull"]',
      /:2: capabilities: expected pull and resolve of the server/,
    ],
    ['server = "https://docker.io"\ncapabilities = ["pull"]', /:2: capabilities: expected pull and resolve/],
    ['server', /:1: this is not TOML/],
  ] as const) {
    t.match(hubComplaint(text), message, text)
    t.match(hubComplaint(text), /^containerdHosts: \/certs.d\/docker.io\/hosts.toml:/, text)
  }
  t.equal(hubComplaint(`skip_verify = false\n${table}skip_verify = false`), 'accepted')
})

t.test('who is listed as plain is spoken to in plain, and is shown and asked for no certificate', async t => {
  const listed = { host: 'm.example:5000', plainHttp: true }
  const plain = '[host."http://m.example:5000"]'
  t.strictSame(placesOf(hub(plain, listed)), ['http://m.example:5000/v2'])
  t.match(hubComplaint(plain, { host: 'm.example:5000' }), /expected https:/)
  t.match(hubComplaint(plain, { host: 'm.example:5001', plainHttp: true }), /expected https:/)
  t.match(hubComplaint(`${plain}\nca = "/pem/ca.pem"`, listed), /:2: .*\.ca: expected no certificate where nothing is/)
  t.match(
    hubComplaint(`${plain}\nclient = [["/pem/cert", "/pem/key"]]`, listed),
    /:2: .*\.client: expected no certificate/,
  )
  const port80 = { host: 'm.example', plainHttp: true }
  t.strictSame(placesOf(hub('[host."http://m.example"]', port80)), ['http://m.example/v2'])
  const own = (text: string) => ({ 'm.example/hosts.toml': text })
  t.equal(read(own('server = "http://m.example"'), port80).get('m.example')?.origin, 'http://m.example')
  t.match(
    complaint(own('server = "http://m.example"')),
    /:1: server: expected https:.* list m.example with plainHttp: true/,
  )
  t.match(
    complaint(own('server = "https://m.example"'), port80),
    /:1: server: expected http:\/\/m.example, for the registries/,
  )
})

t.test('a host is one that the registry itself is, and what is said of it is said of the registry', async t => {
  const text = `
    server = "https://docker.io"
    ca = "/pem/other.pem"
    [host."https://m.example"]
    [host."https://registry-1.docker.io"]
    capabilities = ["pull"]
    ca = "/pem/ca.pem"
    client = [["/pem/cert", "/pem/key"]]
    dial_timeout = "1s"
  `
  const registry = hub(text)
  t.strictSame(placesOf(registry), ['https://m.example/v2'])
  t.match(registry, {
    authorities: `${authority.pem}\n${other.pem}`,
    clientCertificate: { cert },
    dialMs: 1000,
    standIn: undefined,
  })
  t.match(
    hubComplaint('[host."https://docker.io"]\n[host."https://m.example"]'),
    /:2: host."https:\/\/m.example": expected nobody after index.docker.io itself, whose word is the last/,
  )
  t.match(hubComplaint('server = "https://m.example"\n[host."https://docker.io"]'), /:1: server: expected nobody after/)
  const pair = (name: string) => `client = [["/certs.d/docker.io/${name}", "/certs.d/docker.io/${name}.key"]]`
  const two = { 'docker.io/a': cert, 'docker.io/a.key': key, 'docker.io/b': second.cert, 'docker.io/b.key': second.key }
  const both = (one: string, another: string) =>
    complaint({ ...two, 'docker.io/hosts.toml': `${pair(one)}\n[host."https://docker.io"]\n${pair(another)}` })
  t.match(both('a', 'b'), /:1: client: expected one certificate for this host, and another is named for it elsewhere$/)
  t.equal(both('a', 'a'), 'accepted')
})

t.test('a server that is another host stands in for the registry', async t => {
  const registry = hub('server = "https://m.example/hub"\nca = "/pem/ca.pem"\n[host."https://first.example"]')
  t.strictSame(placesOf(registry), ['https://first.example/v2'])
  t.match(registry.standIn, { path: '/hub/v2', reach: { origin: 'https://m.example', authorities: authority.pem } })
  t.equal(registry.authorities, undefined)
  t.match(
    hubComplaint('server = "https://m.example"', { host: 'docker.io' }),
    /:1: server: expected index.docker.io itself, for the registries file lists it/,
  )
})

t.test('_default is for registries that have no folder and are not listed', async t => {
  const registries = read(
    {
      '_default/hosts.toml': '[host."https://m.example"]',
      'ghcr.io/hosts.toml': '',
    },
    { host: 'listed.example' },
  )
  const mirrorsOf = (name: string) => placesOf(registryOf(registries, name))
  t.strictSame(mirrorsOf('other.example'), ['https://m.example/v2'])
  t.strictSame(mirrorsOf('index.docker.io'), ['https://m.example/v2'])
  t.strictSame(mirrorsOf('ghcr.io'), [])
  t.strictSame(mirrorsOf('listed.example'), [])
  t.strictSame(mirrorsOf('m.example'), [], 'nobody is a mirror of himself')
  t.equal(registryOf(registries, 'm.example').isListed, true)
  t.equal(registryOf(registries, 'other.example').isListed, false)
})

t.test('_default may name one host in place of all', async t => {
  const registries = read({ '_default/hosts.toml': 'server = "https://all.example"\nca = "/pem/ca.pem"' })
  t.equal(registryOf(registries, 'other.example').standIn?.reach.authorities, authority.pem)
  t.match(registryOf(registries, 'all.example'), { standIn: undefined, isListed: true, authorities: authority.pem })
  for (const field of ['ca = "/pem/ca.pem"', 'client = [["/pem/cert", "/pem/key"]]', 'dial_timeout = "1s"'])
    t.match(
      complaint({ '_default/hosts.toml': field }),
      /_default\/hosts.toml:1: \w+: expected a server beside it/,
      field,
    )
  t.match(complaint({ '_default/ca.crt': authority.pem }), /\/certs.d\/_default: ca: expected a server beside it/)
})

t.test('of several folders, the first that says something of a registry is the one', async t => {
  const hosts = {
    '/a/docker.io/hosts.toml': '[host."https://a.example"]',
    '/b/docker.io/hosts.toml': '[host."https://b.example"]',
    '/b/ghcr.io/hosts.toml': '[host."https://b.example"]',
    '/b/_default/hosts.toml': '[host."https://default.example"]',
    '/c/quay.io/hosts.toml': '[host."https://c.example"]',
  }
  const mirrorOf = (containerdHosts: string, name: string) =>
    placesOf(registryOf(parse([], { hosts, common: { containerdHosts } }), name))[0]
  t.equal(mirrorOf('/a:/b:/c', 'index.docker.io'), 'https://a.example/v2')
  t.equal(mirrorOf('/b:/a', 'index.docker.io'), 'https://b.example/v2')
  t.equal(mirrorOf('/a:/b', 'ghcr.io'), 'https://b.example/v2')
  t.equal(mirrorOf('/a:/b:/c', 'quay.io'), 'https://default.example/v2')
  t.equal(mirrorOf('/a:/c:/b', 'quay.io'), 'https://c.example/v2')
})

t.test('without a hosts.toml, certificates lie there as Docker has them', async t => {
  const registry = read({
    'r.example/ca.crt': authority.pem,
    'r.example/b.crt': other.pem,
    'r.example/client.cert': cert,
    'r.example/client.key': key,
    'r.example/hosts.toml': '',
    'r.example/ignored.pem': 'x',
  }).get('r.example')
  t.equal(registry?.authorities, `${other.pem}\n${authority.pem}`)
  t.strictSame(registry?.clientCertificate, { cert, key })
  const own = read({ 'r.example/both.cert': `${cert}\n${key}` }).get('r.example')?.clientCertificate
  t.equal(own?.cert, `${cert}\n${key}`)
  const two = { 'r.example/a.cert': cert, 'r.example/a.key': key, 'r.example/b.cert': cert, 'r.example/b.key': key }
  t.match(complaint(two), /^containerdHosts: \/certs.d\/r.example: client: expected one certificate, got 2/)
  const withFile = read({ 'r.example/ca.crt': authority.pem, 'r.example/hosts.toml': '# nothing' }).get('r.example')
  t.equal(withFile?.authorities, undefined, 'where there is a hosts.toml, it alone counts')
})

t.test('of a host in the registries file, the file says as whom, and the two may not say the same', async t => {
  const entry = {
    host: 'docker.io',
    username: 'bob',
    passwordFile: 'p',
    realms: ['auth.example'],
    caFile: '/pem/ca.pem',
  }
  const registry = hub('ca = "/pem/other.pem"\n[host."https://m.example"]', entry)
  t.match(registry, {
    authorities: `${authority.pem}\n${other.pem}`,
    credential: { kind: 'password', username: 'bob' },
    realms: ['auth.example'],
  })
  t.match(registry.mirrors, [{ reach: { name: 'm.example', credential: { kind: 'anonymous' }, realms: [] } }])
  t.match(
    hubComplaint('\n[host."https://m.example"]', { ...entry, mirrors: [{ host: 'n.example' }] }),
    /:2: host."https:\/\/m.example": the registries file lists mirrors of index.docker.io, too/,
  )
  t.strictSame(placesOf(hub('ca = "/pem/other.pem"', { ...entry, mirrors: [{ host: 'n.example' }] })), [
    'https://n.example/v2',
  ])
  t.match(
    complaint(
      { 'r.example/client.cert': second.cert, 'r.example/client.key': second.key },
      { host: 'r.example', certFile: '/pem/cert', keyFile: '/pem/key' },
    ),
    /\/certs.d\/r.example: client: expected one certificate for this host, and another is named for it elsewhere$/,
  )
})

t.test(
  'a mirror of the folder has a credential only if the registries file lists that host, scheme and port',
  async t => {
    const credentialOf = (address: string, entry: object) =>
      hub(`[host."${address}"]`, { username: 'bob', passwordFile: 'p', ...entry }).mirrors[0]?.reach.credential.kind
    t.equal(credentialOf('https://m.example', { host: 'm.example' }), 'password')
    t.equal(credentialOf('https://m.example/us', { host: 'm.example' }), 'password')
    t.equal(credentialOf('https://m.example:5000', { host: 'm.example' }), 'anonymous')
    t.equal(credentialOf('https://m.example:5000', { host: 'm.example:5000', plainHttp: true }), 'anonymous')
    t.equal(credentialOf('https://m.example', { host: 'docker.io' }), 'anonymous')
    t.equal(credentialOf('https://m.example.evil.example', { host: 'm.example' }), 'anonymous')
    const mirrorOf = { host: 'r.example', mirrors: [{ host: 'm.example', username: 'mia', passwordFile: 'p' }] }
    t.equal(credentialOf('https://m.example', mirrorOf), 'anonymous', 'a credential for a mirror is for that registry')
  },
)

t.test('loopback and link-local addresses of the folder are the node’s, and strangers here', async t => {
  const addresses = ['localhost:5000', '127.0.0.1:5000', '169.254.169.254', '[::1]:5000', '[fe80::1]', 'x.localhost']
  for (const address of addresses) {
    t.equal(hub(`[host."https://${address}"]`).mirrors[0]?.reach.isListed, false, address)
    t.equal(hub(`[host."https://${address}"]`, { host: address }).mirrors[0]?.reach.isListed, true, address)
    t.equal(read({ [`${address}/ca.crt`]: authority.pem }).get(address)?.isListed, false, address)
  }
  for (const address of ['10.0.0.1', '192.168.0.1:5000', '[fd00::1]', 'localhost.example'])
    t.equal(hub(`[host."https://${address}"]`).mirrors[0]?.reach.isListed, true, address)
})
