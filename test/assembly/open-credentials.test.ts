/** What an operator configures, from the files to the verdict, with helpers and providers that are really run. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assembleGate, type GateSettings } from '#assembly/assemble-gate.ts'
import { openCredentials } from '#assembly/open-credentials.ts'
import { InputError } from '#core/domain/input-error.ts'
import { preflight } from '#core/gate/preflight.ts'
import { parseRegistries } from '#core/registry/registries.ts'
import { makePrograms, says } from '#test/core/credentials/make-programs.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makePod, makeSubject } from '#test/support/make-subject.ts'
import { makeKeyPolicy } from '#test/support/webhook-process.ts'

const never = new AbortController().signal
const registry = await startRegistry(t)
const { host } = registry
const data = await registry.key('release')
const { digest } = await registry.image({ repository: 'app' })
await registry.sign({ repository: 'app', digest, key: 'release' })

type Files = { readonly folder: string; readonly write: (name: string, content: unknown) => string }

function makeFiles(t: Test): Files {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const write = (name: string, content: unknown) => {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
    return join(folder, name)
  }
  return { folder, write }
}

/** The verdict on a Pod with the image, and how it is explained. */
async function judge(t: Test, files: Files, settings: Partial<GateSettings>): Promise<string> {
  const policiesDir = join(files.folder, 'policies')
  mkdirSync(policiesDir, { recursive: true })
  files.write('policies/p.json', makeKeyPolicy('p', `${host}/**`, [{ data }]))
  const registriesFile = files.write('registries.json', { registries: [{ host, plainHttp: true }] })
  const { gate, close } = await assembleGate({
    policiesDir,
    registriesFile,
    noMatch: 'deny',
    cacheBytes: 1e6,
    ...settings,
  })
  t.teardown(close)
  const subject = makeSubject({ namespace: 'shop', object: makePod(`${host}/app:v1`) })
  const { verdict } = await preflight(subject, gate, 'matched', never)
  if (verdict.outcome === 'allow') return 'allow'
  return `${verdict.outcome} ${verdict.objections.map(({ because }) => `${because.code}: ${because.detail}`).join()}`
}

for (const mode of ['basic', 'token'] as const) {
  t.test(
    `with ${mode} authentication an image is admitted by Docker's configuration, its helper, and a provider`,
    async t => {
      await registry.auth({ mode, username: 'bob', password: 'hunter2' })
      const files = makeFiles(t)
      const programs = makePrograms(t)
      programs.write('docker-credential-own', says({ Username: 'bob', Secret: 'hunter2' }))
      const environment = { PATH: `${programs.folder}:/usr/bin:/bin` }
      t.match(await judge(t, files, {}), /^undecided registry\.unauthorized/)
      const auths = { [host]: { auth: btoa('bob:hunter2') } }
      t.equal(await judge(t, files, { dockerConfigFile: files.write('auths.json', { auths }) }), 'allow')
      const helped = files.write('helped.json', { credHelpers: { [host]: 'own' } })
      t.equal(await judge(t, files, { dockerConfigFile: helped, environment }), 'allow')
      t.strictSame(programs.runs('docker-credential-own'), [host])
      const response = { kind: 'CredentialProviderResponse', apiVersion: 'credentialprovider.kubelet.k8s.io/v1' }
      const auth = { [host]: { username: 'bob', password: 'hunter2' } }
      programs.write('provider', says({ ...response, cacheKeyType: 'Registry', cacheDuration: '1m', auth }))
      const settings = {
        credentialProvidersFile: files.write('p.yaml', providers(host)),
        credentialProvidersDir: programs.folder,
      }
      t.equal(await judge(t, files, { ...settings, environment }), 'allow')
      t.equal(programs.runs('provider').length, 1)
    },
  )
}

function providers(pattern: string): string {
  return `apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - name: provider
    matchImages: ['${pattern}']
    defaultCacheDuration: 0s
    apiVersion: credentialprovider.kubelet.k8s.io/v1
`
}

t.test('a wrong credential is said to be one, and a helper that is missing to be missing', async t => {
  await registry.auth({ mode: 'basic', username: 'bob', password: 'hunter2' })
  const files = makeFiles(t)
  const auths = { [host]: { auth: btoa('bob:hunter3') } }
  const dockerConfigFile = files.write('c.json', { auths, credHelpers: { [host]: 'gone' } })
  const said = await judge(t, files, { dockerConfigFile, environment: { PATH: '/nowhere' } })
  t.match(
    said,
    /^undecided registry\.unauthorized: .*docker-credential-gone is not in any folder of PATH; that of the docker configuration was not accepted/,
  )
  t.notMatch(said, /hunter/)
})

