import fc from 'fast-check'
import t from 'tap'
import type { Artefact } from '#core/domain/artefact.ts'
import { demandKey } from '#core/domain/demand.ts'
import { digestOf, hexOf } from '#core/domain/digest.ts'
import { anyText } from '#test/support/any-text.ts'
import {
  BUNDLE_TYPE,
  DIGEST,
  demandOf,
  hintOf,
  makeEd25519phSigner,
  makeSigner,
  NO_ANNOTATIONS,
  OTHER_DIGEST,
  payloadFor,
  STATEMENT_TYPE,
  signBundle,
  signEnvelope,
  signPayload,
  statementFor,
  toBundle,
  verify,
} from '../sign-image.ts'

const signer = makeSigner()
const stranger = makeSigner()
const demand = demandOf(signer)

/** `proof`, or the code and the detail of the refusal. */
function found(artefact: Artefact): string {
  const answer = verify(artefact, DIGEST, demand)
  return answer.kind === 'proof' ? 'proof' : `${answer.code}: ${answer.detail}`
}

function subjects(count: number, last: unknown): readonly unknown[] {
  const other = { digest: { sha256: hexOf(OTHER_DIGEST) } }
  return [...Array.from({ length: count - 1 }, () => other), last]
}

const ours = { digest: { sha256: hexOf(DIGEST) } }

t.test('proves a signature in either layout', async t => {
  const simple = signPayload(signer, payloadFor(DIGEST))
  const bundle = signBundle(signer, statementFor(DIGEST))
  const proof = {
    kind: 'proof',
    proves: 'signature',
    digest: DIGEST,
    signer: { kind: 'key', fingerprint: signer.key.fingerprint },
    answers: demandKey(demand),
    logs: [],
    signedAt: undefined,
    until: undefined,
  }
  t.strictSame(verify(simple, DIGEST, demand), {
    ...proof,
    layout: 'simple-signing',
    source: digestOf(simple.payload),
  })
  t.strictSame(verify(bundle, DIGEST, demand), { ...proof, layout: 'bundle', source: digestOf(bundle.bytes) })
})

t.test('proves both layouts for Ed25519ph, as cosign signs', async t => {
  const edwards = makeEd25519phSigner()
  for (const artefact of [signPayload(edwards, payloadFor(DIGEST)), signBundle(edwards, statementFor(DIGEST))])
    t.equal(verify(artefact, DIGEST, demandOf(edwards)).kind, 'proof')
})

t.test('signature.wrong-key: a signature by someone else, whose claims are told as claims', async t => {
  for (const artefact of [
    signPayload(stranger, payloadFor(OTHER_DIGEST)),
    signBundle(stranger, statementFor(OTHER_DIGEST)),
  ]) {
    const answer = found(artefact)
    t.match(answer, /^signature\.wrong-key: /)
    t.match(answer, signer.key.fingerprint)
    t.match(answer, `unverified, it claims to be a signature of "${OTHER_DIGEST}"`)
  }
  const provenance = { ...statementFor(DIGEST), predicateType: 'https://slsa.dev/provenance/v1' }
  t.match(
    found(signBundle(stranger, provenance)),
    /^signature\.wrong-key: .*unverified, it claims to be an attestation of type "https:\/\/slsa\.dev\/provenance\/v1"/,
  )
})

t.test('signature.wrong-key: a certificate in the bundle changes nothing about the key that is asked for', async t => {
  const material = { verificationMaterial: { certificate: { rawBytes: 'AAAA' } } }
  t.match(found(signBundle(stranger, statementFor(DIGEST), material)), /^signature\.wrong-key/)
  t.equal(found(signBundle(signer, statementFor(DIGEST), material)), 'proof')
})

t.test('signature.invalid: a bundle that names the key and does not verify with it', async t => {
  const material = { verificationMaterial: { publicKey: { hint: hintOf(signer.key) } } }
  t.match(found(signBundle(stranger, statementFor(DIGEST), material)), /^signature\.invalid: .*names this key/)
})

t.test('a hint is believed in nothing: none, an empty one and a foreign one leave a proof a proof', async t => {
  for (const publicKey of [{}, { hint: '' }, { hint: hintOf(stranger.key) }, { hint: 'not base64' }])
    t.equal(found(signBundle(signer, statementFor(DIGEST), { verificationMaterial: { publicKey } })), 'proof')
  const number = { verificationMaterial: { publicKey: { hint: 1 } } }
  t.match(found(signBundle(signer, statementFor(DIGEST), number)), /^signature\.invalid: expected the key hint/)
})

