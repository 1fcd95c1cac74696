/** The webhook and `shedu check` say the same of every situation, and the webhook says it again in the same words when warm. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { makePod } from '#test/support/make-subject.ts'
import { makeKeyPolicy, startWebhook } from '#test/support/webhook-process.ts'

t.setTimeout(120_000)

/** Repository and whether its image, under `v1`, is admitted; the code that the answer must name otherwise. */
const SITUATIONS = [
  ['shop/signed', true, ''],
  ['shop/bundle', true, ''],
  ['shop/unsigned', false, 'image.unsigned'],
  ['shop/stranger', false, 'signature.wrong-key'],
  ['shop/forged', false, 'signature.invalid'],
  ['shop/copied', false, 'signature.wrong-image'],
  ['shop/attested', false, 'attestation.wrong-type'],
  ['shop/moved', false, 'image.unsigned'],
  ['shop/gone', false, 'image.not-found'],
  ['elsewhere/app', false, 'policy.none-matched'],
] as const

t.test('webhook and shedu check agree, cold and warm', async t => {
  const registry = await startRegistry(t)
  const data = await registry.key('release')
  await registry.key('stranger')
  const build = async (repository: string) => (await registry.image({ repository })).digest
  const sign = async (repository: string, order: object = {}) =>
    await registry.sign({ repository, digest: await build(repository), key: 'release', ...order })
  await sign('shop/signed')
  await sign('shop/bundle', { layout: 'bundle' })
  const unsigned = await build('shop/unsigned')
  await sign('shop/stranger', { key: 'stranger' })
  await sign('shop/forged', { layout: 'bundle', tamper: 'payload' })
  await sign('shop/copied', { signedDigest: unsigned })
  await sign('shop/attested', { layout: 'bundle', predicateType: 'https://slsa.dev/provenance/v1' })
  await sign('shop/moved')
  await registry.image({ repository: 'shop/moved', contents: 'something else' })
  const webhook = await startWebhook(t, registry.host, [makeKeyPolicy('shop', `${registry.host}/shop/**`, [{ data }])])

  const objects = SITUATIONS.map(([name]) => ({
    ...makePod(`${registry.host}/${name}:v1`),
    metadata: { name: name.replace('/', '-') },
  }))
  const flags = ['--policies', webhook.policiesDir, '--registries', webhook.registriesFile, '-o', 'json']
  const input = objects.map(object => JSON.stringify(object)).join('\n---\n')
  const checked = spawnSync(process.execPath, ['cli/main.ts', 'check', '-f', '-', ...flags], {
    input,
    env: COMPILE_CACHE,
  })
  type Result = { readonly outcome: string; readonly objections: readonly { readonly code: string }[] }
  const { results } = JSON.parse(checked.stdout.toString()) as { readonly results: readonly Result[] }

  for (const [index, [name, isAdmitted, code]] of SITUATIONS.entries()) {
    const object = objects[index] ?? {}
    const cold = await webhook.create(object)
    t.equal(cold.allowed, isAdmitted, `${name}: ${cold.status?.message}`)
    t.ok((cold.status?.message ?? '').includes(code), `${name} names ${code}`)
    const warm = await webhook.create(object)
    t.strictSame([warm.allowed, warm.status, warm.object], [cold.allowed, cold.status, cold.object], `${name}, warm`)
    t.equal(results[index]?.outcome, isAdmitted ? 'admitted' : 'refused', `${name} beforehand`)
    t.strictSame(
      results[index]?.objections.map(one => one.code),
      isAdmitted ? [] : [code],
      `${name} beforehand`,
    )
  }
  t.equal(checked.status, 1)
})
