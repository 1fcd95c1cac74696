import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type EmbeddedRegistry, RECORDED_LAYOUTS, startRegistry } from '#test/support/embedded-registry.ts'
import { shedu, spawned } from './run-shedu.ts'

const FIXTURES = join(RECORDED_LAYOUTS, '..')
const P256 = readFileSync(join(FIXTURES, 'keys', 'p256.pub'), 'utf8')
const CI = {
  issuer: 'http://127.0.0.1:7000/ci',
  subject: 'https://ci.example.test/acme/app/.ci/release.yml@refs/heads/main',
}
const PROVENANCE = 'https://slsa.dev/provenance/v1'

t.setTimeout(120_000)

type Stage = {
  readonly dir: string
  readonly registry: EmbeddedRegistry
  /** The flags that every call has: how the registry is reached. */
  readonly flags: readonly string[]
  /** Replaces the policies by one with these authorities, and gives the flags. */
  readonly policy: (authorities: readonly object[], mode?: string) => readonly string[]
  /** Puts a trust root beside `default`, and gives the flags. */
  readonly trust: (roots: Readonly<Record<string, unknown>>) => readonly string[]
}

const shared = await startRegistry(t, { layouts: RECORDED_LAYOUTS })

function makeStage(t: Test, registry = shared): Stage {
  const dir = mkdtempSync(join(tmpdir(), 'shedu-explain-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(join(dir, 'registries.yaml'), `registries: [{host: "${registry.host}", plainHttp: true}]\n`)
  for (const name of ['policies', 'trust']) mkdirSync(join(dir, name))
  const policy: Stage['policy'] = (authorities, mode = 'enforce') => {
    const spec = { images: [{ glob: `${registry.host}/**` }], mode, authorities }
    const metadata = { name: 'shop' }
    const document = { apiVersion: 'policy.sigstore.dev/v1beta1', kind: 'ClusterImagePolicy', metadata, spec }
    writeFileSync(join(dir, 'policies', 'shop.json'), JSON.stringify(document))
    return ['--policies', join(dir, 'policies')]
  }
  const trust: Stage['trust'] = roots => {
    for (const [name, root] of Object.entries(roots))
      writeFileSync(join(dir, 'trust', `${name}.json`), JSON.stringify(root))
    return ['--trust-roots', join(dir, 'trust')]
  }
  return { dir, registry, flags: ['--registries', join(dir, 'registries.yaml')], policy, trust }
}

t.test('shows what lies where, what each thing is worth to each authority, and the verdict', async t => {
  const { dir, registry, flags, policy } = makeStage(t)
  copyFileSync(join(FIXTURES, 'trusted_root.json'), join(dir, 'trust', 'default.json'))
  const authorities = [
    { name: 'release', key: { data: P256 } },
    { name: 'ci', keyless: { identities: [CI] }, attestations: [{ name: 'built', predicateType: PROVENANCE }] },
  ]
  const image = `${registry.host}/vec/provenance-ci-bundle:v1`
  const args = ['explain', image, ...flags, ...policy(authorities), '--trust-roots', join(dir, 'trust')]
  const { code, stdout, stderr } = await spawned(args)
  t.strictSame([code, stderr], [0, ''])
  t.match(stdout, new RegExp(`^image: ${image}\ndigest: sha256:[0-9a-f]{64}, what the tag v1 points at now\n`))
  t.match(stdout, /\(sha256-….sig\): nothing\n[\s\S]*\(sha256-….att\): nothing\n[\s\S]*referrers: 2, unverified/)
  t.match(stdout, /\[1\] bundle, sha256:[0-9a-f]{64}, [0-9]+ bytes\n {6}claims to be a signature of sha256:c5e7d12d/)
  t.match(stdout, /\[2\] bundle, .*\n {6}claims to be an attestation of type https:\/\/slsa.dev\/provenance\/v1 of/)
  t.match(stdout, `        subject: ${CI.subject}\n        issuer: ${CI.issuer}\n`)
  t.match(
    stdout,
    /the signature holds for the certificate that comes with it\n {6}log entry 3 of log [0-9a-f]{64}, with a/,
  )
  t.match(stdout, /\npolicy shop \(enforce\), from .*shop.json, for its glob 127.0.0.1:[0-9]+\/\*\*\n {2}any one of:\n/)
  const [, release = '', ci = ''] = stdout.split(/\n {4}authority /)
  t.match(
    release,
    /^release: wants a signature by key ad118a3b[0-9a-f]+ over sha256\n {6}\[1\] does not count: signature.wr/,
  )
  t.match(
    ci,
    /^ci: wants an attestation of type .*\n {6}\[1\] does not count: attestation.missing.*\n {6}\[2\] counts: s/,
  )
  t.match(stdout, /\nverdict on a Pod with this image: admitted\n$/)
})

t.test('agrees with shedu check on every recorded image', async t => {
  const { dir, registry, flags, policy } = makeStage(t)
  const { cases } = JSON.parse(readFileSync(join(FIXTURES, 'cases.json'), 'utf8')) as {
    cases: readonly { readonly image: string }[]
  }
  const policies = policy([{ name: 'release', key: { data: P256 } }])
  const seen = new Set<number | null>()
  for (const { image } of cases) {
    const ref = `${registry.host}/vec/${image}:v1`
    const pod = join(dir, 'pod.json')
    const spec = { containers: [{ name: 'app', image: ref }] }
    writeFileSync(pod, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec }))
    const [explained, checked] = await Promise.all([
      shedu(['explain', ref, ...flags, ...policies, '-o', 'json']),
      shedu(['check', '-f', pod, ...flags, ...policies, '-o', 'json']),
    ])
    const { verdict } = JSON.parse(explained.stdout)
    const [result] = JSON.parse(checked.stdout).results
    const said = ({ code, detail, policies }: { code: string; detail: string; policies: readonly string[] }) => [
      code,
      detail,
      policies,
    ]
    t.strictSame(
      [explained.code, verdict.outcome, verdict.proofs, verdict.objections.map(said)],
      [checked.code, result.outcome, result.proofs, result.objections.map(said)],
      image,
    )
    seen.add(explained.code)
  }
  t.strictSame(seen, new Set([1, 0]))
})

