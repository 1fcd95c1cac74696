/** Every image that the real cosign signed, through the webhook and through `shedu check`; and each with one byte changed. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { digestOf } from '#core/domain/digest.ts'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'
import { type EmbeddedRegistry, RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { makePod } from '#test/support/make-subject.ts'
import { makeKeyPolicy, startWebhook, type WebhookProcess } from '#test/support/webhook-process.ts'

const FIXTURES = join(RECORDED_LAYOUTS, '..')

// A dozen processes are started one after the other; on a busy machine each takes seconds.
t.setTimeout(180_000)

type Case = {
  readonly image: string
  readonly digest: string
  readonly signedBy: readonly { readonly key?: string }[]
  readonly hashAlgorithm?: string
}

type Descriptor = {
  readonly mediaType: string
  readonly digest: string
  readonly annotations?: Readonly<Record<string, string>>
}
type Manifest = {
  readonly layers?: readonly Descriptor[]
  readonly manifests?: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly annotations?: object
}

const { cases } = JSON.parse(readFileSync(join(FIXTURES, 'cases.json'), 'utf8')) as { readonly cases: readonly Case[] }
const KEYS = ['p256', 'p384', 'rsa', 'ed25519', 'other']

/** One policy for each key would have to hold at once, so each key gets a webhook of its own. */
async function startWebhookFor(t: Test, registry: EmbeddedRegistry, key: string): Promise<WebhookProcess> {
  const data = readFileSync(join(FIXTURES, 'keys', `${key}.pub`), 'utf8')
  const hashAlgorithm = key === 'p384' ? 'sha384' : 'sha256'
  return await startWebhook(t, registry.host, [makeKeyPolicy(key, `${registry.host}/**`, [{ data, hashAlgorithm }])])
}

function pods(host: string): readonly object[] {
  return cases.map(({ image }) => ({ ...makePod(`${host}/vec/${image}:v1`), metadata: { name: image } }))
}

function checkByCommandLine(webhook: WebhookProcess, objects: readonly object[]): Readonly<Record<string, string>> {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      'cli/main.ts',
      'check',
      '-f',
      '-',
      '--policies',
      webhook.policiesDir,
      '--registries',
      webhook.registriesFile,
      '-o',
      'json',
    ],
    { input: objects.map(object => JSON.stringify(object)).join('\n---\n'), encoding: 'utf8', env: COMPILE_CACHE },
  )
  t.equal(stderr.includes('TypeError'), false, stderr)
  const { results } = JSON.parse(stdout) as {
    readonly results: readonly { readonly name: string; readonly outcome: string }[]
  }
  return Object.fromEntries(results.map(({ name, outcome }) => [name, outcome]))
}

for (const key of KEYS) {
  t.test(`the webhook and shedu check admit exactly what ${key} signed`, async t => {
    const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
    const webhook = await startWebhookFor(t, registry, key)
    const objects = pods(registry.host)
    const beforehand = checkByCommandLine(webhook, objects)
    for (const [index, { image, digest, signedBy }] of cases.entries()) {
      const isSigned = signedBy.some(by => by.key === `keys/${key}.pub`)
      const cold = await webhook.create(objects[index] as never)
      t.equal(cold.allowed, isSigned, `${image}: ${cold.status?.message}`)
      t.match(JSON.stringify(cold.object), digest, `${image} is pinned to its digest`)
      const warm = await webhook.create(objects[index] as never)
      t.strictSame([warm.allowed, warm.status], [cold.allowed, cold.status], `${image}, asked again`)
      t.equal(beforehand[image], isSigned ? 'admitted' : 'refused', `${image} beforehand`)
    }
  })
}

/** The parts of one recorded image: its own manifest, and what carries its signature. */
function read(image: string, digest: string): Buffer {
  return readFileSync(join(RECORDED_LAYOUTS, image, 'blobs', 'sha256', digest.slice('sha256:'.length)))
}

function flip(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}

function carriersOf(
  image: string,
  digest: string,
): readonly { readonly tag: string | undefined; readonly manifest: Manifest }[] {
  const index = JSON.parse(readFileSync(join(RECORDED_LAYOUTS, image, 'index.json'), 'utf8')) as Manifest
  return (index.manifests ?? []).flatMap((entry): readonly { tag: string | undefined; manifest: Manifest }[] => {
    const tag = entry.annotations?.['org.opencontainers.image.ref.name']
    const manifest = JSON.parse(read(image, entry.digest).toString()) as Manifest
    if (tag === `${digest.replace(':', '-')}.sig`) return [{ tag, manifest }]
    const isList = entry.annotations?.['org.olareg.referrer.subject'] === digest
    if (!isList) return []
    return (manifest.manifests ?? []).map(one => ({
      tag: undefined,
      manifest: JSON.parse(read(image, one.digest).toString()) as Manifest,
    }))
  })
}

t.test('each key-signed image with one byte of its signature or of what is signed changed is refused', async t => {
  const registry = await startRegistry(t)
  for (const key of KEYS) {
    const webhook = await startWebhookFor(t, registry, key)
    const signed = cases.filter(({ signedBy }) => signedBy.some(by => by.key === `keys/${key}.pub`))
    const parts = signed.flatMap(one => (['none', 'signature', 'payload'] as const).map(part => ({ ...one, part })))
    for (const { image, digest, part } of parts) {
      const repository = `changed/${key}/${image}/${part}`
      await store(registry, repository, { image, digest }, part)
      const { allowed, status } = await webhook.review('validate', makePod(`${registry.host}/${repository}@${digest}`))
      t.equal(allowed, part === 'none', `${image} by ${key}, changed: ${part}`)
      if (part !== 'none') t.match(status?.message, /signature\.(?:invalid|wrong-key|wrong-image)/)
    }
  }
})

