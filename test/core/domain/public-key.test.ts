import type { KeyObject } from 'node:crypto'
import { createHash, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { InputError } from '#core/domain/input-error.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import { readKeys } from '#test/support/read-layout.ts'

const { publicKey: p256, privateKey: p256Private } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const spki = p256.export({ format: 'der', type: 'spki' })
const PEM = pemOf(p256)

function pemOf(key: KeyObject): string {
  return String(key.export({ format: 'pem', type: 'spki' }))
}

function block(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{64}(?!$)/g, '$&\n')
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}

/** An RSA public key nobody has the private half of: only its size and its exponent matter here. */
function rsaKey(bits: number, exponent = 65_537n): KeyObject {
  const modulus = randomBytes(bits / 8)
  modulus.writeUInt8(modulus.readUInt8(0) | 0x80, 0)
  modulus.writeUInt8(modulus.readUInt8(modulus.length - 1) | 1, modulus.length - 1)
  const hex = exponent.toString(16)
  const e = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  const key = { kty: 'RSA', n: modulus.toString('base64url'), e: e.toString('base64url') }
  return createPublicKey({ key, format: 'jwk' })
}

/** What it says no with; fails where it says yes, or throws anything but an InputError. */
function objection(pem: unknown): string {
  try {
    parsePublicKey(pem)
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
  throw new Error('accepted')
}

t.test('names a key by the SHA-256 of its SubjectPublicKeyInfo', async t => {
  const key = parsePublicKey(PEM)
  t.strictSame(key, {
    fingerprint: createHash('sha256').update(spki).digest('hex'),
    spki: spki.toString('base64'),
  })
})

t.test('parses the keys that cosign wrote', async t => {
  for (const [name, pem] of readKeys()) t.match(parsePublicKey(pem).fingerprint, /^[0-9a-f]{64}$/, name)
})

t.test('parses every kind of key that signatures are made with', async t => {
  const pairs = [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
    generateKeyPairSync('rsa-pss', { modulusLength: 2048, hashAlgorithm: 'sha256', mgf1HashAlgorithm: 'sha256' }),
    generateKeyPairSync('ed25519'),
  ]
  for (const { publicKey } of pairs)
    t.equal(
      parsePublicKey(pemOf(publicKey)).spki,
      publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      String(publicKey.asymmetricKeyType),
    )
})

t.test('one RSA key is one key, in PKIX and in PKCS#1', async t => {
  const key = rsaKey(2048)
  t.strictSame(parsePublicKey(key.export({ format: 'pem', type: 'pkcs1' })), parsePublicKey(pemOf(key)))
})

t.test('white space around the block and any line breaks within mean nothing', async t => {
  const key = parsePublicKey(PEM)
  const oneLine = `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----`
  for (const pem of [
    PEM.trim(),
    `\n \t${PEM}\r\n  \n`,
    PEM.replaceAll('\n', '\r\n'),
    oneLine,
    PEM.replaceAll('\n', '\n\n'),
  ])
    t.strictSame(parsePublicKey(pem), key, JSON.stringify(pem))
})

t.test('refuses whatever else stands beside the block, or a second one', async t => {
  for (const pem of [
    `key:\n${PEM}`,
    `${PEM}# ours`,
    `${PEM}\0`,
    `\ufeff${PEM}`,
    `\u00a0${PEM}`,
    PEM.replace('-----BEGIN', ' ----BEGIN'),
    PEM.replace('-----END PUBLIC', '-----END RSA PUBLIC'),
    PEM.replace('-----END PUBLIC KEY-----', ''),
    PEM.replace('KEY-----\n', 'KEY-----\nComment: ours\n\n'),
    PEM.replace('KEY-----\n', 'KEY-----\n '),
    PEM.replace('-----BEGIN PUBLIC KEY-----\n', '-----BEGIN PUBLIC KEY-----'),
    PEM.replaceAll('\n', ' '),
    PEM.toLowerCase(),
    `${PEM}-----END PUBLIC KEY-----`,
  ])
    t.match(objection(pem), /^expected (?:a|one) PEM block/, JSON.stringify(pem))
  t.equal(objection(PEM + PEM), 'expected one PEM block, got 2')
  t.equal(objection(''), 'expected one PEM block, got 0')
  t.equal(objection('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBr'), 'expected one PEM block, got 0')
})

t.test('refuses base64 that is not canonical', async t => {
  const text = spki.toString('base64')
  t.match(text, /[^=]==$/)
  const bodies = [
    text.replace(/=+$/, ''),
    `${text}=`,
    text.replace(/.==$/, '/=='),
    `${text.slice(0, 9)}-${text.slice(10)}`,
    '',
  ]
  for (const body of bodies)
    t.match(objection(`-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----`), /base64|in DER/)
})

t.test('reads at most 16 KiB', async t => {
  t.ok(parsePublicKey(PEM.padEnd(16 * 1024)))
  t.match(objection(PEM.padEnd(16 * 1024 + 1)), /at most 16384 characters of PEM, got 16385/)
  t.match(objection('-'.repeat(10_000_000)), /at most 16384/)
})

t.test('a private key is told what it is, and nothing of it is repeated', async t => {
  const { privateKey: rsaPrivate } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'secret' }
  const secret = p256Private.export({ format: 'der', type: 'pkcs8' })
  const pems = [
    p256Private.export({ format: 'pem', type: 'pkcs8' }),
    p256Private.export({ format: 'pem', type: 'sec1' }),
    p256Private.export({ format: 'pem', type: 'pkcs8', ...cipher }),
    rsaPrivate.export({ format: 'pem', type: 'pkcs1' }),
    block('ENCRYPTED SIGSTORE PRIVATE KEY', secret),
    block('ENCRYPTED COSIGN PRIVATE KEY', secret),
    block('OPENSSH PRIVATE KEY', secret),
    `${block('EC PARAMETERS', Buffer.from('06082a8648ce3d030107', 'hex'))}${block('EC PRIVATE KEY', secret)}`,
    `${PEM}${block('PRIVATE KEY', secret)}`,
    `junk ${block('PRIVATE KEY', secret)}`.padEnd(20_000),
  ]
  for (const pem of pems) {
    const message = objection(pem)
    t.match(message, /^got a private key: .*never put a private key into a policy/)
    t.notMatch(message, /M[A-Z][a-zA-Z0-9+/]{8}/)
  }
})

