/** Published attacks in real registries: what these keep and serve, however odd it is, and what the gate makes of it. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { makeCosign2, makeCosign3, makeCrane } from '../stack/make-runner.ts'
import { startDistribution, startOlareg } from '../stack/registries.ts'
import { pushImage } from './images.ts'
import { openGate } from './open-gate.ts'
import { describe, INDEX_TYPE, MANIFEST_TYPE, openRepository, signatureTag } from './push.ts'

t.setTimeout(300_000)

const [olareg, distribution, crane, cosign, stranger] = await Promise.all([
  startOlareg(t),
  startDistribution(t),
  makeCrane(t),
  makeCosign2(t),
  makeCosign3(t),
])
await Promise.all([cosign, stranger].map(one => one.run(['generate-key-pair'])))
const publicKey = await readFile(join(cosign.folder, 'cosign.pub'), 'utf8')
const real = { olareg, distribution }

const OFFLINE = ['--key=cosign.key', '--tlog-upload=false']
const sign = (image: string) => cosign.run(['sign', ...OFFLINE, image])
const signAsStranger = (image: string) => stranger.run(['sign', ...OFFLINE, '--use-signing-config=false', image])
const digestIn = (image: string) => image.split('@')[1] ?? ''

/** A gate that remembers no tag: what it says is said of what is there now. */
const registries = {
  registries: Object.values(real).map(({ host }) => ({ host, plainHttp: true })),
  keepTagsSeconds: 0,
}
const ask = await openGate(t, { publicKey, registries })

type Check = (t: Test, host: string, name: string) => Promise<void>

/** One test, in which each registry has its turn. */
function atEach(title: string, check: Check): void {
  void t.test(title, async t => {
    for (const [name, { host }] of Object.entries(real)) await t.test(name, async t => check(t, host, name))
  })
}

atEach('a signed image is admitted, and what its tag is moved to is not, with all remembered', async (t, host) => {
  const image = await pushImage(crane, `${host}/moved/app:v1`)
  await sign(image)
  const good = digestIn(image)
  for (const when of ['cold', 'warm'])
    t.match(await ask(`${host}/moved/app:v1`), { outcome: 'allow', digest: good }, when)
  const evil = digestIn(await pushImage(crane, `${host}/moved/evil:v1`))
  await crane.run(['copy', `${host}/moved/evil@${evil}`, `${host}/moved/app:v1`])
  t.match(await ask(`${host}/moved/app:v1`), { outcome: 'deny', codes: ['image.unsigned'], digest: evil })
  t.match(await ask(`${host}/moved/app:v1@${good}`), { outcome: 'allow', digest: good }, 'a digest is what it was')
})

atEach('a signature that is copied to another image is that of another image', async (t, host) => {
  const [one, two] = [await pushImage(crane, `${host}/copied/one:v1`), await pushImage(crane, `${host}/copied/two:v1`)]
  await sign(one)
  const [from, to] = [one, two].map(image => signatureTag(digestIn(image)))
  await crane.run(['copy', `${host}/copied/one:${from}`, `${host}/copied/two:${to}`])
  t.match(await ask(two), { outcome: 'deny', codes: ['signature.wrong-image'] })
})

atEach('an index is signed for itself, and a child for itself', async (t, host) => {
  const [a, b] = [await pushImage(crane, `${host}/index/app:a`), await pushImage(crane, `${host}/index/app:b`)]
  const append = async (tag: string, ...children: readonly string[]) => {
    const flags = children.map(child => `--manifest=${child}`)
    const { stdout } = await crane.run(['index', 'append', ...flags, `--tag=${host}/index/app:${tag}`])
    return stdout.trim()
  }
  const index = await append('v1', a, b)
  await sign(index)
  t.match(await ask(`${host}/index/app:v1`), { outcome: 'allow', digest: digestIn(index) })
  t.match(await ask(a), { outcome: 'deny', codes: ['image.unsigned'] }, 'a child that nobody signed')
  await sign(b)
  t.match(await ask(b), { outcome: 'allow' })
  const other = await append('v2', b)
  t.match(await ask(other), { outcome: 'deny', codes: ['image.unsigned'] }, 'an index that nobody signed')
})

atEach('every spelling of one image is that image, and what is none is told', async (t, host) => {
  const image = await pushImage(crane, `${host}/spelt/app:v1`)
  await sign(image)
  const digest = digestIn(image)
  for (const spelt of [image, `${host}/spelt/app:v1`, `${host}/spelt/app:gone@${digest}`])
    t.match(await ask(spelt), { outcome: 'allow', digest }, spelt)
  const none = `${host}/spelt/app@sha256:${'0'.repeat(64)}`
  t.match(await ask(none), { outcome: 'deny', codes: ['image.not-found'] })
  for (const odd of [`${host}/Spelt/app@${digest}`, `user@${host}/spelt/app`, `${host}//spelt/app`, digest])
    t.match(await ask(odd), { outcome: 'deny', codes: ['image.reference-invalid'] }, odd)
})

