import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Found } from '#core/domain/artefact.ts'
import { digestOf } from '#core/domain/digest.ts'
import { InputError } from '#core/domain/input-error.ts'
import { type KeptAnswers, openKeptAnswers } from '#core/registry/answers/kept-answers.ts'
import type { RegistryView } from '#core/registry/client.ts'
import { type EmbeddedRegistry, startRegistry } from '#test/support/embedded-registry.ts'
import { makeClient, patience, pinned, ref, SIGNATURES, unavailable } from '../make-client.ts'
import { keptFiles, rewriteKept } from './kept-files.ts'

const registry = await startRegistry(t)
await registry.key('k')
t.beforeEach(() => registry.faults([]))

type Opened = { readonly view: RegistryView; readonly kept: KeptAnswers }

/** A client over a folder, with or without the network. */
async function open(t: Test, folder: string, isOffline: boolean): Promise<Opened> {
  const kept = await openKeptAnswers({ folder, isOffline })
  const deps = { answers: kept.source }
  return { kept, view: makeClient(t, [{ host: registry.host, plainHttp: true }], { deps }) }
}

/** An image of its own for one test, with a signature in each layout. */
async function makeImage(repository: string) {
  const { digest } = await registry.image({ repository })
  const legacy = await registry.sign({ repository, digest, key: 'k' })
  const bundle = await registry.sign({ repository, digest, key: 'k', layout: 'bundle' })
  return { repository, digest, legacy, bundle }
}

type Image = Awaited<ReturnType<typeof makeImage>>

/** All that there is to say of an image. */
async function lookAt({ view }: Opened, { repository, digest }: Pick<Image, 'repository' | 'digest'>) {
  const tag = await view.resolve(ref(registry.host, `${repository}:v1`), patience).catch((error: unknown) => error)
  const { manifest, places } = view.discover(pinned(registry.host, repository, digest), SIGNATURES, patience)
  const found = await Promise.all(places)
  return { tag, manifest: await manifest, found }
}

const artefactsOf = (found: readonly Found[]) => found.map(({ artefacts }) => artefacts.length)
const codesOf = (found: readonly Found[]) =>
  found.flatMap(({ refusals, silences }) => [...refusals, ...silences].map(({ code }) => code))

t.test('what was found online is found offline, pages of lists and absent tags included', async t => {
  const cache = t.testdir()
  const image = await makeImage('pages/app')
  for (let at = 0; at < 4; at++)
    await registry.sign({
      repository: 'pages/app',
      digest: image.digest,
      key: 'k',
      layout: 'bundle',
      predicate: { at },
    })
  await registry.settings({ repository: 'pages/app', pageSize: 2 })
  const online = await lookAt(await open(t, cache, false), image)
  t.strictSame(artefactsOf(online.found), [1, 5])
  t.equal(keptFiles(cache, 'pages/app/referrers/').length, 3)
  await registry.faults([{ fault: { disconnect: true } }])
  t.strictSame(await lookAt(await open(t, cache, true), image), online)
})

t.test('only what is definite is kept', async t => {
  const image = await makeImage('definite/app')
  const statusesAfter = async (rules: Parameters<EmbeddedRegistry['faults']>[0], thing: string) => {
    const cache = t.testdir()
    await registry.faults(rules)
    await lookAt(await open(t, cache, false), image)
    return keptFiles(cache, thing).map(({ head }) => head.status)
  }
  for (const status of [401, 403, 429, 500, 502, 503])
    for (const kind of ['manifest', 'referrers', 'blob'] as const)
      t.strictSame(
        await statusesAfter([{ kind, fault: { status } }], `/${kind}s/`.replace('ss/', 's/')),
        [],
        `${kind} ${status}`,
      )
  for (const status of [400, 404, 405, 501]) {
    const fault = { status }
    t.strictSame(await statusesAfter([{ kind: 'referrers', fault }], '/referrers/'), [status], `no API: ${status}`)
    const tags = await statusesAfter([{ kind: 'manifest', reference: 'v1', fault }], '/manifests/v1')
    t.strictSame(tags, status === 404 ? [404] : [], `a tag: ${status}`)
  }
  const page = await statusesAfter([], '/manifests/')
  t.strictSame(
    page.toSorted((a, b) => a - b),
    [200, 200, 200, 200, 404],
    'image by tag and digest, signature, referrer; fallback tag',
  )
})

