import { generateKeyPairSync, sign } from 'node:crypto'
import * as fc from 'fast-check'
import t from 'tap'
import { decodePublicKey } from '#core/domain/public-key.ts'
import { logSignerOf } from '#core/verify/sigstore/log/log-signature.ts'
import { makeLog } from './make-log.ts'

const KEYS = ['p256', 'p384', 'p521', 'rsa', 'ed25519'] as const
const message = Buffer.from('what a log says')

t.test('a signature is its key’s, over the very message, and nobody else’s', async t => {
  for (const key of KEYS) {
    const { log, sign } = makeLog(key)
    const signature = sign(message)
    t.equal(logSignerOf(message, signature, log.key), log.key, key)
    t.equal(logSignerOf(Buffer.concat([message, message]), signature, log.key), undefined)
    t.equal(logSignerOf(message, signature, makeLog(key).log.key), undefined)
    for (const other of KEYS)
      if (other !== key) t.equal(logSignerOf(message, signature, makeLog(other).log.key), undefined)
  }
})

t.test(
  'a log on a larger curve may sign over the hash of that curve or over SHA-256, as a trust root may say',
  async t => {
    for (const [namedCurve, own] of [
      ['P-384', 'sha384'],
      ['P-521', 'sha512'],
    ] as const) {
      const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve })
      const key = decodePublicKey(publicKey.export({ format: 'der', type: 'spki' }))
      for (const hash of [own, 'sha256']) t.equal(logSignerOf(message, sign(hash, message, privateKey), key), key, hash)
      for (const hash of ['sha1', 'sha224'])
        t.equal(logSignerOf(message, sign(hash, message, privateKey), key), undefined, hash)
    }
  },
)

t.test('a key of a type that no log signs with has signed nothing', async t => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  const key = decodePublicKey(publicKey.export({ format: 'der', type: 'spki' }))
  t.equal(logSignerOf(message, sign('sha256', message, privateKey), key), undefined)
})

t.test('a copy of a key is as good as the key, also after more keys than are remembered', async t => {
  const { log, sign } = makeLog('ed25519')
  const signature = sign(message)
  const copy = () => structuredClone(log.key)
  for (let other = 0; other < 300; other++) {
    t.equal(logSignerOf(message, signature, makeLog('ed25519').log.key), undefined)
    if (other % 50 === 0) t.ok(logSignerOf(message, signature, copy()))
  }
  t.ok(logSignerOf(message, signature, copy()))
})

t.test('no bytes are a signature, and none make it throw', async t => {
  const keys = KEYS.map(key => makeLog(key))
  fc.assert(
    fc.property(
      fc.constantFrom(...keys),
      fc.uint8Array({ maxLength: 600 }),
      fc.uint8Array(),
      ({ log }, signature, text) => {
        return logSignerOf(text, signature, log.key) === undefined
      },
    ),
    { numRuns: 300 },
  )
  for (const { log, sign } of keys) {
    const signature = sign(message)
    for (let at = 0; at < signature.length; at++) {
      const turned = Buffer.from(signature)
      turned[at] = (turned[at] ?? 0) ^ (1 << (at % 8))
      t.equal(logSignerOf(message, turned, log.key), undefined)
    }
    for (const length of [0, 1, signature.length - 1])
      t.equal(logSignerOf(message, signature.subarray(0, length), log.key), undefined)
    t.equal(logSignerOf(message, Buffer.concat([signature, Buffer.alloc(1)]), log.key), undefined)
  }
})