t.test('signature.wrong-image: a signature of another image, both digests named', async t => {
  for (const artefact of [
    signPayload(signer, payloadFor(OTHER_DIGEST)),
    signBundle(signer, statementFor(OTHER_DIGEST)),
  ]) {
    const answer = found(artefact)
    t.match(answer, /^signature\.wrong-image: /)
    t.match(answer, `expected a signature of ${DIGEST}, got a signature of "${OTHER_DIGEST}"`)
  }
})

t.test('signature.wrong-image: only the whole digest in its one spelling is the image', async t => {
  const hex = hexOf(DIGEST)
  const spellings = [hex, `sha256:${hex.toUpperCase()}`, ` ${DIGEST}`, `sha512:${hex}`, DIGEST.slice(0, -1), '']
  for (const spelling of spellings)
    t.match(found(signPayload(signer, payloadFor(spelling))), /^signature\.wrong-image/, spelling)
  const digests = [
    { sha512: hex },
    { sha256: hex.toUpperCase() },
    { sha256: DIGEST },
    { sha1: 'ab' },
    {},
    { SHA256: hex },
  ]
  for (const digest of digests)
    t.match(
      found(signBundle(signer, { ...statementFor(DIGEST), subject: [{ digest }] })),
      /^signature\.wrong-image/,
      JSON.stringify(digest),
    )
  t.match(found(signBundle(signer, { ...statementFor(DIGEST), subject: [] })), /got a signature of no image/)
})

t.test('any one of the subjects may be the image, wherever it stands', async t => {
  for (const subject of [subjects(3, ours), subjects(3, ours).toReversed()])
    t.equal(found(signBundle(signer, { ...statementFor(DIGEST), subject })), 'proof')
  t.match(
    found(signBundle(signer, { ...statementFor(DIGEST), subject: subjects(3, { digest: {} }) })),
    `"${OTHER_DIGEST}" and 1 more`,
  )
})

t.test('the name that the image was signed under is not compared: a digest names it, and rivals neither', async t => {
  const { critical, optional } = payloadFor(DIGEST)
  for (const identity of [{ 'docker-reference': 'elsewhere.example.test/other' }, { 'docker-reference': '' }, {}])
    t.equal(found(signPayload(signer, { critical: { ...critical, identity }, optional })), 'proof')
})

t.test('attestation.wrong-type: what is signed by the key and is no signature', async t => {
  for (const predicateType of ['https://slsa.dev/provenance/v1', 'https://sigstore.dev/cosign/sign/v2', ''])
    t.match(
      found(signBundle(signer, { ...statementFor(DIGEST), predicateType })),
      /^attestation\.wrong-type: .*got an attestation of type/,
      predicateType,
    )
})

t.test('reads statements of version 0.1 and 1, and no others', async t => {
  for (const _type of ['https://in-toto.io/Statement/v0.1', 'https://in-toto.io/Statement/v1'])
    t.equal(found(signBundle(signer, { ...statementFor(DIGEST), _type })), 'proof')
  for (const _type of ['https://in-toto.io/Statement/v2', 'https://in-toto.io/Statement/v1 ', 1, undefined])
    t.match(found(signBundle(signer, { ...statementFor(DIGEST), _type })), /^signature\.invalid/)
})

t.test('reads bundles of version 0.1 to 0.3 in both spellings, and no others', async t => {
  for (const version of ['0.1', '0.2', '0.3']) {
    const spellings = [
      `application/vnd.dev.sigstore.bundle+json;version=${version}`,
      `application/vnd.dev.sigstore.bundle.v${version}+json`,
    ]
    for (const mediaType of spellings)
      t.equal(found(signBundle(signer, statementFor(DIGEST), { mediaType })), 'proof', mediaType)
  }
  for (const mediaType of [
    BUNDLE_TYPE.replace('0.3', '0.4'),
    `${BUNDLE_TYPE} `,
    BUNDLE_TYPE.toUpperCase(),
    '',
    3,
    null,
  ])
    t.match(found(signBundle(signer, statementFor(DIGEST), { mediaType })), /^signature\.invalid/, String(mediaType))
})

