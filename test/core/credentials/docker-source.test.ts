import t from 'tap'
import { makeDockerSource } from '#core/credentials/docker-source.ts'
import { findProgram } from '#core/credentials/find-program.ts'
import { makeRunProgram } from '#core/credentials/run-program.ts'
import { parseImageRef } from '#core/domain/image-ref.ts'
import { Unavailable } from '#core/domain/unavailable.ts'
import type { Credential } from '#core/registry/credential.ts'
import { parseOperatorDockerConfig } from '#core/registry/docker-config.ts'
import { parseRegistries, registryOf } from '#core/registry/registries.ts'
import { patience } from '../registry/make-client.ts'
import { makePrograms, says } from './make-programs.ts'

const none = parseRegistries({ registries: [] }, () => '')
const programs = makePrograms(t)
const PATH = `${programs.folder}:/usr/bin:/bin`
let nowMs = 0

function sourceOf(file: object, path = PATH) {
  const config = parseOperatorDockerConfig(Buffer.from(JSON.stringify(file)))
  return makeDockerSource(config, { run: makeRunProgram(), environment: { PATH: path }, nowMs: () => nowMs })
}

function offersFor(source: ReturnType<typeof sourceOf>, image: string) {
  const ref = parseImageRef(image)
  return source(registryOf(none, ref.registry), ref, () => Promise.reject(new Error('nobody talks here')))
}

/** Every credential for the image, in order, or why there is none. */
async function heldFor(source: ReturnType<typeof sourceOf>, image: string): Promise<readonly string[]> {
  const held: string[] = []
  for (const { open } of offersFor(source, image)) {
    try {
      held.push(...(await open(patience)).map(said))
    } catch (error) {
      if (!(error instanceof Unavailable) || error.code !== 'registry.unauthorized') throw error
      held.push(error.message)
    }
  }
  return held
}

function said(credential: Credential): string {
  return credential.kind === 'password' ? `${credential.username}:${credential.password}` : JSON.stringify(credential)
}

const login = (username: string) => ({ auth: Buffer.from(`${username}:hunter2`).toString('base64') })

t.test('what the file holds is for the host and path that it names, the longest first', async t => {
  const source = sourceOf({ auths: { 'ghcr.io': login('all'), 'ghcr.io/acme': login('acme'), 'r.test': login('r') } })
  t.strictSame(await heldFor(source, 'ghcr.io/acme/app'), ['acme:hunter2', 'all:hunter2'])
  t.strictSame(await heldFor(source, 'ghcr.io/acme-evil/app'), ['all:hunter2'])
})

t.test(
  'CVE-2026-59891: no name that merely resembles another is given anything, and no helper is started for it',
  async t => {
    programs.write('docker-credential-own', says({ Username: 'bob', Secret: 'hunter2' }))
    const source = sourceOf({ auths: { 'r.test': login('r') }, credHelpers: { 'ghcr.io': 'own' } })
    for (const image of [
      'cr.io/a',
      'hcr.io/a',
      'ghcr.io.evil/a',
      'ghcr.io:444/a',
      'x.ghcr.io/a',
      'evil.test/ghcr.io',
      'r.test.evil/a',
      'test.io/a',
    ])
      t.strictSame(offersFor(source, image), [], image)
    t.strictSame(programs.runs('docker-credential-own'), [])
    t.strictSame(await heldFor(source, 'ghcr.io/a'), ['bob:hunter2'])
    t.strictSame(programs.runs('docker-credential-own'), ['ghcr.io'])
  },
)

t.test(
  'the helper of a registry goes before the store that serves all, and Docker Hub is asked for by its address',
  async t => {
    programs.write(
      'docker-credential-hub',
      says({ ServerURL: 'https://index.docker.io/v1/', Username: 'h', Secret: 's' }),
    )
    programs.write('docker-credential-store', says({ Username: 'x', Secret: 's' }))
    const file = {
      auths: { 'ghcr.io': {}, 'https://index.docker.io/v1/': {} },
      credsStore: 'store',
      credHelpers: { 'docker.io': 'hub' },
    }
    t.strictSame(await heldFor(sourceOf(file), 'nginx'), ['h:s'])
    t.strictSame(await heldFor(sourceOf(file), 'ghcr.io/a'), ['x:s'])
    t.strictSame(programs.runs('docker-credential-hub'), ['https://index.docker.io/v1/'])
    t.strictSame(programs.runs('docker-credential-store'), ['ghcr.io'])
  },
)