t.test('without policies nothing is called verified', async t => {
  const { dir, registry, flags } = makeStage(t)
  copyFileSync(join(FIXTURES, 'trusted_root.json'), join(dir, 'trust', 'default.json'))
  const explain = (image: string, ...more: string[]) =>
    shedu(['explain', `${registry.host}/vec/${image}:v1`, ...flags, ...more])
  const rooted = await explain('keyless-ci-bundle', '--trust-roots', join(dir, 'trust'))
  t.equal(rooted.code, 0)
  t.match(
    rooted.stdout,
    /\nwithout --policies or --context nobody says who must have signed, so none of it is verified:\n/,
  )
  const holds =
    /\[1\] the signature holds for the certificate that comes with it, for which the trust root default answers: subject https:\/\/ci.*, issuer http:/
  t.match(rooted.stdout, holds)
  t.notMatch(rooted.stdout.replaceAll(/unverified|none of it is verified/g, ''), /verified|verdict/)
  t.match(await explain('keyless-ci-bundle'), {
    code: 0,
    stdout: /\[1\] whether an authority knows the certificate, only/,
  })
  t.match(await explain('key-bundle-nolog'), {
    code: 0,
    stdout: /names the key ad118a3b[0-9a-f]{56} as its signer[\s\S]*\[1\] whose key has signed, only a key can tell/,
  })
  t.match(await explain('unsigned'), { code: 1, stdout: /referrers: nothing\n$/ })
  t.match(await explain('absent'), { code: 1, stdout: /it is not known which digest that is\n {4}image.not-found/ })
})

t.test('names what is wrong with each thing, under each trust root', async t => {
  const { registry, flags, policy, trust } = makeStage(t)
  const acme = await registry.sigstore({ name: 'acme' })
  const other = await registry.sigstore({ name: 'other' })
  const { digest } = await registry.image({ repository: 'shop/app' })
  const keyless = { sigstore: 'acme', subject: 'alice@acme.test', issuer: 'https://issuer.acme.test' }
  const order = { repository: 'shop/app', digest, keyless, layout: 'bundle', log: 'rekor2', timestamp: true } as const
  await registry.sign(order)
  await registry.sign({ ...order, fault: 'sct-missing' })
  await registry.sign({ ...order, layout: 'simple-signing', log: 'rekor1' })
  const roots = trust({ default: acme, other })
  const image = `${registry.host}/shop/app@${digest}`
  const unjudged = await shedu(['explain', image, ...flags, ...roots])
  t.equal(unjudged.code, 0)
  t.equal(unjudged.stdout.match(/does not hold under the trust root other: (?:certificate|log|time)\./g)?.length, 3)
  t.equal(unjudged.stdout.match(/for which the trust root default answers/g)?.length, 2)
  t.equal(unjudged.stdout.match(/does not hold under the trust root default: sct.missing/g)?.length, 1)
  const identities = [{ subject: keyless.subject, issuer: keyless.issuer }]
  const bundles = policy([{ name: 'alice', keyless: { identities }, signatureFormat: 'bundle' }])
  const judged = await shedu(['explain', image, ...flags, ...roots, ...bundles])
  t.equal(judged.code, 0)
  t.match(
    judged.stdout,
    /\[1\] is not looked at: it does not lie where this authority looks/,
    'the tag of the older layout',
  )
  t.equal(judged.stdout.match(/ does not count: sct.missing/g)?.length, 1)
  t.equal(judged.stdout.match(/ counts: signed by alice@acme.test vouched for by /g)?.length, 1)
  const rootless = await shedu(['explain', image, ...flags, ...bundles])
  t.match(rootless, { code: 3, stdout: /cannot be told: trust.missing: .*[\s\S]*image: undecided: trust.missing/ })
})

