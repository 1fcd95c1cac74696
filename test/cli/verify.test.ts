import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { readArtefact } from '#cli/read-artefact.ts'
import { askOf } from '#test/embedded/registry/ask.ts'
import { KEYLESS, type Scheme, schemeFor, signNew } from '#test/embedded/sigstore/sign-by-need.ts'
import { RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { shedu, spawned } from './run-shedu.ts'

const FIXTURES = join(RECORDED_LAYOUTS, '..')
const ROOT = join(FIXTURES, 'trusted_root.json')
const P256 = join(FIXTURES, 'keys', 'p256.pub')

t.setTimeout(120_000)

type Recorded = { readonly digest: string; readonly bundle: string; readonly manifest: string }

/** The one bundle of a recorded image, and the manifest that it is about, which is a file like any other. */
function recorded(image: string): Recorded {
  const { cases } = JSON.parse(readFileSync(join(FIXTURES, 'cases.json'), 'utf8')) as {
    cases: readonly { readonly image: string; readonly digest: string }[]
  }
  const digest = cases.find(one => one.image === image)?.digest ?? ''
  const blobs = join(RECORDED_LAYOUTS, image, 'blobs/sha256')
  const bundle = readdirSync(blobs).find(name => readFileSync(join(blobs, name)).includes('"dsseEnvelope"')) ?? ''
  return { digest, bundle: join(blobs, bundle), manifest: join(blobs, digest.slice('sha256:'.length)) }
}

const CI = [
  '--certificate-identity',
  'https://ci.example.test/acme/app/.ci/release.yml@refs/heads/main',
  '--certificate-oidc-issuer',
  'http://127.0.0.1:7000/ci',
]

function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'shedu-verify-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

t.test('says what the bundle of the real cosign proves, each fact on its line', async t => {
  const { bundle, digest, manifest } = recorded('keyless-ci-bundle')
  const args = ['verify', '--bundle', bundle, '--trusted-root', ROOT, ...CI]
  const { code, stdout, stderr } = await spawned([...args, manifest])
  t.strictSame([code, stderr], [0, ''])
  for (const line of [
    `verified ${manifest}`,
    `  digest: ${digest}`,
    '  signed: a statement about the file, of type https://sigstore.dev/cosign/sign/v1',
    '  signer: https://ci.example.test/acme/app/.ci/release.yml@refs/heads/main',
    '  vouched for by: http://127.0.0.1:7000/ci',
    '    sourceRepositoryURI: https://ci.example.test/acme/app',
    '  certified by: http://127.0.0.1:7010',
    '  seen: 2026-11-21T09:52:41.000Z by the timestamp authority http://127.0.0.1:7040/api/v1/timestamp',
  ])
    t.ok(stdout.split('\n').includes(line), line)
  t.match(stdout, /\n {2}log: http:\/\/127.0.0.1:7030 \([0-9a-f]{64}\)\n/)
  t.notMatch(stdout, /not asked for/)
  const byDigest = await shedu([...args, digest, '-o', 'json'])
  t.match(
    { ...byDigest, stdout: JSON.parse(byDigest.stdout) },
    {
      code: 0,
      stdout: {
        version: 1,
        outcome: 'verified',
        digest,
        proven: { signed: 'statement', signer: { issuer: 'http://127.0.0.1:7000/ci' }, logs: [{ baseUrl: String }] },
        notAskedFor: [],
        refusal: null,
      },
    },
  )
  const piped = await spawned([...args, '-'], readFileSync(manifest))
  t.match(piped, { code: 0, stdout: /^verified standard input\n/ })
})

t.test('is refused by whoever else is named, and of whatever else is given', async t => {
  const { bundle, digest, manifest } = recorded('keyless-ci-bundle')
  const verify = (...args: string[]) => shedu(['verify', '--bundle', bundle, '--trusted-root', ROOT, ...args])
  const stranger = await verify(...CI.with(1, 'https://ci.example.test/acme/app'), digest)
  t.match(stranger, {
    code: 1,
    stdout: /^refused sha256:.*\n {4}signature.wrong-identity: .*\n {4}expected .*\n {4}to fix/,
  })
  const other = await verify(...CI, join(FIXTURES, 'cases.json'))
  t.match(other, { code: 1, stdout: /signature.wrong-image/ })
  const type = await verify(...CI, '--predicate-type', 'https://slsa.dev/provenance/v1', manifest)
  t.match(type, { code: 1, stdout: /attestation.missing/ })
  const attested = recorded('provenance-only-bundle')
  const untyped = await shedu(['verify', '--bundle', attested.bundle, '--trusted-root', ROOT, ...CI, attested.digest])
  t.match(untyped, {
    code: 1,
    stdout: /attestation.wrong-type: .*\n {4}expected a signature, got an attestation of type/,
  })
  const json = await verify(...CI.with(3, 'http://127.0.0.1:7000'), digest, '-o', 'json')
  t.match(JSON.parse(json.stdout), {
    outcome: 'refused',
    proven: null,
    refusal: { code: 'signature.wrong-identity', kind: 'refused', remedy: String },
  })
})

t.test('an expression is searched for, and warned of where it is wide', async t => {
  const { bundle, digest } = recorded('keyless-ci-bundle')
  const args = ['verify', '--bundle', bundle, '--trusted-root', ROOT, '--certificate-oidc-issuer', CI[3] ?? '', digest]
  const anchored = '^https://ci\\.example\\.test/acme/app/.*$'
  t.match(await shedu([...args, '--certificate-identity-regexp', anchored]), { code: 0, stderr: '' })
  const wide = await shedu([...args, '--certificate-identity-regexp', 'example'])
  t.match(wide, { code: 0, stderr: /^warning: --certificate-identity-regexp example: also matches/ })
  t.match(await shedu([...args, '--certificate-identity-regexp', '(']), {
    code: 2,
    stderr: /^error: --certificate-identity-regexp \(: regex is invalid/,
  })
})

t.test('a key alone has no witness, and says so; with a trusted root it needs one', async t => {
  const plain = recorded('key-bundle-nolog')
  const args = ['verify', '--bundle', plain.bundle, '--key', P256, plain.digest]
  const alone = await shedu(args)
  t.match(alone, { code: 0, stdout: /\n {2}signer: key ad118a3b[0-9a-f]+\n {2}not asked for: any witness: / })
  t.match(await shedu([...args, '--trusted-root', ROOT]), { code: 1, stdout: /log.missing/ })
  const ignored = await shedu([...args, '--trusted-root', ROOT, '--insecure-ignore-log'])
  t.match(ignored, { code: 0, stdout: /not asked for: any witness/ })
  t.match(await shedu(args.with(4, join(FIXTURES, 'keys', 'other.pub'))), { code: 1, stdout: /signature.wrong-key/ })
  t.match(await shedu([...args, '--hash', '384']), { code: 1, stdout: /signature.invalid/ })
  const logged = recorded('key-bundle-rekor2-tsa')
  const witnessed = ['verify', '--bundle', logged.bundle, '--key', P256, '--trusted-root', ROOT, '--timestamp']
  t.match(await shedu([...witnessed, logged.digest]), { code: 0, stdout: /\n {2}log: http:.*\n {2}seen: 2026-11-21T/ })
  t.match(await shedu([...witnessed.toSpliced(1, 2, '--bundle', plain.bundle), plain.digest]), {
    code: 1,
    stdout: /time.missing/,
  })
})

/** A Sigstore bundle around a bare signature. */
function messageBundle(signature: Uint8Array): string {
  return JSON.stringify({
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: '' } },
    messageSignature: { signature: Buffer.from(signature).toString('base64') },
  })
}