t.test('a private key under a public label is not quoted either', async t => {
  const secret = p256Private.export({ format: 'der', type: 'pkcs8' })
  const message = objection(block('PUBLIC KEY', secret))
  t.match(message, /^expected /)
  t.notMatch(message, secret.toString('base64').slice(40, 50))
})

t.test('a certificate is told how to become a key, and other blocks what they are', async t => {
  t.match(objection(block('CERTIFICATE', spki)), /^expected PUBLIC KEY.*got "CERTIFICATE": take the key out of it/)
  for (const label of ['PGP PUBLIC KEY BLOCK', 'SSH2 PUBLIC KEY', 'PUBLIC  KEY', 'X509 CRL'])
    t.match(objection(block(label, spki)), `got "${label}"`)
  t.match(objection(block('EC PUBLIC KEY', spki)), 'got "EC PUBLIC KEY"')
})

t.test('refuses keys of other kinds and curves, and says which', async t => {
  const pairs = [
    [generateKeyPairSync('ec', { namedCurve: 'secp256k1' }), /curve P-256, P-384 or P-521, got secp256k1/],
    [generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1' }), /got brainpoolP256r1/],
    [generateKeyPairSync('ec', { namedCurve: 'P-224' }), /got secp224r1/],
    [generateKeyPairSync('ed448'), /ECDSA, RSA or Ed25519 key, got ed448/],
    [generateKeyPairSync('x25519'), /got x25519/],
    [generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }), /got dsa/],
    [generateKeyPairSync('ml-dsa-44'), /got ml-dsa-44/],
  ] as const
  for (const [{ publicKey }, said] of pairs) t.match(objection(pemOf(publicKey)), said)
})

