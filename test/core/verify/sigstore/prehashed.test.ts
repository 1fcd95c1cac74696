import { constants, createHash, generateKeyPairSync, privateEncrypt, sign } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { HASH_ALGORITHMS, type HashAlgorithm } from '#core/domain/demand.ts'
import { InputError } from '#core/domain/input-error.ts'
import type { PublicKey } from '#core/domain/public-key.ts'
import { refuseTooFewDigests, signerOf } from '#core/verify/sigstore/key.ts'
import { digestOfMessage, type MessageDigests } from '#core/verify/sigstore/message.ts'
import { toPublicKey } from '../sign-image.ts'

const MESSAGE = Buffer.from('what was signed')

const ec = ['P-256', 'P-384', 'P-521'].map(namedCurve => ({ namedCurve, ...generateKeyPairSync('ec', { namedCurve }) }))
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const oddRsa = generateKeyPairSync('rsa', { modulusLength: 2049 })
const typedPss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
const edwards = generateKeyPairSync('ed25519')

function digestsOf(message: Uint8Array, hashes: readonly HashAlgorithm[] = HASH_ALGORITHMS): MessageDigests {
  return Object.fromEntries(hashes.map(hash => [hash, createHash(hash).update(message).digest()]))
}

/** The hashes over which the signature is found to be by the key, where only digests of the message are known. */
function hashesOf(key: PublicKey, signature: Uint8Array, message = digestsOf(MESSAGE)): readonly HashAlgorithm[] {
  return HASH_ALGORITHMS.filter(hash => signerOf({ message, signature }, { key, hash }) !== undefined)
}

t.test('checks ECDSA on each curve over a digest of each hash, and finds what the bytes would tell', async t => {
  for (const { namedCurve, publicKey, privateKey } of ec)
    for (const hash of HASH_ALGORITHMS)
      t.strictSame(hashesOf(toPublicKey(publicKey), sign(hash, MESSAGE, privateKey)), [hash], `${namedCurve} ${hash}`)
})

t.test('takes ECDSA signatures with a high S, as Go and OpenSSL write them, and in DER only', async t => {
  const [{ publicKey, privateKey } = edwards] = ec
  const key = toPublicKey(publicKey)
  const many = Array.from({ length: 24 }, () => sign('sha256', MESSAGE, privateKey))
  t.ok(many.every(signature => hashesOf(key, signature).length === 1))
  t.strictSame(hashesOf(key, sign('sha256', MESSAGE, { key: privateKey, dsaEncoding: 'ieee-p1363' })), [])
  t.strictSame(hashesOf(key, Buffer.concat([many[0] ?? MESSAGE, Buffer.from([0])])), [], 'and nothing behind it')
})

t.test('checks RSA in PKCS#1 v1.5 over a digest, moduli that end within a byte included', async t => {
  for (const { publicKey, privateKey } of [rsa, oddRsa])
    for (const hash of HASH_ALGORITHMS)
      t.strictSame(hashesOf(toPublicKey(publicKey), sign(hash, MESSAGE, privateKey)), [hash], hash)
})

/** An RSA block that is signed as it stands, whatever it holds. */
function signBlock(block: Buffer): Buffer {
  return privateEncrypt({ key: rsa.privateKey, padding: constants.RSA_NO_PADDING }, block)
}

t.test('takes no RSA block but the one that RFC 8017 makes of the digest (CVE-2006-4339)', async t => {
  const key = toPublicKey(rsa.publicKey)
  const info = Buffer.concat([
    Buffer.from('3031300d060960864801650304020105000420', 'hex'),
    createHash('sha256').update(MESSAGE).digest(),
  ])
  const block = (padding: Buffer, rest: Buffer) => Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), rest])
  const filled = (length: number) => Buffer.alloc(length, 0xff)
  const room = 256 - 3
  t.strictSame(hashesOf(key, signBlock(block(filled(room - info.length), info))), ['sha256'], 'that one')
  const garbage = Buffer.concat([info, Buffer.alloc(100, 7)])
  t.strictSame(hashesOf(key, signBlock(block(filled(room - garbage.length), garbage))), [], 'digest, then garbage')
  const gap = Buffer.concat([filled(room - info.length - 1), Buffer.from([0xfe])])
  t.strictSame(hashesOf(key, signBlock(block(gap, info))), [], 'a padding of something else')
  const withoutNull = Buffer.concat([Buffer.from('302f300b0609608648016503040201', 'hex'), info.subarray(17)])
  t.strictSame(hashesOf(key, signBlock(block(filled(room - withoutNull.length), withoutNull))), [], 'without NULL')
  t.strictSame(hashesOf(key, Buffer.alloc(256, 0xff)), [], 'a number above the modulus')
  t.strictSame(hashesOf(key, Buffer.alloc(255)), [], 'a byte too few')
})