t.test('registry.not-asked: what does not lie there is silence that names it, and never an absent thing', async t => {
  const cache = t.testdir()
  const image = await makeImage('missing/app')
  await lookAt(await open(t, cache, false), image)
  const hex = image.digest.replace(':', '-')
  const cases = [
    ['/manifests/v1', 'the tag v1'],
    [`/manifests/${image.digest}`, `the manifest ${image.digest}`],
    [`/manifests/${hex}.sig`, `the tag ${hex}.sig`],
    [`/referrers/${image.digest}`, `the list of referrers of ${image.digest}`],
    [`/manifests/${image.bundle.digest}`, `the manifest ${image.bundle.digest}`],
    [`/blobs/${image.bundle.blob}`, `the blob ${image.bundle.blob}`],
  ] as const
  for (const [thing, words] of cases) {
    const [file] = keptFiles(cache, thing)
    if (file === undefined) throw new Error(`${thing} was not kept`)
    const content = readFileSync(file.path)
    rmSync(file.path)
    const opened = await open(t, cache, true)
    const said = JSON.stringify(await lookAt(opened, image))
    const resolved = opened.view.resolve(ref(registry.host, 'missing/app:v1'), patience)
    const error = thing === '/manifests/v1' ? await unavailable(resolved) : undefined
    t.match(`${said}${error?.code} ${error?.message}`, 'registry.not-asked', thing)
    t.match(`${said}${error?.message}`, `${registry.host}/missing/app: ${words} is not in the cache folder`)
    t.strictSame(opened.kept.warnings(), [])
    writeFileSync(file.path, content)
  }
})

t.test('a file that is not whole counts as not there, with a warning, and is mended by the next run', async t => {
  const cache = t.testdir()
  const image = await makeImage('damaged/app')
  const whole = await lookAt(await open(t, cache, false), image)
  const [file] = keptFiles(cache, `/blobs/${image.bundle.blob}`)
  if (file === undefined) throw new Error('no blob was kept')
  const { path } = file
  const content = readFileSync(path)
  const other = keptFiles(cache, `/blobs/${image.legacy.blob}`)[0]?.path ?? ''
  const faults: Readonly<Record<string, readonly [() => void, RegExp]>> = {
    'cut short': [() => truncateSync(path, content.length - 1), /is damaged/],
    empty: [() => truncateSync(path, 0), /is damaged/],
    zeros: [() => writeFileSync(path, Buffer.alloc(content.length)), /is damaged/],
    'one bit': [
      () =>
        writeFileSync(
          path,
          content.map((byte, at) => (at === content.length - 9 ? byte ^ 1 : byte)),
        ),
      /is damaged/,
    ],
    huge: [() => truncateSync(path, 2 ** 40), /holds more than the [0-9]+ bytes that are read/],
    'too large by one': [
      () => rewriteKept(cache, image.bundle.blob, ({ body }) => ({ body: `${body} ` })),
      /holds more than/,
    ],
    'of another question': [() => writeFileSync(path, readFileSync(other)), /answers another question/],
    'a status that is not kept': [
      () => rewriteKept(cache, image.bundle.blob, ({ head }) => ({ head: { ...head, status: 401 }, body: '' })),
      /status 401/,
    ],
    'a field more': [
      () => rewriteKept(cache, image.bundle.blob, ({ head }) => ({ head: { ...head, more: 1 } })),
      /does not say/,
    ],
    'a link': [
      () => {
        rmSync(path)
        symlinkSync(other, path)
      },
      /cannot be used \(ELOOP\)/,
    ],
    'a pipe': [
      () => {
        rmSync(path)
        execFileSync('sh', ['-c', `mkfifo '${path}'`])
      },
      /is no file/,
    ],
  }
  for (const [name, [damage, warning]] of Object.entries(faults)) {
    damage()
    const offline = await open(t, cache, true)
    const { found } = await lookAt(offline, image)
    t.strictSame([artefactsOf(found), codesOf(found)], [[1, 0], ['registry.not-asked']], name)
    t.match(offline.kept.warnings(), [warning], name)
    t.ok(offline.kept.warnings()[0]?.startsWith(path), name)
    const online = await open(t, cache, false)
    t.strictSame(await lookAt(online, image), whole, `${name}, online`)
    t.equal(online.kept.warnings().length, 1, name)
    t.strictSame(await lookAt(await open(t, cache, true), image), whole, `${name}, mended`)
  }
})