t.test('of a digest it checks what can be checked, and says where the bytes are needed', async t => {
  const dir = folder(t)
  const file = join(dir, 'release.bin')
  writeFileSync(file, 'a release')
  const digest = (bits: number) => `sha${bits}:${createHash(`sha${bits}`).update('a release').digest('hex')}`
  const bundle = join(dir, 'bundle.json')
  const key = join(dir, 'key.pub')
  const asked = ['verify', '--bundle', bundle, '--key', key]
  const pairs = [
    ['ec', generateKeyPairSync('ec', { namedCurve: 'P-384' }), 0],
    ['rsa', generateKeyPairSync('rsa', { modulusLength: 2048 }), 0],
    ['ed25519', generateKeyPairSync('ed25519'), 2],
  ] as const
  for (const [type, { publicKey, privateKey }, code] of pairs) {
    const hash = type === 'ed25519' ? null : 'sha384'
    writeFileSync(bundle, messageBundle(sign(hash, Buffer.from('a release'), privateKey)))
    writeFileSync(key, publicKey.export({ format: 'pem', type: 'spki' }))
    const args = [...asked, ...(hash === null ? [] : ['--hash', '384'])]
    t.match(await shedu([...args, file]), { code: 0, stdout: /signed: the file itself/ }, type)
    const hashed = await shedu([...args, digest(384)])
    t.equal(hashed.code, code, `${type}, of a digest`)
    const short = await shedu([...args, digest(256)])
    t.match(short, { code: 2, stdout: '', stderr: /^error: sha256:.*expected, for a signature by a key of type/ })
  }
  t.match((await shedu([...asked, digest(384)])).stderr, /of type ed25519, the bytes: a digest is not enough/)
  t.match(await shedu([...asked, 'sha256:ABC']), { code: 2, stderr: /expected sha256: and 64 lower-case hex digits/ })
})

