import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assembleGate } from '#assembly/assemble-gate.ts'
import { admit } from '#core/gate/admit.ts'
import type { Gate } from '#core/gate/gate.ts'
import { preflight } from '#core/gate/preflight.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makePod, makeSubject } from '#test/support/make-subject.ts'
import { makeKeyPolicy, startWebhook } from '#test/support/webhook-process.ts'

const patience = new AbortController().signal

const registry = await startRegistry(t)
const data = await registry.key('release')

/** A gate that wants every image of the registry signed by its key `release`. */
async function openGate(t: Test, more: object): Promise<Gate> {
  const folder = mkdtempSync(join(tmpdir(), 'shedu-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'policies'))
  const policy = makeKeyPolicy('p', `${registry.host}/**`, [{ data }])
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

/** A gate and a good image, and what both webhooks make of a Pod that names its tag: the outcome, and the digest that would run. */
async function makeImages(t: Test, repository: string, more: object) {
  const gate = await openGate(t, more)
  const good = await registry.image({ repository })
  await registry.sign({ repository, digest: good.digest, key: 'release' })
  const ask = async () => {
    const subject = makeSubject({ object: makePod(`${registry.host}/${repository}:v1`) })
    const { verdict, pinning } = await preflight(subject, gate, 'matched', patience)
    return { outcome: verdict.outcome, digest: pinning.pins[0]?.to.split('@')[1] }
  }
  return { gate, good: good.digest, ask }
}

t.test('with everything remembered about a good image, the evil one that its tag is moved to is refused', async t => {
  const { good, ask } = await makeImages(t, 'moved', { keepTagsSeconds: 0 })
  t.strictSame(await ask(), { outcome: 'allow', digest: good })
  const evil = await registry.image({ repository: 'moved', contents: 'evil' })
  t.strictSame(await ask(), { outcome: 'deny', digest: evil.digest })
})

t.test(
  'while it is remembered what a tag pointed at, the proven digest is what runs, and never what the tag points at now',
  async t => {
    const { gate, good, ask } = await makeImages(t, 'remembered', { keepTagsSeconds: 60 })
    t.strictSame(await ask(), { outcome: 'allow', digest: good })
    const evil = await registry.image({ repository: 'remembered', contents: 'evil' })
    t.strictSame(await ask(), { outcome: 'allow', digest: good })
    const pinned = makeSubject({ object: makePod(`${registry.host}/remembered:v1@${evil.digest}`) })
    t.equal(
      (await admit(pinned, gate, patience)).outcome,
      'deny',
      'the memory of the tag proves nothing about a digest',
    )
    const tagged = makeSubject({ object: makePod(`${registry.host}/remembered:v1`) })
    t.equal((await admit(tagged, gate, patience)).outcome, 'deny', 'and a tag is not admitted by it')
  },
)

t.test(
  'CVE-2022-47633: a tag that answers differently each time is asked once, and what was pinned is what is proven',
  async t => {
    const { good, ask } = await makeImages(t, 'alternating', { keepTagsSeconds: 0 })
    const evil = await registry.image({ repository: 'alternating', tag: 'evil', contents: 'evil' })
    const order = [good, evil.digest]
    await registry.faults([{ kind: 'manifest', reference: 'v1', fault: { alternate: order } }])
    for (let n = 0; n < 4; n++) {
      await registry.forgetRequests()
      const digest = order[n % 2]
      t.strictSame(await ask(), { outcome: digest === good ? 'allow' : 'deny', digest })
      const asked = (await registry.requests()).filter(({ path }) => path.endsWith('/manifests/v1'))
      t.equal(asked.length, 1)
    }
  },
)

t.test(
  'an old image that a registry brings back under its tag is admitted, and how old its signature is, is told',
  async t => {
    const registry = await startRegistry(t)
    const twoYearsAgo = new Date(Date.now() - 2 * 365 * 86_400_000 + 86_400_000)
    const startsAt = new Date(twoYearsAgo.getTime() - 86_400_000).toISOString()
    const root = await registry.sigstore({ name: 'acme', startsAt })
    const roots = t.testdir({ 'default.json': JSON.stringify(root) })
    const signer = { issuer: 'https://token.ci.test', subject: 'https://ci.test/acme/release.yml@refs/heads/main' }
    const signAt = async (digest: string, at: Date) => {
      const keyless = { sigstore: 'acme', ...signer }
      const signedAt = `${at.toISOString().slice(0, 19)}Z`
      await registry.sign({ repository: 'app', digest, keyless, log: 'rekor1', layout: 'bundle', signedAt })
      return signedAt
    }
    const old = await registry.image({ repository: 'app', contents: 'with a hole' })
    const signedAt = await signAt(old.digest, twoYearsAgo)
    const recent = await registry.image({ repository: 'app', contents: 'mended' })
    await signAt(recent.digest, new Date())
    const policy = {
      apiVersion: 'policy.sigstore.dev/v1beta1',
      kind: 'ClusterImagePolicy',
      metadata: { name: 'keyless' },
      spec: { images: [{ glob: '**' }], authorities: [{ keyless: { identities: [signer] } }] },
    }
    const webhook = await startWebhook(t, registry.host, [policy], { SHEDU_TRUST_ROOTS_DIR: roots })
    await registry.faults([{ kind: 'manifest', reference: 'v1', fault: { alternate: [old.digest, old.digest] } }])
    const answer = await webhook.create(makePod(`${registry.host}/app:v1`))
    t.match(answer, { allowed: true, auditAnnotations: { proofs: ` at ${signedAt.replace('Z', '')}` } })
    t.match(answer.auditAnnotations?.['proofs'], old.digest)
    const metrics = await (await fetch(`http://127.0.0.1:${webhook.opsPort}/metrics`)).text()
    t.match(metrics, 'shedu_proof_age_seconds_bucket{le="31536000"} 0\n')
    t.match(metrics, 'shedu_proof_age_seconds_bucket{le="63072000"} 1\n')
  },
)
