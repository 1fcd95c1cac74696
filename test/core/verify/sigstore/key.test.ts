import { constants, createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import t from 'tap'
import { HASH_ALGORITHMS, type HashAlgorithm } from '#core/domain/demand.ts'
import type { PublicKey } from '#core/domain/public-key.ts'
import { signerOf } from '#core/verify/sigstore/key.ts'
import { makeEd25519phSigner, toPublicKey } from '../sign-image.ts'

const MESSAGE = Buffer.from('what was signed')

const ec = ['P-256', 'P-384', 'P-521'].map(namedCurve => ({ namedCurve, ...generateKeyPairSync('ec', { namedCurve }) }))
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const typedPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
const ownPss = generateKeyPairSync('rsa-pss', {
  modulusLength: 2048,
  hashAlgorithm: 'sha384',
  mgf1HashAlgorithm: 'sha384',
  // @types/node says text; Node wants a number.
  saltLength: 48 as unknown as string,
})
const edwards = generateKeyPairSync('ed25519')

function signer(key: PublicKey, hash: HashAlgorithm, signature: Uint8Array, message: Uint8Array = MESSAGE) {
  return signerOf({ message, signature }, { key, hash })
}

/** The hashes over which the signature is found to be by the key. */
function hashesOf(key: PublicKey, signature: Uint8Array): readonly HashAlgorithm[] {
  return HASH_ALGORITHMS.filter(hash => signer(key, hash, signature) !== undefined)
}

t.test('names the key that signed', async t => {
  const [{ publicKey, privateKey } = { publicKey: rsa.publicKey, privateKey: rsa.privateKey }] = ec
  const key = toPublicKey(publicKey)
  t.strictSame(signer(key, 'sha256', sign('sha256', MESSAGE, privateKey)), {
    kind: 'key',
    fingerprint: key.fingerprint,
  })
})

t.test('accepts ECDSA on each curve over each hash, and over no other hash than the policy names', async t => {
  for (const { namedCurve, publicKey, privateKey } of ec)
    for (const hash of HASH_ALGORITHMS)
      t.strictSame(hashesOf(toPublicKey(publicKey), sign(hash, MESSAGE, privateKey)), [hash], `${namedCurve} ${hash}`)
})

t.test('takes ECDSA signatures in DER only', async t => {
  for (const { namedCurve, publicKey, privateKey } of ec) {
    const pair = sign('sha256', MESSAGE, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    t.strictSame(hashesOf(toPublicKey(publicKey), pair), [], namedCurve)
    const der = sign('sha256', MESSAGE, privateKey)
    t.strictSame(
      hashesOf(toPublicKey(publicKey), Buffer.concat([der, Buffer.from([0])])),
      [],
      `${namedCurve}, and more`,
    )
  }
})

t.test(
  'accepts RSA in PKCS#1 v1.5 and in PSS with a salt of any length, over the hash that the policy names',
  async t => {
    const key = toPublicKey(rsa.publicKey)
    for (const hash of HASH_ALGORITHMS) {
      t.strictSame(hashesOf(key, sign(hash, MESSAGE, rsa.privateKey)), [hash], `PKCS#1 v1.5 ${hash}`)
      for (const saltLength of [0, 20, constants.RSA_PSS_SALTLEN_DIGEST, constants.RSA_PSS_SALTLEN_MAX_SIGN]) {
        const options = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
        t.strictSame(hashesOf(key, sign(hash, MESSAGE, options)), [hash], `PSS ${hash}, salt ${saltLength}`)
      }
    }
  },
)

t.test('accepts no RSA signature without padding and none over a bare hash', async t => {
  const key = toPublicKey(rsa.publicKey)
  t.strictSame(hashesOf(key, Buffer.alloc(256)), [])
  t.strictSame(hashesOf(key, Buffer.concat([Buffer.alloc(255), Buffer.from([1])])), [])
})

t.test('holds a key of the type RSA-PSS to its scheme, and to the hash and the salt that it names', async t => {
  const free = toPublicKey(typedPss.publicKey)
  for (const hash of HASH_ALGORITHMS)
    t.strictSame(hashesOf(free, sign(hash, MESSAGE, { key: typedPss.privateKey, saltLength: 20 })), [hash], hash)
  const own = toPublicKey(ownPss.publicKey)
  t.strictSame(hashesOf(own, sign('sha384', MESSAGE, ownPss.privateKey)), ['sha384'])
  t.strictSame(hashesOf(own, sign('sha384', MESSAGE, { key: ownPss.privateKey, saltLength: 60 })), [])
  const pkcs1 = sign('sha256', MESSAGE, rsa.privateKey)
  t.strictSame(hashesOf(free, pkcs1), [])
})

t.test('accepts Ed25519 and Ed25519ph, whatever hash the policy names, for the scheme brings its own', async t => {
  const pure = toPublicKey(edwards.publicKey)
  t.strictSame(hashesOf(pure, sign(null, MESSAGE, edwards.privateKey)), HASH_ALGORITHMS)
  const prehashed = makeEd25519phSigner()
  t.strictSame(hashesOf(prehashed.key, prehashed.sign(MESSAGE)), HASH_ALGORITHMS)
})

t.test('takes no Ed25519 signature over the hash of the message, which is neither of the two', async t => {
  const hashed = createHash('sha512').update(MESSAGE).digest()
  t.strictSame(hashesOf(toPublicKey(edwards.publicKey), sign(null, hashed, edwards.privateKey)), [])
})

t.test('takes no Ed25519ph signature whose number is not reduced: a second signature out of a first', async t => {
  const { key, sign } = makeEd25519phSigner()
  const signature = Buffer.from(sign(MESSAGE))
  const order = ed25519.Point.Fn.ORDER
  const number = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString('hex')}`) + order
  const second = Buffer.concat([
    signature.subarray(0, 32),
    Buffer.from(number.toString(16).padStart(64, '0'), 'hex').toReversed(),
  ])
  t.ok(signer(key, 'sha256', signature))
  t.equal(signer(key, 'sha256', second), undefined)
})

t.test('finds nobody where the message or the key is another', async t => {
  const pairs = [...ec, rsa, typedPss, ownPss, edwards].map(({ publicKey, privateKey }) => ({
    key: toPublicKey(publicKey),
    hash: privateKey === ownPss.privateKey ? ('sha384' as const) : ('sha256' as const),
    privateKey,
  }))
  const signatures = pairs.map(({ hash, privateKey }) =>
    sign(privateKey.asymmetricKeyType === 'ed25519' ? null : hash, MESSAGE, privateKey),
  )
  for (const [index, { key, hash }] of pairs.entries()) {
    const found = signatures.map(signature => signer(key, hash, signature) !== undefined)
    t.strictSame(
      found,
      pairs.map((_, other) => other === index),
    )
    t.equal(signer(key, hash, signatures[index] ?? MESSAGE, Buffer.from('something else')), undefined)
  }
})

t.test('throws at no bytes', async t => {
  const keys = [...ec, rsa, typedPss, ownPss, edwards].map(({ publicKey }) => toPublicKey(publicKey))
  const lengths = fc.constantFrom(0, 1, 8, 63, 64, 65, 70, 96, 132, 255, 256, 257, 1024)
  const bytes = lengths.chain(length => fc.uint8Array({ minLength: length, maxLength: length }))
  fc.assert(
    fc.property(bytes, fc.uint8Array(), fc.constantFrom(...keys), fc.constantFrom(...HASH_ALGORITHMS), (...asked) => {
      const [signature, message, key, hash] = asked
      return signer(key, hash, signature, message) === undefined
    }),
    { numRuns: 300 },
  )
})

t.test('nobody signs with an Ed25519 key of small order, for which everybody could', async t => {
  // With A of order one, [S]B = R + [k]A holds for S = 1 and R = B, over any message.
  const forged = Buffer.concat([ed25519.Point.BASE.toBytes(), Buffer.from([1]), Buffer.alloc(31)])
  for (const point of ED25519_TORSION_SUBGROUP) {
    const spki = Buffer.from(`302a300506032b6570032100${point}`, 'hex')
    const key = toPublicKey(createPublicKey({ key: spki, format: 'der', type: 'spki' }))
    const messages = Array.from({ length: 16 }, (_, index) => Buffer.from(`message ${index}`))
    t.ok(messages.every(message => signer(key, 'sha256', forged, message) === undefined))
    t.ok(
      ed25519.verify(forged, MESSAGE, Buffer.from(ED25519_TORSION_SUBGROUP[0] ?? '', 'hex')),
      'a lax verifier is fooled',
    )
  }
})

t.test('a key that no policy can have loaded is a bug, not a refusal', async t => {
  const { publicKey } = generateKeyPairSync('ed448')
  const key: PublicKey = {
    fingerprint: 'ab'.repeat(32),
    spki: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  }
  t.throws(() => signer(key, 'sha256', Buffer.alloc(114)), TypeError)
})
