/** Key pairs that never leave this process, and raw signatures with them. */
import type { KeyObject } from 'node:crypto'
import { constants, generateKeyPairSync, sign } from 'node:crypto'
import { ed25519ph } from '@noble/curves/ed25519.js'
import { InputError } from '#core/domain/input-error.ts'
import type { Signer } from '../sigstore/sign.ts'

type KeyPair = { readonly privateKey: KeyObject; readonly publicKey: KeyObject }

const GENERATORS = {
  p256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  p521: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  rsa2048: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  rsa3072: () => generateKeyPairSync('rsa', { modulusLength: 3072 }),
  ed25519: () => generateKeyPairSync('ed25519'),
} satisfies Record<string, () => KeyPair>

export const KEY_TYPES = Object.keys(GENERATORS) as readonly (keyof typeof GENERATORS)[]
type KeyType = keyof typeof GENERATORS

/** cosign takes the hash that is as strong as the curve. */
const HASH_OF: Partial<Record<KeyType, string>> = { p384: 'sha384', p521: 'sha512' }

export type Scheme = {
  readonly hash?: string | undefined
  readonly padding?: 'pkcs1' | 'pss' | undefined
  /** RFC 8032: Ed25519ph in place of Ed25519. */
  readonly prehash: boolean
}

export class Keys {
  readonly #keys = new Map<string, KeyPair & { readonly type: KeyType }>()

  /** Makes a key pair, in place of an older one of that name, and gives the public key as PEM. */
  make(name: string, type: KeyType): string {
    const pair = GENERATORS[type]()
    this.#keys.set(name, { ...pair, type })
    return pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
  }

  /** Whoever signs with this key, in this way. */
  signer(name: string, scheme: Scheme): Signer {
    const { publicKey, type } = this.#find(name)
    const hash = type === 'ed25519' ? 'sha512' : (scheme.hash ?? HASH_OF[type] ?? 'sha256')
    return {
      publicKey,
      hash,
      details: detailsOf(type, hash, scheme),
      sign: message => this.#sign(name, message, scheme),
    }
  }

  #sign(name: string, message: Uint8Array, scheme: Scheme): Uint8Array {
    const { privateKey, type } = this.#find(name)
    if (type === 'ed25519') return signEdwards(privateKey, message, scheme.prehash)
    const hash = scheme.hash ?? HASH_OF[type] ?? 'sha256'
    if (scheme.padding !== 'pss') return sign(hash, message, privateKey)
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
    return sign(hash, message, { key: privateKey, padding, saltLength })
  }

  #find(name: string) {
    const found = this.#keys.get(name)
    if (found === undefined) throw new InputError(`no key ${JSON.stringify(name)}; make it first`)
    return found
  }
}

/** protobuf-specs, PublicKeyDetails: how a log entry calls key and scheme. */
function detailsOf(type: KeyType, hash: string, { padding, prehash }: Scheme): string {
  if (type === 'ed25519') return prehash ? 'PKIX_ED25519_PH' : 'PKIX_ED25519'
  const [, bits] = /^rsa(\d+)$/.exec(type) ?? []
  if (bits !== undefined) return `PKIX_RSA_${padding === 'pss' ? 'PSS' : 'PKCS1V15'}_${bits}_SHA256`
  return `PKIX_ECDSA_${type.toUpperCase()}_${hash.replace('sha', 'SHA_')}`
}

function signEdwards(privateKey: KeyObject, message: Uint8Array, prehash: boolean): Uint8Array {
  if (!prehash) return sign(null, message, privateKey)
  // node:crypto has no Ed25519ph
  return ed25519ph.sign(message, Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url'))
}
