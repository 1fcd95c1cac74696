import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import type { Json } from './registry/ask.ts'
import { askOf, BUNDLE, digestOf, fetchTrueOf, INDEX, MANIFEST, nextPage } from './registry/ask.ts'

const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
const get = askOf(registry)
const fetchTrue = fetchTrueOf(get)

const MAIN = join(import.meta.dirname, '../../embedded/registry/main.ts')

t.test('serves every recorded layout, by tag and by digest, under its true digest', async t => {
  for (const name of readdirSync(RECORDED_LAYOUTS)) {
    const repository = `vec/${name}`
    const { tags } = (await get(`/v2/${repository}/tags/list`)).json()
    t.ok(tags.includes('v1'), `${name} has its tag`)
    for (const tag of tags as readonly string[]) {
      const tagged = await fetchTrue(repository, 'manifests', tag)
      t.strictSame(await fetchTrue(repository, 'manifests', digestOf(tagged)), tagged)
      const { config, layers = [], manifests = [] } = JSON.parse(tagged.toString()) as Json
      for (const { digest } of [...layers, ...(config ? [config] : [])]) await fetchTrue(repository, 'blobs', digest)
      for (const { digest } of manifests) await fetchTrue(repository, 'manifests', digest)
    }
  }
})

t.test('answers the media type the manifest was stored under, and HEAD like GET without the body', async t => {
  const { headers } = await get('/v2/vec/index/manifests/v1')
  t.equal(headers.get('content-type'), INDEX)
  const head = await get('/v2/vec/unsigned/manifests/v1', { method: 'HEAD' })
  t.equal(head.headers.get('content-type'), MANIFEST)
  t.equal(head.headers.get('content-length'), '401')
  t.match(head.headers.get('docker-content-digest'), /^sha256:[0-9a-f]{64}$/)
  t.equal(head.bytes.length, 0)
})

t.test('a repository name may have slashes and an escaped reference is the same reference', async t => {
  const { digest } = await registry.image({ repository: 'deep/er/name' })
  t.equal((await get(`/v2/deep/er/name/manifests/${encodeURIComponent(digest)}`)).status, 200)
})

t.test('says what is wrong in the words of the distribution-spec', async t => {
  const { digest } = await registry.image({ repository: 'errors' })
  const code = async (path: string, init?: RequestInit) => {
    const { status, json } = await get(path, init)
    return `${status} ${json()['errors'][0].code}`
  }
  t.equal(await code('/v2/nobody/manifests/v1'), '404 NAME_UNKNOWN')
  t.equal(await code('/v2/errors/manifests/v9'), '404 MANIFEST_UNKNOWN')
  t.equal(await code(`/v2/errors/blobs/${digest}`), '404 BLOB_UNKNOWN')
  t.equal(await code('/v2/errors/referrers/sha256:abc'), '400 DIGEST_INVALID')
  t.equal(await code('/v2/errors/manifests/v1', { method: 'PUT' }), '405 UNSUPPORTED')
  t.equal((await get('/v2/')).status, 200)
})

t.test('lists referrers with their artifact type and annotations, filtered if asked', async t => {
  const { digest } = JSON.parse(readFileSync(join(RECORDED_LAYOUTS, 'key-bundle-nolog/index.json'), 'utf8'))
    .manifests[0]
  const all = await get(`/v2/vec/key-bundle-nolog/referrers/${digest}`)
  t.equal(all.headers.get('content-type'), INDEX)
  t.equal(all.headers.get('oci-filters-applied'), null)
  const [referrer] = all.json()['manifests']
  t.equal(referrer.artifactType, BUNDLE)
  t.equal(referrer.annotations['dev.sigstore.bundle.content'], 'dsse-envelope')
  t.equal((await fetchTrue('vec/key-bundle-nolog', 'manifests', referrer.digest)).length, referrer.size)

  const some = await get(`/v2/vec/key-bundle-nolog/referrers/${digest}?artifactType=${encodeURIComponent(BUNDLE)}`)
  t.equal(some.headers.get('oci-filters-applied'), 'artifactType')
  t.equal(some.json()['manifests'].length, 1)
  const none = await get(`/v2/vec/key-bundle-nolog/referrers/${digest}?artifactType=text/other`)
  t.strictSame(none.json()['manifests'], [])
})

t.test('an image nobody refers to has an empty list, and a registry without the API has none', async t => {
  const { digest } = await registry.image({ repository: 'lonely' })
  t.strictSame((await get(`/v2/lonely/referrers/${digest}`)).json()['manifests'], [])
  await registry.settings({ repository: 'lonely', referrersApi: false })
  t.equal((await get(`/v2/lonely/referrers/${digest}`)).status, 404)

  const [hex] = (await get('/v2/vec/fallback-tag/tags/list')).json()['tags']
  t.match(hex, /^sha256-[0-9a-f]{64}$/)
  t.equal((await get(`/v2/vec/fallback-tag/referrers/${hex.replace('-', ':')}`)).status, 404)
})

