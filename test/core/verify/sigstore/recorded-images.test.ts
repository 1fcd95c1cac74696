import t from 'tap'
import type { Artefact, BundleArtefact, SimpleSigningArtefact } from '#core/domain/artefact.ts'
import type { HashAlgorithm } from '#core/domain/demand.ts'
import { digestOf } from '#core/domain/digest.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { encodePreAuth } from '#core/verify/statement/dsse.ts'
import { type RecordedImage, readImages, readKeys } from '#test/support/read-layout.ts'
import { demandOf, NO_ANNOTATIONS, verify } from '../sign-image.ts'

const images = readImages()
const keys = new Map([...readKeys()].map(([name, pem]) => [name, parsePublicKey(pem)]))

function demand(key: string, hash: HashAlgorithm) {
  const found = keys.get(key)
  if (found === undefined) throw new Error(`no key ${key}`)
  return demandOf({ key: found }, hash)
}

function image(name: string): RecordedImage {
  const found = images.find(one => one.name === name)
  if (found === undefined) throw new Error(`no image ${name}`)
  return found
}

/** The one signature of an image that has one. */
function simpleSigningOf(name: string): SimpleSigningArtefact {
  const [artefact] = image(name).artefacts
  if (artefact?.layout !== 'simple-signing') throw new Error(`${name} has no simple signing`)
  return artefact
}

function bundleOf(name: string): BundleArtefact {
  const [artefact] = image(name).artefacts
  if (artefact?.layout !== 'bundle') throw new Error(`${name} has no bundle`)
  return artefact
}

/** Ed25519 brings its own hash: what the policy says of one does not apply. */
function isSignedBy({ keys, hash }: RecordedImage, key: string, asked: HashAlgorithm): boolean {
  return keys.includes(key) && (asked === hash || key === 'ed25519.pub')
}

t.test('an image is proven exactly for the keys that are known to have signed it, over their hash', async t => {
  const asked = images.flatMap(recorded =>
    [...keys.keys()].flatMap(key => (['sha256', 'sha384'] as const).map(hash => ({ recorded, key, hash }))),
  )
  let proofs = 0
  for (const { recorded, key, hash } of asked) {
    const found = recorded.artefacts.map(one => verify(one, recorded.digest, demand(key, hash)))
    const [proof] = found.filter(one => one.kind === 'proof')
    t.equal(proof !== undefined, isSignedBy(recorded, key, hash), `${recorded.name} by ${key} over ${hash}`)
    if (proof === undefined) continue
    proofs++
    t.strictSame(proof.signer, { kind: 'key', fingerprint: keys.get(key)?.fingerprint })
    t.equal(proof.digest, recorded.digest)
  }
  t.equal(proofs, 12)
  t.equal(images.length, 21)
})

t.test('a proof says in which layout the signature lay, and names what was verified by content', async t => {
  for (const name of ['key-legacy-nolog', 'key-bundle-nolog']) {
    const [artefact] = image(name).artefacts
    if (artefact === undefined) throw new Error('nothing attached')
    const lying: Artefact = { ...artefact, source: digestOf(Buffer.from('something else')) }
    const proof = verify(lying, image(name).digest, demand('p256.pub', 'sha256'))
    t.match(proof, { kind: 'proof', proves: 'signature', layout: artefact.layout, source: artefact.source }, name)
  }
})

t.test('no attestation counts as a signature, whoever signed it and wherever it lies', async t => {
  const provenance = image('provenance-key-bundle')
  const found = provenance.artefacts.map(one => verify(one, provenance.digest, demand('p256.pub', 'sha256')))
  t.strictSame(
    found.map(one => one.kind === 'refusal' && one.code),
    ['attestation.wrong-type'],
  )
  for (const { name, digest, envelopes } of images) {
    for (const bytes of envelopes) {
      const { payload, payloadType, signatures } = JSON.parse(Buffer.from(bytes).toString())
      const pae = encodePreAuth(payloadType, Buffer.from(payload, 'base64'))
      const misread: readonly Artefact[] = [
        { layout: 'bundle', bytes, source: digestOf(bytes) },
        {
          layout: 'simple-signing',
          payload: bytes,
          signature: signatures[0].sig,
          annotations: NO_ANNOTATIONS,
          source: digestOf(bytes),
        },
        // The signature does hold over these bytes, and they are the payload of nothing.
        {
          layout: 'simple-signing',
          payload: pae,
          signature: signatures[0].sig,
          annotations: NO_ANNOTATIONS,
          source: digestOf(pae),
        },
      ]
      for (const artefact of misread)
        t.match(
          verify(artefact, digest, demand('p256.pub', 'sha256')),
          { kind: 'refusal', code: 'signature.invalid' },
          name,
        )
    }
  }
})

t.test('a signature attached to any other image is refused, and both digests are named', async t => {
  for (const name of ['key-legacy-nolog', 'key-bundle-rekor2-tsa']) {
    const signed = image(name)
    for (const { digest } of images) {
      if (digest === signed.digest) continue
      const found = signed.artefacts.map(one => verify(one, digest, demand('p256.pub', 'sha256')))
      t.match(found, [{ kind: 'refusal', code: 'signature.wrong-image' }])
      t.match(found, [{ detail: digest }])
      t.match(found, [{ detail: signed.digest }])
    }
  }
})

t.test('a foreign key is told apart from a signature that names the key and is broken', async t => {
  const { artefacts, digest } = image('key-bundle-nolog')
  const foreign = artefacts.map(one => verify(one, digest, demand('other.pub', 'sha256')))
  t.match(foreign, [{ code: 'signature.wrong-key' }])
  const otherHash = artefacts.map(one => verify(one, digest, demand('p256.pub', 'sha512')))
  t.match(otherHash, [{ code: 'signature.invalid', detail: /sha512.*names this key/ }])
})