t.test('signature.invalid: a payload that is not cosign’s, though the key signed it', async t => {
  const { critical, optional } = payloadFor(DIGEST)
  const { type, ...untyped } = critical
  const payloads: readonly unknown[] = [
    { critical: { ...critical, type: 'atomic container signature' }, optional },
    { critical: { ...critical, type: `${type} ` }, optional },
    { critical: untyped, optional },
    { critical: { ...critical, image: {} }, optional },
    { critical: { ...critical, image: { 'docker-manifest-digest': [DIGEST] } }, optional },
    { critical: [critical], optional },
    { optional },
    [payloadFor(DIGEST)],
    null,
    '',
    'not JSON',
    `${JSON.stringify(payloadFor(DIGEST))}{}`,
    `\ufeff${JSON.stringify(payloadFor(DIGEST))}`,
  ]
  for (const payload of payloads)
    t.match(found(signPayload(signer, payload)), /^signature\.invalid/, JSON.stringify(payload))
})

t.test('signature.invalid: members of critical that nobody here knows may change what the others mean', async t => {
  const { critical, optional } = payloadFor(DIGEST)
  const image = { ...critical.image, platform: 'linux/arm64' }
  t.match(found(signPayload(signer, { critical: { ...critical, image }, optional })), /^signature\.invalid.*"platform"/)
  const expiring = { ...critical, expires: '2020-01-01' }
  t.match(found(signPayload(signer, { critical: expiring, optional })), /^signature\.invalid.*"expires"/)
  t.equal(found(signPayload(signer, { critical, optional: { expires: 'never' }, more: 1 })), 'proof')
})

t.test('signature.invalid: a key that occurs twice, at any level', async t => {
  const payload = JSON.stringify(payloadFor(DIGEST))
  const twice = [
    payload.replace('"optional":', `"critical":${JSON.stringify(payloadFor(OTHER_DIGEST).critical)},"optional":`),
    payload.replace(
      '"docker-manifest-digest":',
      `"docker-manifest-digest":"${OTHER_DIGEST}","docker-manifest-digest":`,
    ),
    payload.replace('"type":', '"type":"x","\\u0074ype":'),
  ]
  for (const one of twice)
    t.match(found(signPayload(signer, one)), /^signature\.invalid: the key "\w[\w-]*" occurs twice/)
  const statement = JSON.stringify(statementFor(DIGEST))
  t.match(
    found(signBundle(signer, statement.replace('"predicateType":', '"predicateType":"x","predicateType":'))),
    /^signature\.invalid: the key "predicateType" occurs twice/,
  )
  const bundle = Buffer.from(signBundle(signer, statementFor(DIGEST)).bytes).toString()
  t.match(
    found(toBundle(bundle.replace('"dsseEnvelope":', '"dsseEnvelope":{},"dsseEnvelope":'))),
    /^signature\.invalid: the key "dsseEnvelope" occurs twice/,
  )
})

t.test('a key named __proto__ or constructor is a name like any other', async t => {
  const payload = JSON.stringify(payloadFor(DIGEST)).replace(
    '"optional":null',
    '"optional":{"__proto__":{"kind":"proof"},"constructor":{"prototype":{"kind":"proof"}}}',
  )
  t.equal(found(signPayload(signer, payload)), 'proof')
  t.match(found(signPayload(signer, `{"__proto__":${JSON.stringify(payloadFor(DIGEST))}}`)), /^signature\.invalid/)
  const { dsseEnvelope, ...rest } = JSON.parse(Buffer.from(signBundle(signer, statementFor(DIGEST)).bytes).toString())
  const inherited = `{"__proto__":${JSON.stringify({ dsseEnvelope })},${JSON.stringify(rest).slice(1)}`
  t.match(
    found(toBundle(inherited)),
    /^signature\.invalid: expected a DSSE envelope or a message signature in the bundle, got neither/,
  )
  const digest = `{"digest":{"__proto__":{"sha256":"${hexOf(DIGEST)}"}}}`
  const statement = JSON.stringify({ ...statementFor(DIGEST), subject: [] }).replace('[]', `[${digest}]`)
  t.match(found(signBundle(signer, statement)), /^signature\.wrong-image/)
  t.equal(Object.hasOwn(Object.prototype, 'kind'), false)
})

t.test('signature.invalid: a signature in any other than the one canonical spelling of base64', async t => {
  const simple = signPayload(signer, payloadFor(DIGEST))
  const { signature } = simple
  const spellings = [
    '',
    ' ',
    `${signature}\n`,
    ` ${signature}`,
    `${signature.slice(0, 8)}\n${signature.slice(8)}`,
    `${signature}====`,
    `${signature}AAA`,
    signature.slice(0, -1),
    'not base64',
  ]
  for (const spelling of spellings)
    t.match(found({ ...simple, signature: spelling }), /^signature\.invalid/, JSON.stringify(spelling))
})