t.test('an elliptic key has one spelling, so that it has one fingerprint', async t => {
  const point = spki.subarray(-64)
  const parity = spki.readUInt8(spki.length - 1) & 1
  const compressed = Buffer.concat([
    Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'),
    Buffer.from([2 + parity]),
    point.subarray(0, 32),
  ])
  const hybrid = Buffer.concat([spki.subarray(0, -65), Buffer.from([6 + parity]), point])
  const { publicKey: explicit } = generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' })
  for (const der of [compressed, hybrid, explicit.export({ format: 'der', type: 'spki' })]) {
    t.ok(createPublicKey({ key: der, format: 'der', type: 'spki' }), 'OpenSSL takes it')
    t.match(objection(block('PUBLIC KEY', der)), /another form of the key/)
  }
})

t.test('refuses the point at infinity, for which everyone could sign, and points beside the curve', async t => {
  const infinity = Buffer.from('3019301306072a8648ce3d020106082a8648ce3d03010703020000', 'hex')
  t.ok(createPublicKey({ key: infinity, format: 'der', type: 'spki' }), 'OpenSSL takes it')
  t.match(objection(block('PUBLIC KEY', infinity)), /expected a public key in DER/)
  const beside = Buffer.from(spki)
  beside.writeUInt8(beside.readUInt8(80) ^ 1, 80)
  t.match(objection(block('PUBLIC KEY', beside)), /expected a public key in DER/)
})

t.test('refuses what stands behind the key within the block', async t => {
  const rsa = rsaKey(2048)
  const behind = (der: Buffer) => Buffer.concat([der, Buffer.from('junk')])
  for (const pem of [
    block('PUBLIC KEY', behind(spki)),
    block('PUBLIC KEY', behind(rsa.export({ format: 'der', type: 'spki' }))),
    block('RSA PUBLIC KEY', behind(rsa.export({ format: 'der', type: 'pkcs1' }))),
  ])
    t.match(objection(pem), /nothing behind it/)
})

t.test('refuses a key of one DER type under the label of the other', async t => {
  const rsa = rsaKey(2048)
  t.match(objection(block('RSA PUBLIC KEY', rsa.export({ format: 'der', type: 'spki' }))), /^expected/)
  t.match(objection(block('PUBLIC KEY', rsa.export({ format: 'der', type: 'pkcs1' }))), /^expected/)
  t.match(objection(block('RSA PUBLIC KEY', spki)), /^expected/)
})

t.test('an RSA key has 2048 to 8192 bits', async t => {
  for (const bits of [2048, 3072, 8192]) t.ok(parsePublicKey(pemOf(rsaKey(bits))), String(bits))
  for (const bits of [1024, 2040, 8200, 16_384])
    t.match(objection(pemOf(rsaKey(bits))), `RSA key of 2048 to 8192 bits, got ${bits}`)
})

t.test('an RSA key has an exponent with which someone can sign, and not everyone', async t => {
  for (const exponent of [3n, 65_537n, 2n ** 31n - 1n])
    t.ok(parsePublicKey(pemOf(rsaKey(2048, exponent))), String(exponent))
  for (const exponent of [1n, 2n, 65_536n, 2n ** 31n + 1n, 2n ** 64n + 1n])
    t.match(objection(pemOf(rsaKey(2048, exponent))), `odd RSA exponent from 3 to 2147483647, got ${exponent}`)
})

t.test('refuses what is no text', async t => {
  for (const value of [undefined, null, 1, {}, [PEM], Buffer.from(PEM)])
    t.match(objection(value), /^expected a PEM block/)
})

t.test('whatever the text, it is that very key or an InputError', async t => {
  const { fingerprint } = parsePublicKey(PEM)
  fc.assert(
    fc.property(fc.nat(PEM.length), fc.nat(3), fc.string({ unit: 'binary-ascii', maxLength: 3 }), (at, cut, by) => {
      const changed = PEM.slice(0, at) + by + PEM.slice(at + cut)
      try {
        const key = parsePublicKey(changed)
        return key.spki === spki.toString('base64') ? key.fingerprint === fingerprint : changed !== PEM
      } catch (error) {
        return error instanceof InputError
      }
    }),
    { numRuns: 1000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.constantFrom('PUBLIC KEY', 'RSA PUBLIC KEY'), (der, label) => {
      t.match(objection(block(label, der)), /^expected/)
    }),
  )
})