atEach(
  'the right signature among five hundred others is found, and of a thousand and one none is read',
  async (t, host) => {
    const image = await pushImage(crane, `${host}/many/app:v1`)
    await sign(image)
    const repository = openRepository(host, 'many/app')
    const tag = signatureTag(digestIn(image))
    const manifest = await repository.readManifest(tag)
    const [right] = manifest.layers
    if (right === undefined) throw new Error('expected cosign to have written a signature')
    const foreign = (count: number) =>
      Array.from({ length: count }, (_, n) => ({
        ...right,
        annotations: { 'dev.cosignproject.cosign/signature': Buffer.from(`signature ${n}`).toString('base64') },
      }))
    await repository.pushManifest(tag, { ...manifest, layers: [...foreign(500), right] })
    t.match(await ask(image), { outcome: 'allow' })
    const fresh = await openGate(t, { publicKey, registries })
    await repository.pushManifest(tag, { ...manifest, layers: [...foreign(1000), right] })
    t.match(await fresh(image), { outcome: 'deny', codes: ['limit.exceeded'], details: /at most 1000 signatures/ })
  },
)

atEach(
  'a payload of twenty megabytes, and one that is not as long as it is called, are not believed',
  async (t, host) => {
    const image = await pushImage(crane, `${host}/large/app:v1`)
    const repository = openRepository(host, 'large/app')
    const config = await repository.pushBlob('{}', 'application/vnd.oci.image.config.v1+json')
    const annotations = { 'dev.cosignproject.cosign/signature': 'AAAA' }
    const large = await repository.pushBlob(Buffer.alloc(20_000_000), 'application/octet-stream')
    const attach = (layer: object) =>
      repository.pushManifest(signatureTag(digestIn(image)), {
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config,
        layers: [{ ...layer, annotations }],
      })
    await attach(large)
    t.match(await ask(image), { outcome: 'deny', codes: ['limit.exceeded'] })
    const fresh = await openGate(t, { publicKey, registries })
    await attach({ ...large, size: 1000 })
    t.match(await fresh(image), { outcome: 'deny', codes: ['image.digest-mismatch'], details: /expected 1000 bytes/ })
  },
)

atEach(
  'a manifest that two readers read differently is refused, if the registry takes it at all',
  async (t, host, name) => {
    const repository = openRepository(host, 'two/app')
    const config = await repository.pushBlob('{}', 'application/vnd.oci.image.config.v1+json')
    const layer = await repository.pushBlob('layer', 'application/vnd.oci.image.layer.v1.tar')
    const untyped = { schemaVersion: 2, config, layers: [layer] }
    const honest = { ...untyped, mediaType: MANIFEST_TYPE }
    const child = { ...describe(JSON.stringify(honest), MANIFEST_TYPE) }
    await repository.pushManifest('v1', honest)
    const cases: Readonly<Record<string, readonly [content: string, mediaType: string]>> = {
      both: [JSON.stringify({ ...honest, manifests: [child] }), MANIFEST_TYPE],
      index: [JSON.stringify({ ...untyped, manifests: [child] }), INDEX_TYPE],
      letters: [JSON.stringify({ ...honest, Manifests: [child] }), MANIFEST_TYPE],
      twice: [JSON.stringify(honest).replace('"layers":', '"layers":[],"layers":'), MANIFEST_TYPE],
      number: [JSON.stringify(honest).replace('"size":', '"x":12345678901234567890,"size":'), MANIFEST_TYPE],
    }
    const taken: string[] = []
    for (const [tag, [content, mediaType]] of Object.entries(cases)) {
      if (!(await repository.offerManifest(tag, content, mediaType))) continue
      taken.push(tag)
      t.match(await ask(`${host}/two/app:${tag}`), { outcome: 'deny', codes: ['image.ambiguous-manifest'] }, tag)
    }
    t.strictSame(taken, name === 'olareg' ? Object.keys(cases) : ['twice', 'number'])
  },
)

atEach('where one writer lost another’s entry, what is left in either place is found', async (t, host) => {
  const image = await pushImage(crane, `${host}/race/app:v1`)
  await signAsStranger(image)
  t.match(await ask(image), { outcome: 'deny', codes: ['signature.wrong-key'] })
  await sign(image)
  const fresh = await openGate(t, { publicKey, registries })
  t.match(await fresh(image), { outcome: 'allow' })
  const bare = await pushImage(crane, `${host}/race/bare:v1`)
  const { details } = await ask(bare)
  t.match(details, /for a \.sig tag, for referrers and for their fallback tag/)
})
