import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { followTrustRoots } from '#certs/trusted/follow-trust-roots.ts'
import type { LoadedTrustRoots } from '#certs/trusted/trust-roots.ts'
import { makeLog, makeTrustedRoot } from './make-trusted-root.ts'

const RECORDED = readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'images', 'trusted_root.json'), 'utf8')
const MADE = JSON.stringify(makeTrustedRoot())
const OTHER = JSON.stringify(makeTrustedRoot({ ctlogs: [], tlogs: [makeLog('ed25519', 'PKIX_ED25519')] }))

/** A clock that stands still until it is told that a second has passed; that second's look at the folder is over when it has. */
function makeClock() {
  let wake: (() => void) | undefined
  let asleep: (() => void) | undefined
  const asked: number[] = []
  const sleep = (ms: number, signal: AbortSignal): Promise<void> => {
    asked.push(ms)
    asleep?.()
    return new Promise((resolve, reject) => {
      wake = resolve
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }
  const second = async () => {
    const over = new Promise<void>(resolve => (asleep = resolve))
    wake?.()
    await over
  }
  return { sleep, second, asked }
}

async function follow(t: Test, folder: string) {
  const told: LoadedTrustRoots[] = []
  const faults: string[] = []
  const clock = makeClock()
  const follower = await followTrustRoots(
    folder,
    { onTrustRoots: now => told.push(now), report: error => faults.push((error as Error).message) },
    { clock },
  )
  t.teardown(() => follower.close())
  /** What has been told since it was asked the last time. */
  const next = async () => {
    await clock.second()
    return { told: told.splice(0).map(({ roots }) => [...roots.keys()]), faults: faults.splice(0) }
  }
  told.splice(0)
  return { follower, next, clock, told }
}

const NOTHING = { told: [], faults: [] }

t.test('tells the first content at once, looks each second, and says nothing while nothing changes', async t => {
  const folder = t.testdir({ 'default.json': RECORDED })
  const told: LoadedTrustRoots[] = []
  const clock = makeClock()
  const follower = await followTrustRoots(
    folder,
    { onTrustRoots: now => told.push(now), report: error => t.fail(String(error)) },
    { clock },
  )
  t.equal(told[0]?.roots, follower.inForce())
  for (let seconds = 0; seconds < 3; seconds++) await clock.second()
  t.equal(told.length, 1)
  t.strictSame(clock.asked, [1000, 1000, 1000, 1000])
  await follower.close()
})

t.test('what is bad from the beginning is an error, not a folder to wait for', async t => {
  const listener = { onTrustRoots: () => t.fail(), report: (error: unknown) => t.fail(String(error)) }
  await t.rejects(followTrustRoots(t.testdir({ 'default.json': '{}' }), listener), {
    name: 'InputError',
    message: /default\.json: /,
  })
})

t.test('a file that is replaced, added or removed takes effect, each set as a whole', async t => {
  const folder = t.testdir({ 'default.json': RECORDED })
  const { follower, next } = await follow(t, folder)
  const before = follower.inForce()
  writeFileSync(join(folder, 'default.json'), MADE)
  t.strictSame(await next(), { told: [['default']], faults: [] })
  t.not(follower.inForce().get('default')?.version, before.get('default')?.version)
  t.equal(before.get('default')?.logs.length, 2, 'what was handed out before does not change')
  writeFileSync(join(folder, 'acme.json'), OTHER)
  t.strictSame(await next(), { told: [['acme', 'default']], faults: [] })
  rmSync(join(folder, 'default.json'))
  t.strictSame(await next(), { told: [['acme']], faults: [] })
  t.strictSame(await next(), NOTHING)
})

t.test('a mounted ConfigMap that is changed is followed through its links', async t => {
  const folder = t.testdir({ '..1': { 'default.json': RECORDED }, '..2': { 'default.json': MADE } })
  symlinkSync('..1', join(folder, '..data'))
  symlinkSync('..data/default.json', join(folder, 'default.json'))
  const { follower, next } = await follow(t, folder)
  symlinkSync('..2', join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  rmSync(join(folder, '..1'), { recursive: true })
  t.strictSame(await next(), { told: [['default']], faults: [] })
  t.equal(follower.inForce().get('default')?.logs.length, 1)
})

t.test('bad content leaves the last good in force, and is told once', async t => {
  const folder = t.testdir({ 'default.json': RECORDED })
  const { follower, next } = await follow(t, folder)
  const good = follower.inForce()
  const file = join(folder, 'default.json')
  writeFileSync(file, RECORDED.slice(0, 500))
  t.strictSame(await next(), { told: [], faults: [`${file}: expected JSON`] })
  t.strictSame(await next(), NOTHING)
  utimesSync(file, 1, 1)
  t.strictSame(await next(), NOTHING, 'touched, and still the same')
  writeFileSync(file, RECORDED.slice(0, 400))
  t.strictSame(await next(), { told: [], faults: [`${file}: expected JSON`] }, 'other content, told again')
  t.equal(follower.inForce(), good)
  writeFileSync(file, RECORDED)
  t.strictSame(await next(), { told: [['default']], faults: [] }, 'good again')
})

t.test('one bad file holds back the others: what is in force is always one whole folder', async t => {
  const folder = t.testdir({ 'default.json': RECORDED })
  const { follower, next } = await follow(t, folder)
  writeFileSync(join(folder, 'default.json'), MADE)
  writeFileSync(join(folder, 'bad.json'), '{}')
  t.match(await next(), { told: [], faults: [/bad\.json: expected mediaType/] })
  t.equal(follower.inForce().get('default')?.logs.length, 2)
  rmSync(join(folder, 'bad.json'))
  t.strictSame(await next(), { told: [['default']], faults: [] })
})

t.test('a folder that is emptied, or goes away, leaves the last good in force, and is told once', async t => {
  const folder = t.testdir({ roots: { 'default.json': RECORDED } })
  const roots = join(folder, 'roots')
  const { follower, next } = await follow(t, roots)
  rmSync(join(roots, 'default.json'))
  t.strictSame(await next(), { told: [], faults: [`there is no trust root in ${roots}: expected NAME.json`] })
  t.strictSame(await next(), NOTHING)
  rmSync(roots, { recursive: true })
  t.strictSame(await next(), { told: [], faults: [`cannot read the folder ${roots}: it does not exist`] })
  t.strictSame(await next(), NOTHING)
  t.ok(follower.inForce().has('default'))
  mkdirSync(roots)
  writeFileSync(join(roots, 'default.json'), RECORDED)
  t.strictSame(await next(), { told: [['default']], faults: [] })
})

t.test('what could not be read is tried again, and told again only for another reason', async t => {
  const folder = t.testdir({ 'default.json': RECORDED })
  const { follower, next } = await follow(t, folder)
  const file = join(folder, 'default.json')
  rmSync(file)
  mkdirSync(file)
  t.strictSame(await next(), { told: [], faults: [`cannot read ${file}: it is no file`] })
  t.strictSame(await next(), NOTHING)
  t.ok(follower.inForce().has('default'))
  rmSync(file, { recursive: true })
  symlinkSync('nowhere', file)
  t.strictSame(await next(), { told: [], faults: [`cannot read ${file}: it does not exist`] })
  rmSync(file)
  writeFileSync(file, MADE)
  t.strictSame(await next(), { told: [['default']], faults: [] })
})

t.test('touched without a change, nothing is told', async t => {
  const folder = t.testdir({ 'default.json': RECORDED })
  const { next } = await follow(t, folder)
  writeFileSync(join(folder, 'default.json'), RECORDED)
  t.strictSame(await next(), NOTHING)
})

t.test('a listener that throws is reported, and the folder is followed on', async t => {
  const folder = t.testdir({ 'default.json': RECORDED })
  const faults: unknown[] = []
  const clock = makeClock()
  let calls = 0
  const onTrustRoots = () => {
    if (++calls === 2) throw new TypeError('listener')
  }
  const follower = await followTrustRoots(folder, { onTrustRoots, report: error => faults.push(error) }, { clock })
  t.teardown(() => follower.close())
  writeFileSync(join(folder, 'default.json'), MADE)
  await clock.second()
  t.match(faults, [{ message: 'listener' }])
  writeFileSync(join(folder, 'default.json'), RECORDED)
  await clock.second()
  t.equal(calls, 3)
})

t.test('after closing nothing more is told, and the process can end', async t => {
  const folder = t.testdir({ 'default.json': RECORDED })
  const { follower, told } = await follow(t, folder)
  writeFileSync(join(folder, 'default.json'), MADE)
  await follower.close()
  await follower.close()
  t.strictSame(told, [])
})