/** Stores the image again under another name, with one byte of one part flipped and every digest that covers it true. */
async function store(
  registry: EmbeddedRegistry,
  repository: string,
  { image, digest }: { readonly image: string; readonly digest: string },
  part: 'none' | 'signature' | 'payload',
): Promise<void> {
  const own = read(image, digest)
  const mediaType = (JSON.parse(own.toString()) as { readonly mediaType: string }).mediaType
  await registry.put({ repository, mediaType, manifest: own.toString() })
  for (const { tag, manifest } of carriersOf(image, digest)) {
    const layers = await Promise.all(
      (manifest.layers ?? []).map(layer => changeLayer(registry, repository, read(image, layer.digest), layer, part)),
    )
    const text = JSON.stringify({ ...manifest, layers })
    const order = { repository, mediaType: 'application/vnd.oci.image.manifest.v1+json', manifest: text }
    await registry.put(tag === undefined ? order : { ...order, tag })
  }
}

async function changeLayer(
  registry: EmbeddedRegistry,
  repository: string,
  bytes: Buffer,
  layer: Descriptor,
  part: 'none' | 'signature' | 'payload',
): Promise<object> {
  const isBundle = layer.mediaType.includes('bundle')
  const changed = isBundle
    ? changeBundle(bytes, part)
    : part === 'payload'
      ? flip(bytes, bytes.indexOf('docker-reference') + 25)
      : bytes
  await registry.put({ repository, blob: changed })
  const annotations = Object.fromEntries(
    Object.entries(layer.annotations ?? {}).map(([name, value]) => {
      const isToFlip = part === 'signature' && name === 'dev.cosignproject.cosign/signature'
      const raw = Buffer.from(value, 'base64')
      return [name, isToFlip ? flip(raw, raw.length >> 1).toString('base64') : value]
    }),
  )
  return { ...layer, digest: digestOf(changed), size: changed.length, ...(layer.annotations ? { annotations } : {}) }
}

function changeBundle(bytes: Buffer, part: 'none' | 'signature' | 'payload'): Buffer {
  if (part === 'none') return bytes
  const bundle = JSON.parse(bytes.toString()) as { dsseEnvelope: { payload: string; signatures: { sig: string }[] } }
  const { dsseEnvelope } = bundle
  const change = (base64: string) => {
    const raw = Buffer.from(base64, 'base64')
    return flip(raw, raw.length >> 1).toString('base64')
  }
  const first = dsseEnvelope.signatures[0]
  if (part === 'payload') dsseEnvelope.payload = change(dsseEnvelope.payload)
  else if (first !== undefined) first.sig = change(first.sig)
  return Buffer.from(JSON.stringify(bundle))
}

t.test('an image whose own manifest was changed by one byte is refused, however well it is signed', async t => {
  const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
  const webhook = await startWebhookFor(t, registry, 'p256')
  const signed = cases.filter(({ signedBy }) => signedBy.some(by => by.key === 'keys/p256.pub'))
  t.ok(signed.length >= 5)
  for (const { image, digest } of signed) {
    await registry.faults([
      { repository: `vec/${image}`, kind: 'manifest', reference: digest, fault: { corruptByte: 30 } },
    ])
    const { allowed, status } = await webhook.review('validate', makePod(`${registry.host}/vec/${image}@${digest}`))
    t.equal(allowed, false, image)
    t.match(status?.message, /image\.digest-mismatch/)
  }
})

t.test(
  'the digest that is named is what must be signed: an index covers itself, not a child named directly',
  async t => {
    const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS })
    const webhook = await startWebhookFor(t, registry, 'p256')
    const index = cases.find(({ image }) => image === 'index')
    const { manifests } = JSON.parse(read('index', index?.digest ?? '').toString()) as {
      readonly manifests: readonly Descriptor[]
    }
    const ask = async (digest: string) =>
      (await webhook.review('validate', makePod(`${registry.host}/vec/index@${digest}`))).allowed
    t.equal(await ask(index?.digest ?? ''), true, 'the signed index')
    for (const child of manifests) t.equal(await ask(child.digest), false, 'a child of it, named by its own digest')
  },
)

t.test('a signed child says nothing about an index that contains it', async t => {
  const registry = await startRegistry(t)
  const data = await registry.key('release')
  const webhook = await startWebhook(t, registry.host, [makeKeyPolicy('release', `${registry.host}/**`, [{ data }])])
  const { digest, children } = await registry.image({ repository: 'app', platforms: 2 })
  const [signed = '', unsigned = ''] = children
  await registry.sign({ repository: 'app', digest: signed, key: 'release' })
  const ask = async (wanted: string) =>
    (await webhook.review('validate', makePod(`${registry.host}/app@${wanted}`))).allowed
  t.strictSame([await ask(digest), await ask(signed), await ask(unsigned)], [false, true, false])
  await registry.sign({ repository: 'app', digest, key: 'release', layout: 'bundle' })
  const other = await registry.image({ repository: 'both', platforms: 1 })
  for (const one of [other.digest, ...other.children])
    await registry.sign({ repository: 'both', digest: one, key: 'release' })
  const both = async (wanted: string) =>
    (await webhook.review('validate', makePod(`${registry.host}/both@${wanted}`))).allowed
  t.strictSame([await both(other.digest), await both(other.children[0] ?? '')], [true, true])
})