t.test('keeps the bytes of a file up to a bound, and of a longer one the digests', async t => {
  const read = (text: string) => readArtefact('-', new PassThrough().end(text), 4)
  t.strictSame((await read('four')).message, Buffer.from('four'))
  const { message } = await read('fives')
  const digests = Object.fromEntries(
    ['sha256', 'sha384', 'sha512'].map(name => [name, createHash(name).update('fives').digest()]),
  )
  t.strictSame(message, digests)
})

t.test('wrong usage is exit code 2, and a sentence that names flag and file', async t => {
  const { bundle, digest } = recorded('key-bundle-nolog')
  const asked = ['--bundle', bundle]
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /missing required argument 'file'/],
    [[digest], /^error: --bundle is missing/],
    [[...asked, digest], /^error: --key or --certificate-identity is missing/],
    [[...asked, ...CI, digest], /^error: --trusted-root is missing/],
    [[...asked, ...CI.slice(0, 2), digest], /^error: --certificate-oidc-issuer is missing/],
    [[...asked, ...CI.slice(2), digest], /^error: --certificate-identity is missing/],
    [[...asked, ...CI, '--key', P256, digest], /^error: --key and --certificate-identity exclude each other/],
    [[...asked, ...CI, '--certificate-identity-regexp', 'x', digest], /exclude each other/],
    [[...asked, ...CI.with(1, ''), digest], /^error: --certificate-identity: expected a name, got nothing/],
    [[...asked, ...CI, '--hash', '384', digest], /^error: --hash is for --key/],
    [[...asked, '--key', P256, '--insecure-ignore-sct', digest], /--insecure-ignore-sct exclude each other/],
    [[...asked, '--key', P256, '--timestamp', digest], /^error: --timestamp needs --trusted-root/],
    [[...asked, '--key', P256, '--hash', '1', digest], /--hash.*256, 384, 512/],
    [[...asked, '--key', 'absent.pub', digest], /^error: --key absent.pub: there is no such file/],
    [[...asked, '--key', bundle, digest], /^error: --key .*: expected a PEM block|^error: --key .*: expected one PEM/],
    [[...asked, '--key', P256, '--trusted-root', P256, digest], /^error: --trusted-root .*p256.pub: expected JSON/],
    [['--bundle', 'absent.json', '--key', P256, digest], /^error: --bundle absent.json: there is no such file/],
    [['--bundle', FIXTURES, '--key', P256, digest], /^error: --bundle .*: expected a file, got a folder/],
    [[...asked, '--key', P256, 'absent.bin'], /^error: absent.bin: there is no such file/],
    [[...asked, '--key', P256, FIXTURES], /images: expected a file, got a folder/],
  ]
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await shedu(['verify', ...args])
    t.strictSame([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, message)
  }
})

t.test('what is no bundle is not verified, and nothing that stands in one reaches the terminal raw', async t => {
  const dir = folder(t)
  const file = join(dir, 'bundle.json')
  const verify = (content: string) => {
    writeFileSync(file, content)
    return shedu(['verify', '--bundle', file, '--key', P256, P256])
  }
  t.match(await verify('not a bundle'), { code: 1, stdout: /signature.invalid: .*\n {4}expected JSON\n/ })
  t.match(await verify('{"base64Signature":"AAAA","cert":"","rekorBundle":{}}'), { code: 1, stdout: /older bundle/ })
  const hostile = await verify(JSON.stringify({ mediaType: '\u001b[2J\u202e' }))
  t.match(hostile, { code: 1, stdout: /got "\\u001b\[2J\\u202e"/ })
})