t.test(
  'signature.invalid: base64 of the URL alphabet or without padding, which protobuf’s JSON would let pass',
  async t => {
    // A statement that has `+`, `/` and padding in its base64.
    const statement = { ...statementFor(DIGEST), predicate: { note: '>>>???' } }
    const envelope = signEnvelope(signer, `${JSON.stringify(statement)} `.padEnd(253))
    t.match(envelope.payload, /[+/].*=$/)
    t.equal(found(toBundle(bundleOf(envelope))), 'proof')
    const payloads = [
      envelope.payload.replaceAll('+', '-').replaceAll('/', '_'),
      envelope.payload.replaceAll('=', ''),
      `${envelope.payload.slice(0, 4)}\n${envelope.payload.slice(4)}`,
    ]
    for (const payload of payloads)
      t.match(found(toBundle(bundleOf({ ...envelope, payload }))), /^signature\.invalid: .*canonical base64/)
  },
)

function bundleOf(dsseEnvelope: unknown) {
  return { mediaType: BUNDLE_TYPE, verificationMaterial: { publicKey: {} }, dsseEnvelope }
}

t.test(
  'signature.invalid: an envelope with any other number of signatures than one, the good one among them',
  async t => {
    const envelope = signEnvelope(signer, statementFor(DIGEST))
    const [good] = envelope.signatures
    const [bad] = signEnvelope(stranger, statementFor(DIGEST)).signatures
    for (const signatures of [[], [good, bad], [bad, good], [good, good], undefined, {}, { 0: good, length: 1 }])
      t.match(
        found(toBundle(bundleOf({ ...envelope, signatures }))),
        /^signature\.invalid: expected exactly one signature/,
        JSON.stringify(signatures),
      )
    t.equal(found(toBundle(bundleOf({ ...envelope, signatures: [good] }))), 'proof')
  },
)

t.test(
  'signature.invalid: a payload type that is not in-toto’s, or only looks like it to an ASCII encoder',
  async t => {
    // CVE-2026-48758: cut down to one byte each, these are the letters of the real type.
    const wide = STATEMENT_TYPE.replaceAll(/./g, letter => String.fromCharCode(letter.charCodeAt(0) + 0x100))
    const envelope = signEnvelope(signer, statementFor(DIGEST))
    for (const payloadType of [wide, `${STATEMENT_TYPE} `, 'application/json', '', undefined, '\ud800'])
      t.match(found(toBundle(bundleOf({ ...envelope, payloadType }))), /^signature\.invalid/, String(payloadType))
    for (const type of [wide, 'application/json'])
      t.match(found(toBundle(bundleOf(signEnvelope(signer, statementFor(DIGEST), type)))), /^signature\.invalid/, type)
  },
)

t.test('signature.invalid: a message signature, beside an envelope too, for it names no image', async t => {
  const messageSignature = { messageDigest: { algorithm: 'SHA2_256', digest: 'AAAA' }, signature: 'AAAA' }
  const { mediaType, verificationMaterial } = bundleOf({})
  t.match(
    found(toBundle({ mediaType, verificationMaterial, messageSignature })),
    /^signature\.invalid: expected a DSSE envelope, .*message signature/,
  )
  t.match(
    found(signBundle(signer, statementFor(DIGEST), { messageSignature })),
    /^signature\.invalid: .*message signature/,
  )
})

t.test('signature.invalid: verification material that is missing, of no kind or of two', async t => {
  const publicKey = { hint: '' }
  for (const verificationMaterial of [
    undefined,
    [],
    {},
    { publicKey, certificate: { rawBytes: '' } },
    { publicKey, x509CertificateChain: { certificates: [] } },
    { publicKey: 'x' },
    { publicKey, tlogEntries: {} },
    { publicKey, timestampVerificationData: [] },
    { publicKey, timestampVerificationData: { rfc3161Timestamps: {} } },
  ])
    t.match(
      found(signBundle(signer, statementFor(DIGEST), { verificationMaterial })),
      /^signature\.invalid/,
      JSON.stringify(verificationMaterial),
    )
})