t.test('pages referrers and tags by Link once a page size is set', async t => {
  const { digest } = await registry.image({ repository: 'paged' })
  await registry.key('paged')
  for (let nth = 0; nth < 5; nth++) await registry.sign({ repository: 'paged', digest, key: 'paged', layout: 'bundle' })
  await registry.image({ repository: 'paged', tag: 'v2' })
  await registry.image({ repository: 'paged', tag: 'v3' })
  await registry.settings({ repository: 'paged', pageSize: 2 })

  const pages = async (path: string, list: string) => {
    const sizes: number[] = []
    const seen = new Set<string>()
    for (let next = path; next !== ''; ) {
      const answer = await get(next)
      sizes.push(answer.json()[list].length)
      for (const item of answer.json()[list]) seen.add(JSON.stringify(item))
      next = nextPage(answer)
    }
    return { sizes, seen: seen.size }
  }
  const type = encodeURIComponent(BUNDLE)
  t.strictSame(await pages(`/v2/paged/referrers/${digest}?artifactType=${type}`, 'manifests'), {
    sizes: [2, 2, 1],
    seen: 5,
  })
  t.strictSame(await pages('/v2/paged/tags/list', 'tags'), { sizes: [2, 1], seen: 3 })
})

t.test('builds images whose layer unpacks to the contents and has the diff id that the config names', async t => {
  const { digest } = await registry.image({ repository: 'built', contents: 'hello' })
  const manifest = JSON.parse((await fetchTrue('built', 'manifests', 'v1')).toString())
  t.equal(digestOf(await fetchTrue('built', 'manifests', 'v1')), digest)
  const config = JSON.parse((await fetchTrue('built', 'blobs', manifest['config'].digest)).toString())
  const layer = await fetchTrue('built', 'blobs', manifest['layers'][0].digest)
  t.equal(layer.length, manifest['layers'][0].size)
  const tar = gunzipSync(layer)
  t.equal(digestOf(tar), config['rootfs'].diff_ids[0])
  const folder = t.testdir()
  const unpack = spawn('tar', ['-x', '-C', folder], { stdio: ['pipe', 'inherit', 'inherit'] })
  unpack.stdin.end(tar)
  t.strictSame(await once(unpack, 'exit'), [0, null])
  t.equal(readFileSync(join(folder, 'contents.txt'), 'utf8'), 'hello')
})

t.test('builds an index whose children differ by platform', async t => {
  const { digest, children } = await registry.image({ repository: 'multi', platforms: 3 })
  const index = JSON.parse((await fetchTrue('multi', 'manifests', digest)).toString())
  t.strictSame(
    index['manifests'].map((child: Json) => child['digest']),
    children,
  )
  t.strictSame(
    index['manifests'].map((child: Json) => child['platform'].architecture),
    ['amd64', 'arm64', 'arm'],
  )
  t.equal(new Set(children).size, 3)
  for (const child of children)
    t.equal(JSON.parse((await fetchTrue('multi', 'manifests', child)).toString())['mediaType'], MANIFEST)
})

t.test('the same order gives the same digest, and other contents move the tag', async t => {
  const first = await registry.image({ repository: 'moving', contents: 'one' })
  t.strictSame(await registry.image({ repository: 'moving', contents: 'one' }), first)
  const second = await registry.image({ repository: 'moving', contents: 'two' })
  t.not(second.digest, first.digest)
  t.equal(digestOf(await fetchTrue('moving', 'manifests', 'v1')), second.digest)
  t.equal(digestOf(await fetchTrue('moving', 'manifests', first.digest)), first.digest)
})

t.test('stores hostile content as it is, under its true digest', async t => {
  const digest = await registry.put({ repository: 'hostile', tag: 'v1', mediaType: MANIFEST, manifest: '{"not": json' })
  t.equal((await fetchTrue('hostile', 'manifests', 'v1')).toString(), '{"not": json')
  const blob = await registry.put({ repository: 'hostile', blob: Buffer.from([0, 255]) })
  t.strictSame(await fetchTrue('hostile', 'blobs', blob), Buffer.from([0, 255]))
  const manifest = JSON.stringify({ subject: { digest }, artifactType: 'text/evil' })
  await registry.put({ repository: 'hostile', mediaType: MANIFEST, manifest })
  const { json } = await get(`/v2/hostile/referrers/${digest}`)
  t.equal(json()['manifests'][0].artifactType, 'text/evil')
})

