/** One transparency log of a trust root (TransparencyLogInstance of Sigstore's protobuf-specs). */
import type { KeyObject } from 'node:crypto'
import { createPublicKey } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import type { PublicKey } from '#core/domain/public-key.ts'
import { decodePublicKey, keyObjectOf } from '#core/domain/public-key.ts'
import type { TransparencyLog } from '#core/domain/trust-root.ts'
import type { Members } from './members.ts'
import { parseValidity } from './parse-validity.ts'

/** `operator` is of version 0.2 and counts for nothing here. */
export const LOG_MEMBERS = ['baseUrl', 'hashAlgorithm', 'publicKey', 'logId', 'checkpointKeyId', 'operator']

/** An RSA key of 8192 bits has 1 KiB, and no other that is accepted has more. */
const KEY_BYTES = 2 * 1024
/** SHA-256. */
const ID_BYTES = 32
/** signed-note (C2SP): the first bytes of a hash, before each signature. */
const HINT_BYTES = 4

/** How a key is encoded, and what it must be: its type, and its curve or size where the name says one. */
type Details = { readonly encoding: 'spki' | 'pkcs1'; readonly key: RegExp; readonly expected: string }

/**
 * Those of PublicKeyDetails that logs sign with. Not among them: Ed25519ph, RSA-PSS and deterministic ECDSA by HMAC, with
 * which no log signs; a log of this kind would have to be refused signature by signature.
 */
const DETAILS: Readonly<Record<string, Details>> = {
  PKIX_ECDSA_P256_SHA_256: spki(/^ec prime256v1$/, 'a key on P-256'),
  PKIX_ECDSA_P384_SHA_384: spki(/^ec secp384r1$/, 'a key on P-384'),
  PKIX_ECDSA_P384_SHA_256: spki(/^ec secp384r1$/, 'a key on P-384'),
  PKIX_ECDSA_P521_SHA_512: spki(/^ec secp521r1$/, 'a key on P-521'),
  PKIX_ECDSA_P521_SHA_256: spki(/^ec secp521r1$/, 'a key on P-521'),
  PKIX_ED25519: spki(/^ed25519 /, 'an Ed25519 key'),
  PKIX_RSA_PKCS1V15_2048_SHA256: spki(/^rsa 2048$/, 'an RSA key of 2048 bits'),
  PKIX_RSA_PKCS1V15_3072_SHA256: spki(/^rsa 3072$/, 'an RSA key of 3072 bits'),
  PKIX_RSA_PKCS1V15_4096_SHA256: spki(/^rsa 4096$/, 'an RSA key of 4096 bits'),
  PKIX_RSA_PKCS1V5: spki(/^rsa /, 'an RSA key'),
  PKCS1_RSA_PKCS1V5: { encoding: 'pkcs1', key: /^rsa /, expected: 'an RSA key' },
}

/**
 * Parses one entry of `tlogs` or `ctlogs`. Its id is taken as it stands there, not computed: it is the hash of the key for
 * some logs, of name and key for others, and a log that was renamed keeps the old one. A wrong id finds no entry; whatever
 * it finds must still be signed by the key.
 */
export function parseLog(log: Members): TransparencyLog {
  const hash = log.text('hashAlgorithm')
  if (hash !== 'SHA2_256')
    throw new InputError(`expected ${log.at('hashAlgorithm')} to be SHA2_256, got ${JSON.stringify(hash.slice(0, 80))}`)
  log.textIfAny('operator')
  const publicKey = log.object('publicKey', ['rawBytes', 'keyDetails', 'validFor'])
  const id = parseId(log, 'logId', ID_BYTES)
  const hint = log.has('checkpointKeyId') ? parseId(log, 'checkpointKeyId', HINT_BYTES) : id
  return {
    baseUrl: parseBaseUrl(log),
    id: hex(id),
    keyHint: hex(hint.subarray(0, HINT_BYTES)),
    key: parseKey(publicKey),
    validFor: parseValidity(publicKey),
  }
}

function parseId(log: Members, name: string, least: number): Uint8Array {
  const id = log.object(name, ['keyId']).bytes('keyId', ID_BYTES)
  if (id.length >= least && id.length <= ID_BYTES) return id
  const expected = least === ID_BYTES ? `${ID_BYTES}` : `${least} to ${ID_BYTES}`
  throw new InputError(`expected ${log.at(name)}.keyId to be ${expected} bytes, got ${id.length}`)
}

/** An absolute URL; one without a scheme, which protobuf-specs allow, is one of HTTPS. Never fetched: its host is what the log signs under. */
function parseBaseUrl(log: Members): string {
  const text = log.text('baseUrl')
  const absolute = text.includes('://') ? text : `https://${text}`
  const url = URL.canParse(absolute) ? new URL(absolute) : undefined
  const isOfHttp = url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:')
  const isPlain = url !== undefined && url.username + url.password + url.search + url.hash === ''
  if (text !== '' && isOfHttp && isPlain) return absolute
  throw new InputError(
    `expected ${log.at('baseUrl')} to be a URL such as https://rekor.sigstore.dev, got ${JSON.stringify(text.slice(0, 80))}`,
  )
}

function parseKey(publicKey: Members): PublicKey {
  const name = publicKey.text('keyDetails')
  const details = Object.hasOwn(DETAILS, name) ? DETAILS[name] : undefined
  if (details === undefined)
    throw new InputError(
      `expected ${publicKey.at('keyDetails')} to be one of ${Object.keys(DETAILS).join(', ')}, got ${JSON.stringify(name.slice(0, 80))}`,
    )
  const bytes = publicKey.bytes('rawBytes', KEY_BYTES)
  const key = publicKey.within('rawBytes', () => decodePublicKey(details.encoding === 'spki' ? bytes : toSpki(bytes)))
  const found = describe(keyObjectOf(key))
  if (!details.key.test(found))
    throw new InputError(`${publicKey.at('rawBytes')}: expected ${details.expected}, as its details say, got ${found}`)
  return key
}

/** The older form of RSA keys, in which the log of certificates of Sigstore's staging instance is written down. */
function toSpki(pkcs1: Uint8Array): Uint8Array {
  try {
    return createPublicKey({ key: Buffer.from(pkcs1), format: 'der', type: 'pkcs1' }).export({
      format: 'der',
      type: 'spki',
    })
  } catch (error) {
    throw new InputError('expected an RSA key as PKCS#1 has it, got bytes that are none', { cause: error })
  }
}

/** `ec secp384r1`, `rsa 2048`, `ed25519 `. */
function describe({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  return `${asymmetricKeyType} ${asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength ?? ''}`
}

function spki(key: RegExp, expected: string): Details {
  return { encoding: 'spki', key, expected }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