t.test('what is found does not depend on what was verified before', async t => {
  const asked = images.flatMap(({ artefacts, digest }) =>
    artefacts.flatMap(artefact => [...keys.keys()].map(key => ({ artefact, digest, key }))),
  )
  const answer = ({ artefact, digest, key }: (typeof asked)[number]) => {
    // A key parsed anew is one that nothing is remembered of.
    const pem = readKeys().get(key)
    return verify(artefact, digest, demandOf({ key: parsePublicKey(pem) }))
  }
  const cold = asked.map(answer)
  const warm = asked.map(({ artefact, digest, key }) => verify(artefact, digest, demand(key, 'sha256')))
  const backwards = asked
    .toReversed()
    .map(({ artefact, digest, key }) => verify(artefact, digest, demand(key, 'sha256')))
    .toReversed()
  t.strictSame(warm, cold)
  t.strictSame(backwards, cold)
})

/** The bytes with each bit of each byte turned in turn; with `bitsPerByte` 1, one bit of each byte, another one each time. */
function* flips(bytes: Uint8Array, bitsPerByte: 1 | 8) {
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < bitsPerByte; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (bitsPerByte === 1 ? at % 8 : bit))
      yield { at, flipped }
    }
  }
}

t.test('no bit of a payload or of its signature can be turned', async t => {
  const signed = [
    ['key-legacy-nolog', 'p256.pub', 'sha256', 8],
    ['key-legacy-nolog-rsa', 'rsa.pub', 'sha256', 8],
    ['key-legacy-nolog-p384', 'p384.pub', 'sha384', 1],
    // Ed25519ph in JavaScript takes milliseconds.
    ['key-legacy-nolog-ed25519', 'ed25519.pub', 'sha256', 1],
  ] as const
  for (const [name, key, hash, bits] of signed) {
    const artefact = simpleSigningOf(name)
    const { digest } = image(name)
    t.equal(verify(artefact, digest, demand(key, hash)).kind, 'proof')
    const proven: string[] = []
    for (const { at, flipped } of flips(artefact.payload, bits))
      if (verify({ ...artefact, payload: flipped }, digest, demand(key, hash)).kind === 'proof')
        proven.push(`payload ${at}`)
    for (const { at, flipped } of flips(Buffer.from(artefact.signature), bits)) {
      const changed = { ...artefact, signature: flipped.toString('latin1') }
      if (verify(changed, digest, demand(key, hash)).kind === 'proof') proven.push(`signature ${at}`)
    }
    t.strictSame(proven, [], name)
  }
})

/** What of a bundle is not signed and is not looked at when the demand is a key; `undefined` for all that must not change. */
function freePart(text: string, at: number): string | undefined {
  const isWithin = (from: number, to: number) => from <= at && at < to
  const version = text.indexOf('v0.3+json') + 'v0.'.length
  const hint = text.indexOf('{"hint"')
  const endOfMaterial = text.indexOf('}, "dsseEnvelope"')
  // 0.3 turns into 0.1 or 0.2, which are read alike.
  if (at === version) return 'version in the media type'
  // Anyone can write a hint, and it serves the message of a refusal only.
  if (isWithin(hint, text.indexOf('}', hint))) return 'key hint'
  // Log and time are not what this demand asks for.
  if (text.includes('"tlogEntries"') && isWithin(text.indexOf('"tlogEntries"'), endOfMaterial)) return 'log and time'
  return undefined
}

t.test('no bit of a bundle can be turned, but for those that are not signed and mean nothing here', async t => {
  const signed = [
    ['key-bundle-nolog', ['version in the media type', 'key hint']],
    ['key-bundle-rekor2-tsa', ['version in the media type', 'key hint', 'log and time']],
  ] as const
  for (const [name, expected] of signed) {
    const artefact = bundleOf(name)
    const { digest } = image(name)
    const text = Buffer.from(artefact.bytes).toString('latin1')
    const proven = new Set<string>()
    for (const { at, flipped } of flips(artefact.bytes, 8)) {
      const found = verify({ ...artefact, bytes: flipped }, digest, demand('p256.pub', 'sha256'))
      if (found.kind === 'proof') proven.add(freePart(text, at) ?? `byte ${at}: ${text.slice(at - 10, at + 10)}`)
    }
    t.strictSame([...proven], expected, name)
  }
})

t.test('nothing of an artefact can be left out', async t => {
  const simple = simpleSigningOf('key-legacy-nolog')
  const bundle = bundleOf('key-bundle-nolog')
  const cut: readonly [string, Artefact[]][] = [
    ['key-legacy-nolog', cuts(simple.payload).map(payload => ({ ...simple, payload }))],
    ['key-legacy-nolog', cuts(simple.signature).map(signature => ({ ...simple, signature }))],
    ['key-bundle-nolog', cuts(bundle.bytes).map(bytes => ({ ...bundle, bytes }))],
  ]
  for (const [name, artefacts] of cut) {
    const found = artefacts.map(one => verify(one, image(name).digest, demand('p256.pub', 'sha256')).kind)
    t.strictSame([...new Set(found)], ['refusal'])
  }
})

/** Every beginning that is shorter than the whole. */
function cuts<T extends string | Uint8Array>(whole: T): readonly T[] {
  return Array.from({ length: whole.length }, (_, length) => whole.slice(0, length) as T)
}