t.test('signature.invalid: a statement that is damaged, though the key signed it', async t => {
  const statement = statementFor(DIGEST)
  const damaged: readonly unknown[] = [
    '',
    'not JSON',
    [],
    { ...statement, subject: undefined },
    { ...statement, subject: ours },
    { ...statement, subject: ['x'] },
    { ...statement, subject: [{}] },
    { ...statement, subject: [ours, { digest: { sha256: 1 } }] },
    { ...statement, predicateType: undefined },
    JSON.stringify(statement).slice(0, -1),
  ]
  for (const one of damaged) t.match(found(signBundle(signer, one)), /^signature\.invalid/, JSON.stringify(one))
})

t.test('an artefact is decoded once, however many keys are asked about', async t => {
  const read = { times: 0 }
  const { bytes, source } = signBundle(signer, statementFor(DIGEST))
  const artefact: Artefact = {
    layout: 'bundle',
    source,
    get bytes() {
      read.times++
      return bytes
    },
  }
  for (let keys = 0; keys < 5; keys++)
    t.match(verify(artefact, DIGEST, demandOf(stranger)), { code: 'signature.wrong-key' })
  t.equal(read.times, 1)
  t.equal(found(artefact), 'proof')
  t.match(verify(artefact, OTHER_DIGEST, demand), { code: 'signature.wrong-image' })
  const faulty = toBundle('{')
  t.equal(found(faulty), found(faulty))
})

t.test('foreign text in a refusal is quoted and short', async t => {
  const predicateType = `a"\n${'b'.repeat(10_000)}`
  const answer = found(signBundle(signer, { ...statementFor(DIGEST), predicateType }))
  t.ok(answer.length < 500)
  t.notMatch(answer, '\n')
  const type = `"\u001b[31m${'c'.repeat(10_000)}`
  const { critical } = payloadFor(DIGEST)
  const other = found(signPayload(signer, { critical: { ...critical, type } }))
  t.ok(other.length < 500)
  t.notMatch(other, '\u001b')
})

t.test('the order of the members of a bundle and of a statement means nothing', async t => {
  const statement = Object.entries(statementFor(DIGEST))
  const order = (entries: readonly (readonly [string, unknown])[]) => Object.fromEntries(entries)
  fc.assert(
    fc.property(fc.shuffledSubarray(statement, { minLength: statement.length }), fc.boolean(), (members, reversed) => {
      const parsed = Object.entries(bundleOf(signEnvelope(signer, order(members))))
      return found(toBundle(order(reversed ? parsed.toReversed() : parsed))) === 'proof'
    }),
    { numRuns: 50 },
  )
})

t.test('no bytes make it throw, and none without the key make a proof', async t => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map(text => Buffer.from(text)),
    fc.mixedCase(fc.constant(JSON.stringify(payloadFor(DIGEST)))).map(text => Buffer.from(text)),
  )
  const text = fc.oneof(fc.string(), fc.base64String(), anyText())
  fc.assert(
    fc.property(bytes, text, (payload, signature) => {
      const simple = verify(
        { layout: 'simple-signing', payload, signature, annotations: NO_ANNOTATIONS, source: DIGEST },
        DIGEST,
        demand,
      )
      const bundle = verify({ layout: 'bundle', bytes: payload, source: DIGEST }, DIGEST, demand)
      return simple.kind === 'refusal' && bundle.kind === 'refusal'
    }),
    { numRuns: 500 },
  )
})

t.test('a bug of ours stays a bug', async t => {
  const broken = { ...signPayload(signer, payloadFor(DIGEST)), payload: undefined as never }
  t.throws(() => verify(broken, DIGEST, demand), TypeError)
})

t.test('no value in the place of another makes it throw, however deep it is put', async t => {
  const whole = bundleOf(signEnvelope(stranger, statementFor(DIGEST)))
  const paths = pathsOf(whole)
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
      const answer = verify(toBundle(replaced(whole, path, value)), DIGEST, demand)
      return answer.kind === 'refusal'
    }),
    { numRuns: 300 },
  )
})

function pathsOf(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [[]]
  return [[], ...Object.entries(value).flatMap(([key, below]) => pathsOf(below).map(path => [key, ...path]))]
}

function replaced(value: unknown, [key, ...path]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by
  const below = replaced((value as Record<string, unknown>)[key], path, by)
  return Array.isArray(value)
    ? value.map((item, index) => (String(index) === key ? below : item))
    : { ...(value as object), [key]: below }
}