t.test('help teaches by example, and says what is asked for and how long a file may be', async t => {
  const { code, stdout } = await shedu(['verify', '--help'])
  t.equal(code, 0)
  t.match(stdout, /\$ shedu verify --bundle app.sigstore.json --key release.pub app.tar.gz/)
  t.match(stdout, /128 MiB[\s\S]*Exit codes:\n {2}0 {2}verified\n {2}1 {2}not verified\n {2}2 /)
})

/** What a fault comes to here where it is no fault of this bundle, or the good one is of somebody else. */
const ELSEWHERE: Readonly<Record<string, number>> = {
  // Of alice, whom nobody has named.
  'username-san': 1,
  // One log holds it twice, and one is asked for.
  'entry-twice': 0,
  // The registry's word on what is in the bundle, which nobody reads.
  'predicate-type-annotation-differs': 0,
}

/** How a private Sigstore's subject and issuer are asked for. */
const ACME = ['--certificate-identity', KEYLESS.subject, '--certificate-oidc-issuer', KEYLESS.issuer]

t.test('keyless bundles of a private Sigstore, whole and each weakened by name', async t => {
  const registry = await startRegistry(t)
  const dir = folder(t)
  const root = join(dir, 'acme.json')
  writeFileSync(root, JSON.stringify(await registry.sigstore({ name: 'acme' })))
  const verifyNew = async (scheme: Scheme, ...flags: string[]) => {
    const { text, message, digest } = await signNew(registry, askOf(registry), scheme)
    const bundle = join(dir, 'bundle.json')
    const file = join(dir, 'payload')
    writeFileSync(bundle, text)
    if (message !== undefined) writeFileSync(file, message)
    const artefact = message === undefined ? digest : file
    return shedu(['verify', '--bundle', bundle, '--trusted-root', root, ...ACME, ...flags, artefact])
  }
  const keyless = { keyless: KEYLESS }
  const bare = { ...keyless, layout: 'simple-signing', log: 'rekor1' } as const
  t.match(await verifyNew(bare), { code: 0, stdout: /signed: the file itself[\s\S]*seen: .* by the log https:/ })
  t.match(await verifyNew(bare, '--timestamp'), { code: 1, stdout: /time.missing/ })
  t.match(await verifyNew({ ...bare, timestamp: true }, '--timestamp'), { code: 0, stdout: /timestamp authority/ })
  const unlogged = { ...keyless, layout: 'bundle', timestamp: true } as const
  t.match(await verifyNew(unlogged), { code: 1, stdout: /log.missing/ })
  t.match(await verifyNew(unlogged, '--insecure-ignore-log'), { code: 0, stdout: /not asked for: an entry in a/ })
  const untimed = { ...keyless, layout: 'bundle', log: 'rekor2' } as const
  t.match(await verifyNew(untimed), { code: 1, stdout: /time.missing/ })
  const unseen = await verifyNew({ ...keyless, layout: 'bundle' }, '--insecure-ignore-log')
  t.match(unseen, { code: 0, stdout: /until: .*: nobody has seen when it was signed\n/ }, 'while the certificate lives')
  const past = { signedAt: new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+/, '') }
  const ended = await verifyNew({ ...keyless, ...past, layout: 'bundle' }, '--insecure-ignore-log')
  t.match(ended, { code: 1, stdout: /certificate.expired/ })
  const withoutSct = { ...schemeFor(['certificate']), fault: 'sct-missing' }
  t.match(await verifyNew(withoutSct), { code: 1, stdout: /sct.missing/ })
  t.match(await verifyNew(withoutSct, '--insecure-ignore-sct'), { code: 0, stdout: /not asked for: an SCT/ })
  const has = ['certificate', 'log', 'proof', 'rekor2', 'timestamp', 'bundle', 'statement']
  const faults = (await registry.signatureFaults()).filter(({ needs }) => needs.every(need => has.includes(need)))
  t.ok(faults.length > 40, `${faults.length} faults`)
  for (const { name, good, needs } of faults) {
    const { code, stdout } = await verifyNew({ ...schemeFor(needs), fault: name }, '--timestamp')
    t.equal(code, ELSEWHERE[name] ?? (good ? 0 : 1), `${name}: ${stdout.slice(0, 300)}`)
  }
})
