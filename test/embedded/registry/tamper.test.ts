import { createPublicKey } from 'node:crypto'
import t from 'tap'
import type { Fault, SignOrder } from '#test/support/embedded-registry.ts'
import { startRegistry } from '#test/support/embedded-registry.ts'
import { askOf, fetchTrueOf } from './ask.ts'
import { isSignedBy, openEnvelope, readBundle, readSimple } from './read-signature.ts'

const registry = await startRegistry(t)
const fetchTrue = fetchTrueOf(askOf(registry))

t.test('a tampered simple signature has only that wrong which it names', async t => {
  const key = createPublicKey(await registry.key('tamper'))
  const honest = (digest: string) =>
    `{"critical":{"identity":{"docker-reference":"${registry.host}/tamper"},"image":{"docker-manifest-digest":"${digest}"},"type":"cosign container image signature"},"optional":null}`
  const { digest } = await registry.image({ repository: 'tamper' })
  const twice = `"image":{"docker-manifest-digest":"sha256:${'0'.repeat(64)}",`
  const expected: Readonly<Record<string, { readonly verifies: boolean; readonly payload: string }>> = {
    payload: { verifies: false, payload: honest(digest).replace('null', '{"tampered":"yes"}') },
    signature: { verifies: false, payload: honest(digest) },
    'lax-base64': { verifies: true, payload: honest(digest) },
    'no-signature': { verifies: false, payload: honest(digest) },
    'payload-type': { verifies: true, payload: honest(digest).replace('cosign container image', 'atomic container') },
    'duplicate-key': { verifies: true, payload: honest(digest).replace('"image":{', twice) },
    truncated: { verifies: true, payload: honest(digest).slice(0, -1) },
  }
  for (const tamper of Object.keys(expected))
    await registry.sign({ repository: 'tamper', digest, key: 'tamper', tamper: tamper as 'payload' })
  const { signatures } = await readSimple(fetchTrue, 'tamper', digest)
  for (const [nth, [tamper, { verifies, payload }]] of Object.entries(expected).entries()) {
    const found = signatures[nth]
    t.equal(found?.payload.toString(), payload, tamper)
    t.equal(found !== undefined && isSignedBy(key, found.payload, found.signature, {}), verifies, tamper)
    t.equal(found?.base64 === undefined, tamper === 'no-signature', tamper)
    const isCanonical = found?.base64 === found?.signature.toString('base64')
    if (found?.base64 !== undefined) t.equal(isCanonical, tamper !== 'lax-base64', tamper)
  }
})

t.test('a tampered envelope has only that wrong which it names', async t => {
  const key = createPublicKey(await registry.key('tamper-bundle'))
  const { digest } = await registry.image({ repository: 'tamper-bundle' })
  const hex = digest.slice('sha256:'.length)
  const statement = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"${hex}"},"annotations":{}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}`
  const twice = statement.replace('"digest":{', `"digest":{"sha256":"${'0'.repeat(64)}",`)
  const type = 'application/vnd.in-toto+json'
  const shifted = [...type].map(character => String.fromCodePoint(character.charCodeAt(0) + 0x100)).join('') // oxlint-disable-line typescript/no-misused-spread
  const expected: readonly (readonly [Required<SignOrder>['tamper'], string, readonly boolean[], string])[] = [
    ['payload', statement.replace('{}}', '{"tampered":"yes"}}'), [false], type],
    ['signature', statement, [false], type],
    ['lax-base64', statement, [true], type],
    ['no-signature', statement, [], type],
    ['two-signatures', statement, [true, false], type],
    ['two-signatures-bad-first', statement, [false, true], type],
    ['payload-type', statement, [true], 'application/json'],
    ['payload-type-collapsing', statement, [false], shifted],
    ['statement-type', statement.replace('Statement/v1', 'Statement/v9'), [true], type],
    ['subject-sha512', statement.replace('"sha256"', '"sha512"'), [true], type],
    ['duplicate-key', twice, [true], type],
    ['truncated', statement.slice(0, -1), [true], type],
    ['hint', statement, [true], type],
  ]
  for (const [tamper, payload, verdicts, payloadType] of expected) {
    const order: SignOrder = { repository: 'tamper-bundle', digest, key: 'tamper-bundle', layout: 'bundle', tamper }
    const { text } = await readBundle(fetchTrue, 'tamper-bundle', (await registry.sign(order)).digest)
    const { bundle, statement, pae, signatures } = openEnvelope(text)
    t.equal(statement, payload, tamper)
    t.equal(bundle['dsseEnvelope'].payloadType, payloadType, tamper)
    t.strictSame(
      signatures.map((signature: Buffer) => isSignedBy(key, pae, signature, {})),
      verdicts,
      tamper,
    )
    const base64 = bundle['dsseEnvelope'].signatures[0]?.sig
    t.equal(base64?.includes('\n') ?? false, tamper === 'lax-base64', tamper)
  }
  // encoded as ASCII, the collapsing type is the type that was signed
  t.equal(Buffer.from(shifted, 'latin1').toString('latin1'), type)
})

t.test('a tampered bundle has only that wrong which it names', async t => {
  await registry.key('tamper-text')
  const { digest } = await registry.image({ repository: 'tamper-text' })
  const sign = async (tamper: Required<SignOrder>['tamper']) => {
    const order: SignOrder = { repository: 'tamper-text', digest, key: 'tamper-text', layout: 'bundle', tamper }
    return (await readBundle(fetchTrue, 'tamper-text', (await registry.sign(order)).digest)).text
  }
  t.equal(JSON.parse(await sign('hint')).verificationMaterial.publicKey.hint, 'another key')
  t.strictSame(Object.keys(JSON.parse(await sign('envelope'))), ['mediaType', 'verificationMaterial'])
  t.match(await sign('duplicate-key-in-bundle'), /"dsseEnvelope":\{\},"dsseEnvelope":\{"payload"/)
  const cut = await sign('truncated-bundle')
  t.throws(() => JSON.parse(cut), SyntaxError)
  t.ok(JSON.parse(`${cut}}`))
  const { subject } = JSON.parse(openEnvelope(await sign('many-subjects')).statement)
  t.equal(subject.length, 2001)
  t.equal(subject.at(-1).digest.sha256, digest.slice('sha256:'.length))
})

t.test('refuses an order that it could not carry out as written', async t => {
  const { digest } = await registry.image({ repository: 'orders' })
  await registry.key('orders')
  await t.rejects(registry.sign({ repository: 'orders', digest, key: 'nobody' }), /no key \\"nobody\\"/)
  const order: SignOrder = { repository: 'orders', digest, key: 'orders' }
  await t.rejects(registry.sign({ ...order, tamper: 'envelope' }), /expected one of .* simple-signing, got envelope/)
  await t.rejects(registry.sign({ ...order, digest: 'sha256:abc' }), /64 lower-case hex/)
  await t.rejects(registry.faults([{ fault: { latancyMs: 5 } as Fault }]), /latancyMs/)
  await t.rejects(registry.faults([{ kind: 'manifests' as 'manifest', fault: {} }]), /kind/)
})
