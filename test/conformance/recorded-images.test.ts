/** Every image that the real cosign signed, through the webhook and through `shedu check`; and each with one byte changed. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { digestOf } from '#core/domain/digest.ts'
import { COMPILE_CACHE } from '#core/runtime/start-program.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
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

/** One policy for each key would have to hold at once, so each key has a folder of its own. */
function policyOf(host: string, folder: string, key: string): object {
  const data = readFileSync(join(FIXTURES, 'keys', `${key}.pub`), 'utf8')
  const hashAlgorithm = key === 'p384' ? 'sha384' : 'sha256'
  return makeKeyPolicy(folder, `${host}/${folder}/**`, [{ data, hashAlgorithm }])
}

function podsOf(host: string, key: string): readonly object[] {
  return cases.map(({ image }) => ({ ...makePod(`${host}/${key}/${image}:v1`), metadata: { name: `${key}-${image}` } }))
}

async function checkByCommandLine(
  { policiesDir, registriesFile }: WebhookProcess,
  objects: readonly object[],
): Promise<ReadonlyMap<string, string>> {
  const flags = ['--policies', policiesDir, '--registries', registriesFile, '-o', 'json']
  const { promise, resolve } = Promise.withResolvers<readonly [stdout: string, stderr: string]>()
  // That something was refused is in the exit code, which is an error to whoever executes files.
  const child = execFile(
    process.execPath,
    ['cli/main.ts', 'check', '-f', '-', ...flags],
    { env: COMPILE_CACHE },
    (_, ...said) => resolve(said),
  )
  child.stdin?.end(objects.map(object => JSON.stringify(object)).join('\n---\n'))
  const [stdout, stderr] = await promise
  t.equal(stderr.includes('TypeError'), false, stderr)
  const { results } = JSON.parse(stdout) as {
    readonly results: readonly { readonly name: string; readonly outcome: string }[]
  }
  return new Map(results.map(({ name, outcome }) => [name, outcome]))
}

const registry = await startRegistry(t, { layouts: RECORDED_LAYOUTS, prefix: KEYS })
const webhook = await startWebhook(
  t,
  registry.host,
  KEYS.map(key => policyOf(registry.host, key, key)),
)
const checking = checkByCommandLine(
  webhook,
  KEYS.flatMap(key => podsOf(registry.host, key)),
)

for (const key of KEYS) {
  t.test(`the webhook and shedu check admit exactly what ${key} signed`, async t => {
    const objects = podsOf(registry.host, key)
    for (const [index, { image, digest, signedBy }] of cases.entries()) {
      const isSigned = signedBy.some(by => by.key === `keys/${key}.pub`)
      const cold = await webhook.create(objects[index] as never)
      t.equal(cold.allowed, isSigned, `${image}: ${cold.status?.message}`)
      t.match(JSON.stringify(cold.object), digest, `${image} is pinned to its digest`)
      const warm = await webhook.create(objects[index] as never)
      t.strictSame([warm.allowed, warm.status], [cold.allowed, cold.status], `${image}, asked again`)
      const beforehand = (await checking).get(`${key}-${image}`)
      t.equal(beforehand, isSigned ? 'admitted' : 'refused', `${image} beforehand`)
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
  for (const key of KEYS) {
    const signed = cases.filter(({ signedBy }) => signedBy.some(by => by.key === `keys/${key}.pub`))
    const parts = signed.flatMap(one => (['none', 'signature', 'payload'] as const).map(part => ({ ...one, part })))
    for (const { image, digest, part } of parts) {
      const repository = `${key}/changed/${image}/${part}`
      await store(repository, { image, digest }, part)
      const { allowed, status } = await webhook.review('validate', makePod(`${registry.host}/${repository}@${digest}`))
      t.equal(allowed, part === 'none', `${image} by ${key}, changed: ${part}`)
      if (part !== 'none') t.match(status?.message, /signature\.(?:invalid|wrong-key|wrong-image)/)
    }
  }
})

/** Stores the image again under another name, with one byte of one part flipped and every digest that covers it true. */
async function store(
  repository: string,
  { image, digest }: { readonly image: string; readonly digest: string },
  part: 'none' | 'signature' | 'payload',
): Promise<void> {
  const own = read(image, digest)
  const mediaType = (JSON.parse(own.toString()) as { readonly mediaType: string }).mediaType
  await registry.put({ repository, mediaType, manifest: own.toString() })
  for (const { tag, manifest } of carriersOf(image, digest)) {
    const layers = await Promise.all(
      (manifest.layers ?? []).map(layer => changeLayer(repository, read(image, layer.digest), layer, part)),
    )
    const text = JSON.stringify({ ...manifest, layers })
    const order = { repository, mediaType: 'application/vnd.oci.image.manifest.v1+json', manifest: text }
    await registry.put(tag === undefined ? order : { ...order, tag })
  }
}

async function changeLayer(
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

/** The webhook above knows what it has proven: here is one that knows nothing yet. */
const another = await startRegistry(t, { layouts: RECORDED_LAYOUTS, prefix: ['good', 'bad'] })
const release = await another.key('release')
const unknowing = await startWebhook(t, another.host, [
  policyOf(another.host, 'good', 'p256'),
  policyOf(another.host, 'bad', 'p256'),
  makeKeyPolicy('release', `${another.host}/built/**`, [{ data: release }]),
])

async function ask(repository: string, digest: string) {
  return await unknowing.review('validate', makePod(`${another.host}/${repository}@${digest}`))
}

t.test('an image whose own manifest was changed by one byte is refused, however well it is signed', async t => {
  const signed = cases.filter(({ signedBy }) => signedBy.some(by => by.key === 'keys/p256.pub'))
  t.ok(signed.length >= 5)
  for (const { image, digest } of signed) {
    const fault = { corruptByte: 30 }
    await another.faults([{ repository: `bad/${image}`, kind: 'manifest', reference: digest, fault }])
    const { allowed, status } = await ask(`bad/${image}`, digest)
    t.equal(allowed, false, image)
    t.match(status?.message, /image\.digest-mismatch/)
  }
})

t.test(
  'the digest that is named is what must be signed: an index covers itself, not a child named directly',
  async t => {
    const index = cases.find(({ image }) => image === 'index')
    const { manifests } = JSON.parse(read('index', index?.digest ?? '').toString()) as {
      readonly manifests: readonly Descriptor[]
    }
    const isAllowed = async (digest: string) => (await ask('good/index', digest)).allowed
    t.equal(await isAllowed(index?.digest ?? ''), true, 'the signed index')
    for (const child of manifests)
      t.equal(await isAllowed(child.digest), false, 'a child of it, named by its own digest')
  },
)

t.test('a signed child says nothing about an index that contains it', async t => {
  const isAllowed = async (repository: string, wanted: string) => (await ask(repository, wanted)).allowed
  const { digest, children } = await another.image({ repository: 'built/app', platforms: 2 })
  const [signed = '', unsigned = ''] = children
  await another.sign({ repository: 'built/app', digest: signed, key: 'release' })
  const found = [digest, signed, unsigned].map(wanted => isAllowed('built/app', wanted))
  t.strictSame(await Promise.all(found), [false, true, false])
  const other = await another.image({ repository: 'built/both', platforms: 1 })
  const both = [other.digest, ...other.children]
  for (const one of both) await another.sign({ repository: 'built/both', digest: one, key: 'release' })
  t.strictSame(await Promise.all(both.map(wanted => isAllowed('built/both', wanted))), [true, true])
})