t.test('remembers when it began and when it had answered each request, latency included', async t => {
  const watched = await startRegistry(t)
  const ask = askOf(watched)
  await watched.image({ repository: 'acme/app' })
  await watched.faults([{ fault: { latencyMs: 200 } }])
  const paths = ['/v2/', '/v2/acme/app/tags/list']
  await Promise.all(paths.map(path => ask(path)))
  await ask('/v2/acme/app/manifests/v1')
  await watched.faults([{ fault: { disconnect: true } }])
  await ask('/v2/').catch(() => undefined)
  const [one, other, next, unanswered] = await watched.requests()
  const [oneMs = 0, otherMs = 0, nextMs = 0] = [one, other, next].map(request => request?.endedMs)
  const [otherBeganMs = 0, nextBeganMs = 0] = [other, next].map(request => request?.beganMs)
  t.ok(otherBeganMs < oneMs, 'two at the same time')
  t.ok(nextBeganMs > oneMs && nextBeganMs > otherMs, 'and one after both')
  t.ok(nextMs - nextBeganMs >= 199, 'which took as long as it was told')
  t.notOk('endedMs' in (unanswered ?? {}))
})

t.test('remembers what clients asked and how they showed themselves, but not the control', async t => {
  await registry.image({ repository: 'acme/watched' })
  await registry.forgetRequests()
  t.teardown(() => registry.faults([]))
  await registry.faults([{ kind: 'ping', fault: { disconnect: true } }])
  await get('/v2/acme/watched/manifests/v1')
  await get('/v2/acme/watched/manifests/v9', { headers: { authorization: 'Basic YTpi' } })
  await get('/v2/acme/watched/tags/list?n=1', { method: 'HEAD', headers: { authorization: 'Bearer x' } })
  await get('/v2/').catch(() => undefined)
  const requests = await registry.requests()
  t.strictSame(
    requests.map(({ method, path, status, authorization }) => [method, path, status, authorization]),
    [
      ['GET', '/v2/acme/watched/manifests/v1', 200, 'none'],
      ['GET', '/v2/acme/watched/manifests/v9', 404, 'basic'],
      ['HEAD', '/v2/acme/watched/tags/list?n=1', 200, 'bearer'],
      ['GET', '/v2/', 0, 'none'],
    ],
  )
  t.notOk(requests.some(({ at }) => Number.isNaN(Date.parse(at))))
  await registry.forgetRequests()
  t.strictSame(await registry.requests(), [])
})

async function isListening(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/v2/`).then(
    () => true,
    () => false,
  )
}

async function portOf(stdout: NodeJS.ReadableStream): Promise<number> {
  const [line] = (await once(createInterface(stdout), 'line')) as [string]
  return JSON.parse(line).port
}

/** Resolves once nothing listens any more; the test's own time limit is the bound. */
async function silence(port: number): Promise<void> {
  while (await isListening(port)) await wait(20)
}

t.test('ends at once on a signal or when its stdin closes, even with a request that hangs', async t => {
  for (const end of ['SIGTERM', 'SIGINT', 'stdin'] as const) {
    const child = spawn(process.execPath, [MAIN], { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    const port = await portOf(child.stdout)
    const rules = JSON.stringify([{ fault: { hang: true } }])
    await fetch(`http://127.0.0.1:${port}/_control/faults`, { method: 'PUT', body: rules })
    const hanging = isListening(port)
    const ended = once(child, 'exit')
    if (end === 'stdin') child.stdin.end()
    else child.kill(end)
    t.strictSame(await ended, [0, null], end)
    t.notOk(await hanging)
  }
})

t.test('dies with its parent, however that dies', async t => {
  const parentMain = `
    const { spawn } = await import('node:child_process')
    spawn(process.execPath, [${JSON.stringify(MAIN)}], { stdio: ['pipe', 'inherit', 'inherit'] })
    setInterval(() => {}, 1000)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', parentMain], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await portOf(parent.stdout)
  t.ok(await isListening(port))
  parent.kill('SIGKILL')
  await silence(port)
  t.notOk(await isListening(port))
})

t.test('does not start on a layout whose content is not what it is called', async t => {
  const folder = t.testdir()
  const blobs = join(folder, 'bad', 'blobs', 'sha256')
  mkdirSync(blobs, { recursive: true })
  writeFileSync(join(folder, 'bad', 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(join(blobs, 'a'.repeat(64)), 'something else')
  const child = spawn(process.execPath, [MAIN, '--layouts', folder], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  t.strictSame(await once(child, 'close'), [1, null])
  t.match(said, /a{64} has the digest sha256:/)
})
