/** What a folder of hosts.toml files means to containerd's own code, and that it means the same here. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { readRegistries } from '#assembly/read-registries.ts'
import type { Mirror } from '#core/registry/mirrors.ts'
import type { Registries } from '#core/registry/registries.ts'
import { registryOf } from '#core/registry/registries.ts'
import { parseRegistryName } from '#core/registry/registry-name.ts'
import { makeAuthority } from '../core/registry/make-certificate.ts'
import { makeRunner } from '../stack/make-runner.ts'

type Host = {
  readonly origin: string
  readonly path: string
  readonly pull: boolean
  readonly resolve: boolean
  readonly certificates: number
  readonly authorities: number
}

const authority = await makeAuthority()
const { cert, key } = await authority.issue({ dns: 'client.example' })

/** By the name of the folder: what lies in it. A pair with an empty key is documented, and read here; containerd 2.2 takes the folder for the key. */
const FOLDERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docker.io': {
    'hosts.toml': `
      server = "https://registry-1.docker.io"
      [host."https://b.example"]
        capabilities = ["pull"]
        ca = "ca.pem"
      [host."https://a.example:5000/"]
        capabilities = ["pull", "resolve", "push", "referrers"]
      [host."http://plain.example:5000"]
      [host."https://c.example/us"]
        capabilities = []
        dial_timeout = "1s"
    `,
    'ca.pem': authority.pem,
  },
  'path.example': {
    'hosts.toml': `
      [host."https://a.example/v2"]
      [host."https://b.example/v2/hub/"]
        override_path = true
      [host."https://c.example"]
        override_path = true
      [host."d.example:8443/x/v2"]
        skip_verify = false
    `,
  },
  'certificates.example': {
    'hosts.toml': `
      ca = ["ca.pem"]
      client = [["client.cert", "client.key"]]
      [host."https://both.example"]
        client = "both.pem"
      [host."https://list.example"]
        client = ["both.pem"]
    `,
    'ca.pem': authority.pem,
    'client.cert': cert,
    'client.key': key,
    'both.pem': `${cert}\n${key}`,
  },
  'elsewhere.example': { 'hosts.toml': 'server = "https://a.example/mirror"\nca = "../docker.io/ca.pem"' },
  'itself.example': { 'hosts.toml': 'server = "itself.example"\noverride_path = false' },
  'port.example_5000_': { 'hosts.toml': '[host."https://a.example"]' },
  'colon.example:5000': { 'hosts.toml': '[host."https://a.example"]' },
  'docker.example': { 'ca.crt': authority.pem, 'client.cert': cert, 'client.key': key, 'hosts.toml': '' },
  'empty.example': {},
  _default: {
    'hosts.toml': '[host."https://default.example"]\n[host."https://push.example"]\ncapabilities = ["push"]',
  },
}

/** By their names in an image reference; the last has no folder. */
const REGISTRIES = [
  'docker.io',
  'path.example',
  'certificates.example',
  'elsewhere.example',
  'itself.example',
  'port.example:5000',
  'colon.example:5000',
  'docker.example',
  'empty.example',
  'nobody.example',
]

t.test(
  'the same hosts are asked in the same order, at the same addresses, for the same and with the same trust',
  async t => {
    const { run, folder } = await makeRunner(t, 'containerd-hosts')
    const hosts = join(folder, 'certs.d')
    for (const [name, files] of Object.entries(FOLDERS)) {
      await mkdir(join(hosts, name), { recursive: true })
      for (const [file, text] of Object.entries(files)) await writeFile(join(hosts, name, file), text)
    }
    const file = join(folder, 'registries.json')
    await mkdir(dirname(file), { recursive: true })
    const plain = { host: 'plain.example:5000', plainHttp: true }
    await writeFile(file, JSON.stringify({ registries: [plain], containerdHosts: hosts }))
    const registries = readRegistries(file)
    const { stdout } = await run([hosts, ...REGISTRIES])
    const theirs = JSON.parse(stdout) as Readonly<Record<string, readonly Host[]>>
    // A host that may only be pushed to is asked by nobody who pulls.
    for (const name of REGISTRIES)
      t.strictSame(
        hostsOf(registries, name),
        theirs[name]?.filter(({ pull }) => pull),
        name,
      )
  },
)

function hostsOf(registries: Registries, name: string): readonly Host[] {
  const registry = registryOf(registries, parseRegistryName(name))
  const itself: Mirror = { reach: registry, path: '/v2', capabilities: ['pull', 'resolve'] }
  return [...registry.mirrors, registry.standIn ?? itself].map(({ reach, path, capabilities }) => ({
    origin: reach.origin,
    path,
    pull: capabilities.includes('pull'),
    resolve: capabilities.includes('resolve'),
    certificates: reach.clientCertificate === undefined ? 0 : 1,
    authorities: (reach.authorities ?? '').split('BEGIN CERTIFICATE').length - 1,
  }))
}