/** What is wrong with settings, or the warnings about them. */
function complaint(settings: Parameters<typeof openCredentials>[0], list: object = { registries: [] }): string {
  try {
    return `warned: ${openCredentials(
      settings,
      parseRegistries(list, () => 'x'),
    ).warnings.join()}`
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

t.test('a file that is named must be there and be readable, one that is only looked for need not', async t => {
  const files = makeFiles(t)
  const gone = join(files.folder, 'gone.json')
  t.equal(complaint({ dockerConfigFile: gone }), `${gone} cannot be read`)
  t.equal(complaint({ dockerConfigDefault: gone }), 'warned: ')
  const broken = files.write('broken.json', '{"hunter2')
  t.match(complaint({ dockerConfigFile: broken }), `${broken}: it is too large, or no JSON that all readers read alike`)
  t.match(complaint({ dockerConfigDefault: broken }), /^warned: .*broken.json: it is too large/)
  t.match(complaint({ dockerConfigDefault: files.folder }), /^warned: .* cannot be read$/)
  const partly = files.write('partly.json', { auths: { '*.r.test': { auth: btoa('bob:hunter2') } } })
  t.equal(complaint({ dockerConfigFile: partly }), `warned: ${partly}: a host with a wildcard is not supported`)
})

t.test('providers are configured with their folder, and each program is there', async t => {
  const files = makeFiles(t)
  const programs = makePrograms(t)
  const file = files.write('p.yaml', providers('*.r.test'))
  t.match(complaint({ credentialProvidersFile: file }), /the folder of their programs, got one$/)
  t.match(complaint({ credentialProvidersDir: programs.folder }), /got one$/)
  const both = { credentialProvidersFile: file, credentialProvidersDir: programs.folder }
  t.equal(complaint(both), `${file}: expected a program at ${programs.folder}/provider`)
  programs.write('provider', 'true')
  t.equal(complaint(both), 'warned: ')
  files.write('p.yaml', `${providers('*.r.test')}---\n${providers('*.r.test')}`)
  t.match(complaint(both), 'expected one document')
  files.write('p.yaml', providers('r.test/*'))
  t.match(complaint(both), `${file}: providers[0]: matchImages[0]: `)
})

t.test('with pull secrets of the workloads, what would be used for none of them ends the program', async t => {
  const files = makeFiles(t)
  const programs = makePrograms(t)
  programs.write('provider', 'true')
  const docker = (file: object) => ({ dockerConfigFile: files.write('c.json', file), pullSecrets: 'workload' }) as const
  const listed = { registries: [{ host: 'r.test', forAllNamespaces: true }] }
  const auths = { 'r.test': { auth: btoa('bob:hunter2') } }
  t.match(complaint(docker({ auths })), /has a credential for r\.test: .*forAllNamespaces: true/)
  t.match(complaint(docker({ auths }), { registries: [{ host: 'r.test' }] }), /has a credential for r\.test/)
  t.equal(complaint(docker({ auths }), listed), 'warned: ')
  t.match(complaint(docker({ credHelpers: { 'x.test': 'x' } }), listed), /has a credential for x\.test/)
  const providing = {
    credentialProvidersFile: files.write('p.yaml', providers('*.r.test')),
    credentialProvidersDir: programs.folder,
    pullSecrets: 'workload',
  } as const
  for (const settings of [docker({ credsStore: 'x' }), providing]) {
    t.match(complaint(settings), /are used for no registry; list the registry with forAllNamespaces/)
    t.equal(complaint(settings, listed), 'warned: ')
  }
  const clouds = { cloudCredentials: ['aws'] }
  t.match(complaint({ pullSecrets: 'workload' }, { registries: [], ...clouds }), /are used for no registry/)
  t.equal(complaint({ pullSecrets: 'workload' }, { ...listed, ...clouds }), 'warned: ')
  t.equal(complaint({ pullSecrets: 'off' }, { registries: [], ...clouds }), 'warned: ')
  t.throws(() => parseRegistries({ registries: [], cloudCredentials: ['oracle'] }, () => ''), /cloudCredentials/)
})
