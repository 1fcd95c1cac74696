/** Signatures over a digest that somebody else has computed: as far as the algorithm can be checked without the bytes. */
import type { KeyObject } from 'node:crypto'
import { constants, publicDecrypt } from 'node:crypto'
import { p256, p384, p521 } from '@noble/curves/nist.js'
import type { HashAlgorithm } from '#core/domain/demand.ts'

type Prehashed = { readonly hash: HashAlgorithm; readonly digest: Uint8Array; readonly signature: Uint8Array }

/** `unknown`: it does not verify in the scheme that needs the digest only, and may in another of the same key. */
export type Checked = 'signed' | 'unsigned' | 'unknown'

/** Checks what it can: ECDSA whole, RSA in PKCS#1 v1.5. RSA-PSS keys and Ed25519 take the bytes. */
export function checkPrehashed(key: KeyObject, prehashed: Prehashed): Checked {
  if (key.asymmetricKeyType === 'ec') return isEcdsa(key, prehashed) ? 'signed' : 'unsigned'
  if (key.asymmetricKeyType === 'rsa' && isPkcs1(key, prehashed)) return 'signed'
  return 'unknown'
}

/** By the names of OpenSSL, with the length of an uncompressed point, which stands last in a SubjectPublicKeyInfo. */
const CURVES = {
  prime256v1: { curve: p256, pointBytes: 65 },
  secp384r1: { curve: p384, pointBytes: 97 },
  secp521r1: { curve: p521, pointBytes: 133 },
} as const

/** node:crypto hashes what it is given. High S is as good as low (only Bitcoin says otherwise): Go and OpenSSL write both. */
function isEcdsa(key: KeyObject, { digest, signature }: Prehashed): boolean {
  const name = key.asymmetricKeyDetails?.namedCurve ?? ''
  const known = Object.entries(CURVES).find(([curve]) => curve === name)?.[1]
  if (known === undefined) throw new TypeError(`no curve for a key on ${name}`)
  const point = key.export({ format: 'der', type: 'spki' }).subarray(-known.pointBytes)
  return known.curve.verify(signature, digest, point, { prehash: false, lowS: false, format: 'der' })
}

/** RFC 8017, section 9.2, note 1: what stands before the digest, DER of its algorithm. */
const DIGEST_INFO: Readonly<Record<HashAlgorithm, string>> = {
  sha224: '302d300d06096086480165030402040500041c',
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
}

/** RFC 8017, section 9.2, step 5: 00 01, as many FF as there is room for, 00. */
const FRAME_BYTES = 3

/**
 * RFC 8017, section 8.2.2: the whole block is made anew and compared, and nothing is read out of it, as whoever read the
 * digest out of a block with too little padding has been forged (CVE-2006-4339).
 */
function isPkcs1(key: KeyObject, { hash, digest, signature }: Prehashed): boolean {
  const length = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
  if (signature.byteLength !== Math.ceil(length)) return false
  const info = Buffer.concat([Buffer.from(DIGEST_INFO[hash], 'hex'), digest])
  const padding = Buffer.alloc(signature.byteLength - info.byteLength - FRAME_BYTES, 0xff)
  const expected = Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), info])
  const block = decryptBlock(key, signature)
  return block !== undefined && Buffer.compare(expected, block) === 0
}

/** Undefined for a number that is not below the modulus, which OpenSSL throws at: nobody's signature. */
function decryptBlock(key: KeyObject, signature: Uint8Array): Uint8Array | undefined {
  try {
    return publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature)
  } catch (error) {
    if ((error as { readonly code?: string }).code === 'ERR_OSSL_RSA_DATA_TOO_LARGE_FOR_MODULUS') return undefined
    throw error
  }
}