t.test('says of static authorities, warnings and images without a policy what they come to', async t => {
  const { registry, flags, policy } = makeStage(t)
  await registry.image({ repository: 'shop/bare' })
  const explain = (...more: readonly string[]) => shedu(['explain', `${registry.host}/shop/bare:v1`, ...flags, ...more])
  t.match(await explain(...policy([{ static: { action: 'pass' } }])), {
    code: 0,
    stdout: /lets the image pass, whatever is attached to it\n\nverdict .*: admitted\n$/,
  })
  t.match(await explain(...policy([{ static: { action: 'fail' } }])), {
    code: 1,
    stdout: /forbids the image\n\nverdict .*: refused: policy.static-deny\n {4}policy.static-deny: /,
  })
  t.match(await explain(...policy([{ key: { data: P256 } }], 'warn')), {
    code: 0,
    stdout: /policy shop \(warn\)[\s\S]*nothing is there\n\nverdict .*: admitted\n {2}warning\n {4}image.unsigned: /,
  })
  const elsewhere = ['explain', 'elsewhere.invalid/app@sha256:'.concat('0'.repeat(64)), ...flags, '--timeout', '2s']
  const unmatched = await shedu([...elsewhere, ...policy([{ key: { data: P256 } }])])
  t.match(unmatched, { code: 1, stdout: /verdict .*: refused: policy.none-matched/ })
})

t.test('what the registry does not tell is neither yes nor no', async t => {
  const { registry, flags, policy } = makeStage(t, await startRegistry(t))
  const { digest } = await registry.image({ repository: 'shop/app' })
  const image = `${registry.host}/shop/app@${digest}`
  await registry.faults([{ kind: 'referrers', fault: { status: 503 } }])
  const blind = await shedu(['explain', image, ...flags])
  t.match(blind, { code: 3, stdout: /referrers: 0, unverified[^\n]*\n {2}registry\./ })
  await registry.faults([{ fault: { hang: true } }])
  const late = await shedu(['explain', image, ...flags, ...policy([{ key: { data: P256 } }]), '--timeout', '300ms'])
  t.match(late, { code: 3, stdout: /deadline.exceeded[\s\S]*verdict .*: undecided: deadline.exceeded/ })
  await registry.stop()
  t.match(await shedu(['explain', `${registry.host}/shop/app:v1`, ...flags]), {
    code: 3,
    stdout: /registry.unreachable/,
  })
})

t.test('nothing that a claim says reaches the terminal raw', async t => {
  const { registry, flags, policy } = makeStage(t)
  await registry.sigstore({ name: 'evil' })
  const { digest } = await registry.image({ repository: 'shop/evil' })
  const evil = 'https://evil.test/\u001b[2J\u202e\u2028\nverdict: admitted'
  const order = { repository: 'shop/evil', digest, layout: 'bundle', log: 'rekor2', timestamp: true } as const
  const keyless = { sigstore: 'evil', subject: 'https://evil.test/', issuer: evil, claims: { buildTrigger: evil } }
  await registry.sign({ ...order, keyless, predicateType: evil })
  await registry.key('k')
  await registry.sign({ ...order, log: 'none', timestamp: false, key: 'k', tamper: 'truncated-bundle' })
  const image = `${registry.host}/shop/evil@${digest}`
  for (const more of [[], policy([{ key: { data: P256 } }])]) {
    const { stdout, stderr } = await shedu(['explain', image, ...flags, ...more])
    t.match(stdout, 'issuer: https://evil.test/\\u001b[2J\\u202e\\u2028\\u000averdict: admitted')
    t.match(stdout, /cannot be read: signature.invalid/)
    t.notMatch((stdout + stderr).replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
    t.notMatch(stdout, /^verdict: admitted/m, 'no line but ours')
  }
  const json = await shedu(['explain', image, ...flags, '-o', 'json'])
  t.notMatch(json.stdout.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u)
  t.match(JSON.parse(json.stdout), { version: 1, exitCode: 0, digest, isPresent: true, policies: [], verdict: null })
})

t.test('wrong usage is exit code 2, and help teaches by example', async t => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /missing required argument 'image'/],
    [['UPPER/case:v1:v2'], /^error: image "UPPER\/case:v1:v2": /],
    [['app:v1', '--policies', 'absent'], /absent/],
    [['app:v1', '--trust-roots', 'absent'], /absent/],
    [['app:v1', '--registries', 'absent'], /absent/],
    [['app:v1', '--timeout', '1'], /--timeout.*500ms/],
    [['app:v1', 'more'], /too many arguments/],
  ]
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await shedu(['explain', ...args])
    t.strictSame([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, message)
  }
  const help = await shedu(['explain', '--help'])
  t.match(help, {
    code: 0,
    stdout: /\$ shedu explain ghcr.io\/acme\/shop:v1 --policies[\s\S]*Exit codes:\n {2}0 {2}a Pod/,
  })
})