t.test(
  'the folder is no trust root: a changed thing has another digest, a changed list or tag hides or points elsewhere',
  async t => {
    const cache = t.testdir()
    const image = await makeImage('changed/app')
    await lookAt(await open(t, cache, false), image)
    const alone = async () => lookAt(await open(t, cache, true), image)
    const swapCase = ({ body }: { readonly body: string }) => ({
      body: body.replace(/[a-z]/, one => one.toUpperCase()),
    })

    rewriteKept(cache, `/blobs/${image.legacy.blob}`, swapCase)
    rewriteKept(cache, `/manifests/${image.bundle.digest}`, swapCase)
    const changed = await alone()
    t.strictSame(artefactsOf(changed.found), [0, 0])
    t.strictSame(codesOf(changed.found), ['image.digest-mismatch', 'image.digest-mismatch'])
    await lookAt(await open(t, cache, false), image)
    t.strictSame(artefactsOf((await alone()).found), [1, 1], 'a run that may ask takes none of it')

    rewriteKept(cache, `/manifests/${image.digest}`, swapCase)
    t.match((await alone()).manifest, { kind: 'refusal', code: 'image.digest-mismatch' })

    rewriteKept(cache, '/referrers/', ({ head }) => ({ head: { ...head, status: 404 }, body: '' }))
    t.strictSame(artefactsOf((await alone()).found), [1, 0])
    rewriteKept(cache, '/manifests/v1', swapCase)
    const { body = '' } = keptFiles(cache, '/manifests/v1')[0] ?? {}
    t.not(digestOf(Buffer.from(body)), image.digest)
    t.not((await alone()).tag, image.digest)
  },
)

t.test('a lie of the registry is told again offline, and asked for anew online', async t => {
  const cache = t.testdir()
  const image = await makeImage('lying/app')
  await registry.faults([{ kind: 'blob', fault: { corruptByte: 3 } }])
  const lied = await lookAt(await open(t, cache, false), image)
  t.strictSame(codesOf(lied.found), ['image.digest-mismatch', 'image.digest-mismatch'])
  t.strictSame(await lookAt(await open(t, cache, true), image), lied)
  await registry.faults([])
  t.strictSame(artefactsOf((await lookAt(await open(t, cache, false), image)).found), [1, 1])
})

t.test('it is as of the oldest answer that may be another by now', async t => {
  const cache = t.testdir()
  const image = await makeImage('times/app')
  const online = await open(t, cache, false)
  await lookAt(online, image)
  t.equal(online.kept.asOf(), undefined)
  const at = (thing: string, time: string) => rewriteKept(cache, thing, ({ head }) => ({ head: { ...head, at: time } }))
  const asOf = async () => {
    const opened = await open(t, cache, true)
    t.equal(opened.kept.asOf(), undefined)
    await lookAt(opened, image)
    return opened.kept.asOf()?.toISOString()
  }
  at('/blobs/', '2020-01-01T00:00:00Z')
  at(`/manifests/${image.bundle.digest}`, '2020-01-01T00:00:00Z')
  t.ok(((await asOf()) ?? '') > '2026', 'content cannot have changed')
  at('/referrers/', '2021-01-01T00:00:00.5Z')
  t.equal(await asOf(), '2021-01-01T00:00:00.500Z')
  at('.sig', '2021-01-01T00:00:00Z')
  t.equal(await asOf(), '2021-01-01T00:00:00.000Z')
  at('/manifests/v1', '2020-06-01T00:00:00Z')
  t.equal(await asOf(), '2020-06-01T00:00:00.000Z')
})

t.test('a folder that is of no use is an error before anybody is asked', async t => {
  const dir = t.testdir({ file: '', empty: {} })
  for (const isOffline of [true, false])
    await t.rejects(openKeptAnswers({ folder: join(dir, 'file'), isOffline }), InputError)
  await t.rejects(
    openKeptAnswers({ folder: join(dir, 'empty'), isOffline: true }),
    /no run has filled the cache folder/,
  )
  await t.rejects(openKeptAnswers({ folder: join(dir, 'absent'), isOffline: true }), /no run has filled/)
  await openKeptAnswers({ folder: join(dir, 'absent/deep'), isOffline: false })
})

t.test('a folder that cannot be written any more is a warning: the answers are as good', async t => {
  const cache = t.testdir()
  const image = await makeImage('gone/app')
  const opened = await open(t, cache, false)
  rmSync(join(cache, 'answers-v1'), { recursive: true })
  t.strictSame(artefactsOf((await lookAt(opened, image)).found), [1, 1])
  t.match(opened.kept.warnings(), [/^not every answer was kept: .*answers-v1 cannot be used \(ENOENT\)$/])
})

t.test('many damaged files are told in a few lines', async t => {
  const cache = t.testdir()
  const image = await makeImage('many/app')
  for (let at = 0; at < 10; at++)
    await registry.sign({ repository: 'many/app', digest: image.digest, key: 'k', layout: 'bundle', predicate: { at } })
  await lookAt(await open(t, cache, false), image)
  for (const { path } of keptFiles(cache, '/blobs/')) truncateSync(path, 0)
  const opened = await open(t, cache, true)
  await lookAt(opened, image)
  t.equal(opened.kept.warnings().length, 6)
  t.match(opened.kept.warnings().at(-1), /^and 7 more/)
})
