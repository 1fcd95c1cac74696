import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { keptFiles, rewriteKept } from '#test/core/registry/answers/kept-files.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makeSigned, makeStage, OFFLINE, plain, writeInto } from './offline-stage.ts'
import { shedu } from './run-shedu.ts'

t.setTimeout(120_000)

const registry = await startRegistry(t)
const { key, digest, image } = await makeSigned(registry)

t.test('a folder that is of no use is exit code 2, before any registry is asked', async t => {
  const { dir, cache, check, offline } = makeStage(t, image, [key], { registries: [plain(registry)] })
  await registry.forgetRequests()
  t.match(await offline(), { code: 2, stdout: '', stderr: /^error: no run has filled the cache folder ".*cache" yet/ })
  t.strictSame(readdirSync(dir).includes('cache'), false, 'nothing was made')
  writeInto(dir, 'cache', 'a file')
  t.match(await check(), {
    code: 2,
    stdout: '',
    stderr: /^error: nothing can be written into the cache folder ".*cache"/,
  })
  t.equal((await offline()).code, 2)
  t.match(await check('--cache', cache), { code: 2, stderr: /--cache.*once, got it twice/ })
  for (const command of [
    ['check', '-f', join(dir, 'pod.yaml'), '--policies', join(dir, 'policies')],
    ['explain', image],
  ])
    t.match(await shedu([...command, '--offline']), {
      code: 2,
      stderr: /^error: --offline needs --cache: name the folder/,
    })
  const unset = ['check', '-f', join(dir, 'pod.yaml'), '--policies', join(dir, 'policies'), '--cache', '']
  t.match(await shedu(unset), { code: 2, stderr: /^error: --cache: expected a folder, got nothing/ })
  t.strictSame(await registry.requests(), [])
})

t.test('what is not in the folder is exit code 3, with what it is and what to do', async t => {
  const { dir, check, offline } = makeStage(t, image, [key], { registries: [plain(registry)] })
  t.equal((await check()).code, 0)
  const other = `${registry.host}/shop/other:v1`
  writeInto(
    dir,
    'pod.yaml',
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a' },
      spec: { containers: [{ name: 'a', image: other }] },
    }),
  )
  const { code, stdout, stderr } = await offline()
  t.strictSame([code, stderr], [3, ''])
  t.match(
    stdout,
    /^undecided [\s\S]*\n {4}registry.not-asked: .*\n {4}.*\/shop\/other: the tag v1 is not in the cache folder/,
  )
  t.match(stdout, /\n {4}to fix: run once without --offline, with the same --cache/)
  const json = JSON.parse((await offline('-o', 'json')).stdout)
  t.match(json, { asOf: null, results: [{ objections: [{ code: 'registry.not-asked', kind: 'silent' }] }] })
})

t.test('a damaged file is named on standard error, and the image is not refused for it', async t => {
  const { cache, check, offline } = makeStage(t, image, [key], { registries: [plain(registry)] })
  t.equal((await check()).code, 0)
  for (const { path } of keptFiles(cache, '/blobs/')) truncateSync(path, 100)
  const { code, stdout, stderr } = await offline()
  t.equal(code, 3)
  t.match(stdout, /registry.not-asked/)
  t.match(stderr, /^warning: \S+answers-v1\/[0-9a-f]{64} is damaged: .*, and counts as not there\noffline: /)
  t.match(await check(), { code: 0, stderr: /^warning: [^\n]*is damaged[^\n]*\n$/ })
  t.match(await offline(), { code: 0, stderr: OFFLINE })
})

t.test(
  'whoever can write into the folder can hide and repoint, and has nothing admitted that is not signed',
  async t => {
    const { cache, check, offline } = makeStage(t, image, [key], { registries: [plain(registry)] })
    t.match(await check(), { code: 0, stdout: digest })
    const [good] = keptFiles(cache, '/manifests/v1')
    const [goodList] = keptFiles(cache, `/referrers/${digest}`)
    const evil = await registry.image({ repository: 'shop/app', contents: 'evil' })
    t.match(await check(), { code: 1, stdout: /image.unsigned/ })
    rewriteKept(cache, `/referrers/${evil.digest}`, () => ({ body: goodList?.body ?? '' }))
    t.match(await offline(), { code: 1, stdout: /signature.wrong-image/ }, 'the signature of another image')
    rewriteKept(cache, `/manifests/${evil.digest}`, () => ({ body: good?.body ?? '' }))
    t.match(await offline(), { code: 1, stdout: /image.digest-mismatch/ }, 'another image in its place')
    rewriteKept(cache, '/manifests/v1', ({ head }) => ({
      body: good?.body ?? '',
      head: { ...head, headers: good?.head['headers'] },
    }))
    t.match(await offline(), { code: 0, stdout: digest }, 'the tag as it was: what is admitted is what was signed')
    rewriteKept(cache, `/referrers/${digest}`, () => ({ body: '{"schemaVersion":2,"manifests":[]}' }))
    t.match(await offline(), { code: 1, stdout: /image.unsigned/ }, 'a list without the signature')
  },
)
