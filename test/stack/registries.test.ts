import t from 'tap'
import { makeCosign2, makeCosign3, makeCrane } from './make-runner.ts'
import { type Registry, startDistribution, startOlareg } from './registries.ts'

t.setTimeout(120_000)

const [olareg, distribution, crane, cosign2, cosign3] = await Promise.all([
  startOlareg(t),
  startDistribution(t),
  makeCrane(t),
  makeCosign2(t),
  makeCosign3(t),
])

await Promise.all([cosign2, cosign3].map(cosign => cosign.run(['generate-key-pair'])))

/** Neither a log nor a time authority: what is asked here is where a signature lies. */
const OFFLINE = ['--tlog-upload=false']
const BUNDLE = [...OFFLINE, '--use-signing-config=false']

/** Pushes an image of its own for each name, and names it by digest. */
async function pushImage(registry: Registry, name: string): Promise<string> {
  const { stdout } = await crane.run([
    'append',
    '--oci-empty-base',
    '--new_layer=/dev/null',
    `--new_tag=${registry.host}/${name}:1`,
  ])
  return stdout.trim()
}

for (const [name, registry] of Object.entries({ olareg, distribution })) {
  t.test(`${name} gives back the image that crane pushed`, async t => {
    const image = await pushImage(registry, 'shop/web')
    t.match(image, new RegExp(`^${RegExp.escape(registry.host)}/shop/web@sha256:[0-9a-f]{64}$`))
    const { stdout } = await crane.run(['digest', `${registry.host}/shop/web:1`])
    t.equal(stdout.trim(), image.split('@')[1])
  })
}

t.test('cosign 2 signs by a tag, and verifies with the key', async t => {
  const image = await pushImage(olareg, 'cosign2/web')
  await cosign2.run(['sign', '--key=cosign.key', ...OFFLINE, image])
  const { stdout: tags } = await crane.run(['ls', `${olareg.host}/cosign2/web`])
  t.match(tags, /^sha256-[0-9a-f]{64}\.sig$/m)
  const { stdout } = await cosign2.run(['verify', '--key=cosign.pub', '--insecure-ignore-tlog', image])
  t.match(JSON.parse(stdout), [{ critical: { image: { 'docker-manifest-digest': image.split('@')[1] } } }])
})

t.test('cosign 3 signs by a referrer where the registry knows them, by the fallback tag where not', async t => {
  for (const registry of [olareg, distribution]) {
    const image = await pushImage(registry, 'cosign3/web')
    await cosign3.run(['sign', '--key=cosign.key', ...BUNDLE, image])
    const digest = image.split('@')[1] ?? ''
    const referrers = await fetch(`http://${registry.host}/v2/cosign3/web/referrers/${digest}`)
    const { stdout: tags } = await crane.run(['ls', `${registry.host}/cosign3/web`])
    t.equal(referrers.status, registry === olareg ? 200 : 404)
    t.equal(tags.includes(digest.replace(':', '-')), registry === distribution)
    if (registry === olareg)
      t.match(await referrers.json(), {
        manifests: [{ artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json' }],
      })
    await cosign3.run(['verify', '--key=cosign.pub', '--insecure-ignore-tlog', image])
  }
})

t.test('a signature by another key is refused in the words of cosign', async t => {
  const image = await pushImage(olareg, 'other/web')
  const stranger = await makeCosign3(t)
  await stranger.run(['generate-key-pair'])
  await cosign3.run(['sign', '--key=cosign.key', ...BUNDLE, image])
  await t.rejects(stranger.run(['verify', '--key=cosign.pub', '--insecure-ignore-tlog', image]), {
    name: 'CommandFailed',
    message: /accepted signatures do not match threshold, Found: 0, Expected 1/,
  })
})

t.test('no program asks the world: what does is refused at once', async t => {
  const image = await pushImage(olareg, 'world/web')
  await t.rejects(cosign3.run(['sign', '--key=cosign.key', image]), { message: /127\.0\.0\.1:9/ })
})

t.test('a registry that was stopped answers no more', async t => {
  const registry = await startOlareg(t)
  await registry.stop()
  await t.rejects(fetch(`http://${registry.host}/v2/`))
})