t.test('says what is missing where a digest is too little', async t => {
  const refuse = (
    publicKey: PublicKey,
    signature: Uint8Array,
    hashes: readonly HashAlgorithm[],
    message: MessageDigests,
  ) => refuseTooFewDigests({ message, signature }, publicKey, hashes)
  const sha256 = digestsOf(MESSAGE, ['sha256'])
  const pss = { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING }
  const needy = [
    [edwards.publicKey, sign(null, MESSAGE, edwards.privateKey)],
    [typedPss.publicKey, sign('sha256', MESSAGE, typedPss.privateKey)],
    [rsa.publicKey, sign('sha256', MESSAGE, pss)],
  ] as const
  for (const [publicKey, signature] of needy) {
    const key = toPublicKey(publicKey)
    t.equal(signerOf({ message: sha256, signature }, { key, hash: 'sha256' }), undefined)
    t.throws(() => refuse(key, signature, ['sha256'], sha256), /the bytes: a digest is not enough/)
  }
  const [, { publicKey, privateKey } = edwards] = ec
  const signature = sign('sha384', MESSAGE, privateKey)
  t.throws(
    () => refuse(toPublicKey(publicKey), signature, ['sha384', 'sha256'], sha256),
    new InputError('expected, for a signature by a key of type ec, its sha384 digest, or the bytes of what was signed'),
  )
  t.doesNotThrow(() => refuse(toPublicKey(publicKey), signature, ['sha256'], sha256), 'the other hash is all there is')
})

t.test('has every digest of bytes, and of digests those that it was given', async t => {
  const sha256 = digestsOf(MESSAGE, ['sha256'])
  t.strictSame(digestOfMessage(MESSAGE, 'sha256'), sha256.sha256)
  t.strictSame(digestOfMessage(sha256, 'sha256'), sha256.sha256)
  t.equal(digestOfMessage(sha256, 'sha512'), undefined)
  t.equal(digestOfMessage(sha256, 'constructor'), undefined)
})

t.test('throws at no bytes, and agrees with what the bytes tell', async t => {
  const keys = [...ec, rsa].map(({ publicKey }) => toPublicKey(publicKey))
  const lengths = fc.constantFrom(0, 1, 8, 64, 70, 96, 132, 160, 255, 256, 257, 1024)
  const bytes = lengths.chain(length => fc.uint8Array({ minLength: length, maxLength: length }))
  fc.assert(
    fc.property(bytes, fc.uint8Array(), fc.constantFrom(...keys), fc.constantFrom(...HASH_ALGORITHMS), (...asked) => {
      const [signature, message, key, hash] = asked
      return signerOf({ message: digestsOf(message), signature }, { key, hash }) === undefined
    }),
    { numRuns: 200 },
  )
  const [{ publicKey, privateKey } = edwards] = ec
  const key = toPublicKey(publicKey)
  const good = sign('sha256', MESSAGE, privateKey)
  fc.assert(
    fc.property(fc.nat(good.length * 8 - 1), bit => {
      const signature = Buffer.from(good)
      signature.writeUInt8(signature.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const whole = signerOf({ message: MESSAGE, signature }, { key, hash: 'sha256' })
      const digest = signerOf({ message: digestsOf(MESSAGE), signature }, { key, hash: 'sha256' })
      return whole === undefined && digest === undefined
    }),
    { numRuns: 200 },
  )
})
