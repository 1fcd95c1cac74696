import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assembleGate } from '#assembly/assemble-gate.ts'
import { admit } from '#core/gate/admit.ts'
import type { Gate } from '#core/gate/gate.ts'
import { preflight } from '#core/gate/preflight.ts'
import { type EmbeddedRegistry, startRegistry } from '#test/support/embedded-registry.ts'
import { makePod, makeSubject } from '#test/support/make-subject.ts'
import { makeKeyPolicy } from '#test/support/webhook-process.ts'

const patience = new AbortController().signal

/** A gate that wants every image of this registry signed by its key `release`. */
async function openGate(t: Test, registry: EmbeddedRegistry, more: object): Promise<Gate> {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'policies'))
  const policy = makeKeyPolicy('p', `${registry.host}/**`, [{ data: await registry.key('release') }])
  const registries = { registries: [{ host: registry.host, plainHttp: true }], ...more }
  writeFileSync(join(folder, 'policies', 'p.json'), JSON.stringify(policy))
  writeFileSync(join(folder, 'registries.yaml'), JSON.stringify(registries))
  const { gate, close } = await assembleGate({
    policiesDir: join(folder, 'policies'),
    registriesFile: join(folder, 'registries.yaml'),
    noMatch: 'deny',
    cacheBytes: 1024 * 1024,
  })
  t.teardown(close)
  return gate
}

/** What both webhooks make of a Pod that names the tag: the outcome, and the digest that would run. */
async function ask(gate: Gate, registry: EmbeddedRegistry) {
  const subject = makeSubject({ object: makePod(`${registry.host}/app:v1`) })
  const { verdict, pinning } = await preflight(subject, gate, 'matched', patience)
  return { outcome: verdict.outcome, digest: pinning.pins[0]?.to.split('@')[1] }
}

async function makeImages(t: Test, more: object) {
  const registry = await startRegistry(t)
  const gate = await openGate(t, registry, more)
  const good = await registry.image({ repository: 'app' })
  await registry.sign({ repository: 'app', digest: good.digest, key: 'release' })
  return { registry, gate, good: good.digest }
}

t.test('with everything remembered about a good image, the evil one that its tag is moved to is refused', async t => {
  const { registry, gate, good } = await makeImages(t, { keepTagsSeconds: 0 })
  t.strictSame(await ask(gate, registry), { outcome: 'allow', digest: good })
  const evil = await registry.image({ repository: 'app', contents: 'evil' })
  t.strictSame(await ask(gate, registry), { outcome: 'deny', digest: evil.digest })
})

t.test(
  'while it is remembered what a tag pointed at, the proven digest is what runs, and never what the tag points at now',
  async t => {
    const { registry, gate, good } = await makeImages(t, { keepTagsSeconds: 60 })
    t.strictSame(await ask(gate, registry), { outcome: 'allow', digest: good })
    const evil = await registry.image({ repository: 'app', contents: 'evil' })
    t.strictSame(await ask(gate, registry), { outcome: 'allow', digest: good })
    const pinned = makeSubject({ object: makePod(`${registry.host}/app:v1@${evil.digest}`) })
    t.equal(
      (await admit(pinned, gate, patience)).outcome,
      'deny',
      'the memory of the tag proves nothing about a digest',
    )
    const tagged = makeSubject({ object: makePod(`${registry.host}/app:v1`) })
    t.equal((await admit(tagged, gate, patience)).outcome, 'deny', 'and a tag is not admitted by it')
  },
)

t.test(
  'CVE-2022-47633: a tag that answers differently each time is asked once, and what was pinned is what is proven',
  async t => {
    const { registry, gate, good } = await makeImages(t, { keepTagsSeconds: 0 })
    const evil = await registry.image({ repository: 'app', tag: 'evil', contents: 'evil' })
    const order = [good, evil.digest]
    await registry.faults([{ kind: 'manifest', reference: 'v1', fault: { alternate: order } }])
    for (let n = 0; n < 4; n++) {
      await registry.forgetRequests()
      const digest = order[n % 2]
      t.strictSame(await ask(gate, registry), { outcome: digest === good ? 'allow' : 'deny', digest })
      const asked = (await registry.requests()).filter(({ path }) => path.endsWith('/manifests/v1'))
      t.equal(asked.length, 1)
    }
  },
)