t.test('a token of a helper is an identity token', async t => {
  programs.write('docker-credential-token', says({ Username: '<token>', Secret: 'abc' }))
  t.strictSame(await heldFor(sourceOf({ credsStore: 'token' }), 'r.test/a'), ['{"kind":"token","token":"abc"}'])
})

t.test('a helper that has nothing is no failure, and every failure is one without a word of what was said', async t => {
  const answers: readonly (readonly [string, readonly string[]])[] = [
    ['echo credentials not found in native keychain; exit 1', []],
    [says({ Username: '', Secret: '' }), []],
    ['echo hunter2; exit 1', ['docker-credential-x ended with code 1']],
    ['kill -9 $$', ['docker-credential-x ended with code none: it was killed']],
    ['echo hunter2', ['docker-credential-x answered with something that is no credential']],
    [says(['hunter2']), ['docker-credential-x answered with something that is no credential']],
    [
      says({ Username: 'a:b', Secret: 'hunter2' }),
      ['docker-credential-x answered with something that is no credential'],
    ],
    [says({ Username: 'a', Secret: 5 }), ['docker-credential-x answered with something that is no credential']],
    [
      says({ Username: '<token>', Secret: 'hunter 2' }),
      ['docker-credential-x answered with something that is no credential'],
    ],
    [
      `printf '{"Username":"a","Username":"b","Secret":"hunter2"}'`,
      ['docker-credential-x answered with something that is no credential'],
    ],
    [
      says({ ServerURL: 'ghcr.io', Username: 'a', Secret: 'hunter2' }),
      ['docker-credential-x answered for another registry than it was asked for'],
    ],
  ]
  for (const [script, expected] of answers) {
    programs.write('docker-credential-x', script)
    t.strictSame(await heldFor(sourceOf({ credsStore: 'x' }), 'r.test/a'), expected, script)
  }
  t.strictSame(await heldFor(sourceOf({ credsStore: 'gone' }), 'r.test/a'), [
    'docker-credential-gone is not in any folder of PATH',
  ])
})

t.test('a helper is looked for in absolute folders of the path, so not in the one we stand in', async t => {
  const before = process.cwd()
  programs.write('docker-credential-here', says({ Username: 'a', Secret: 'b' }))
  process.chdir(programs.folder)
  t.teardown(() => process.chdir(before))
  for (const path of ['', '.', '::', './'])
    t.equal(await findProgram('docker-credential-here', path), undefined, JSON.stringify(path))
  t.equal(await findProgram('docker-credential-here', `.:${PATH}`), `${programs.folder}/docker-credential-here`)
  t.equal(await findProgram('.', PATH), undefined, 'a folder is no program')
})

t.test(
  'an answer is held for a while, a lack and a failure for a shorter one, and all who ask at once wait for one',
  async t => {
    programs.write('docker-credential-y', says({ Username: 'a', Secret: 'b' }))
    const source = sourceOf({ credsStore: 'y' })
    const runs = () => programs.runs('docker-credential-y').length
    await Promise.all(Array.from({ length: 8 }, () => heldFor(source, 'r.test/a')))
    t.equal(runs(), 1)
    nowMs += 59_999
    await heldFor(source, 'r.test/b')
    t.equal(runs(), 1, 'another repository of the registry is asked for with the same')
    await heldFor(source, 'other.test/a')
    t.equal(runs(), 2, 'another registry is not')
    nowMs += 1
    programs.write('docker-credential-y', 'exit 1')
    await heldFor(source, 'r.test/a')
    t.equal(runs(), 3)
    nowMs += 4999
    await heldFor(source, 'r.test/a')
    t.equal(runs(), 3)
    nowMs += 1
    programs.write('docker-credential-y', says({ Username: '', Secret: '' }))
    await heldFor(source, 'r.test/a')
    t.equal(runs(), 4)
    nowMs += 9999
    await heldFor(source, 'r.test/a')
    t.equal(runs(), 4)
  },
)

t.test(
  'the name under which answers are remembered is the helper’s, whatever it hands out, and another’s is another',
  async t => {
    programs.write('docker-credential-z', says({ Username: 'a', Secret: 'one' }))
    const names = (file: object) => offersFor(sourceOf(file), 'r.test/a').map(({ name }) => name)
    t.strictSame(names({ credsStore: 'z' }), ['docker-helper:z'])
    t.strictSame(names({ credsStore: 'x', credHelpers: { 'r.test': 'z' } }), ['docker-helper:z'])
    t.strictSame(names({ credsStore: 'x' }), ['docker-helper:x'])
    const [entry = ''] = names({ auths: { 'r.test': login('bob') } })
    t.match(entry, /^password:[0-9a-f]{64}$/)
  },
)
