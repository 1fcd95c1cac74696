/** Makes certificates on the spot, octet by octet, so that each part can be made wrong. */
import type { KeyObject } from 'node:crypto'
import { constants, createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { decodePublicKey } from '#core/domain/public-key.ts'
import type { CertificateAuthority, TransparencyLog } from '#core/domain/trust-root.ts'
import { contextTag, encodeDer, TAG } from '#core/verify/der.ts'

export type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
export type Made = { readonly der: Uint8Array; readonly name: Uint8Array; readonly keys: Keys }

export const FROM = Date.UTC(2026, 0, 1)
export const UNTIL = Date.UTC(2027, 0, 1)
export const NOW = Date.UTC(2026, 5, 1)

export const makeKeys = (curve = 'P-256'): Keys => generateKeyPairSync('ec', { namedCurve: curve })

export const sequence = (...content: readonly Uint8Array[]) => encodeDer(TAG.sequence, ...content)
export const utf8 = (text: string) => encodeDer(TAG.utf8String, Buffer.from(text))
export const octets = (...content: readonly Uint8Array[]) => encodeDer(TAG.octetString, ...content)
export const boolean = (value: boolean) => encodeDer(TAG.boolean, Uint8Array.of(value ? 0xff : 0))
export const hex = (text: string) => Buffer.from(text, 'hex')
export const tagged = (number: number, ...content: readonly Uint8Array[]) =>
  encodeDer(contextTag(number, 'constructed'), ...content)
export const implicit = (number: number, content: Uint8Array) => encodeDer(contextTag(number, 'primitive'), content)

export function oid(text: string): Uint8Array {
  const [first = 0n, second = 0n, ...rest] = text.split('.').map(BigInt)
  return encodeDer(TAG.oid, ...[first * 40n + second, ...rest].map(encodeArc))
}

function encodeArc(arc: bigint): Uint8Array {
  const octets = [Number(arc & 0x7fn)]
  for (let left = arc >> 7n; left > 0n; left >>= 7n) octets.unshift(Number(left & 0x7fn) | 0x80)
  return Uint8Array.from(octets)
}

export function integer(value: bigint): Uint8Array {
  const digits = value.toString(16)
  const even = digits.length % 2 === 0 ? digits : `0${digits}`
  return encodeDer(TAG.integer, hex(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even))
}

/** UTCTime until 2049, GeneralizedTime from then on. */
function time(at: number): Uint8Array {
  const digits = new Date(at).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  const isUtc = at < Date.UTC(2050, 0, 1)
  return encodeDer(isUtc ? TAG.utcTime : TAG.generalizedTime, Buffer.from(isUtc ? digits.slice(2) : digits))
}

/** A name with one attribute (commonName); none for empty text. */
export function nameOf(text: string): Uint8Array {
  return text === '' ? sequence() : sequence(encodeDer(TAG.set, sequence(oid('2.5.4.3'), utf8(text))))
}

export function extension(id: string, value: Uint8Array, critical = false): Uint8Array {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value))
}

export const EXTENSIONS = {
  ca: (pathLength?: number) =>
    extension(
      '2.5.29.19',
      sequence(boolean(true), ...(pathLength === undefined ? [] : [integer(BigInt(pathLength))])),
      true,
    ),
  noCa: extension('2.5.29.19', sequence(), true),
  /** The first two octets of the bit string. */
  usage: (bits: string) => extension('2.5.29.15', encodeDer(TAG.bitString, hex(bits)), true),
  purposes: (...ids: readonly string[]) => extension('2.5.29.37', sequence(...ids.map(oid))),
  names: (...names: readonly Uint8Array[]) => extension('2.5.29.17', sequence(...names), true),
  issuer: (text: string) => extension('1.3.6.1.4.1.57264.1.8', utf8(text)),
} as const

export const CERT_SIGN = EXTENSIONS.usage('0106')
export const DIGITAL_SIGNATURE = EXTENSIONS.usage('0780')
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
export const email = (text: string) => implicit(1, Buffer.from(text))
export const uri = (text: string) => implicit(6, Buffer.from(text))

/** What an authority has, with as many below it as it likes. */
export const AUTHORITY = [EXTENSIONS.ca(), CERT_SIGN]

export const SUBJECT = 'alice@example.test'
export const ISSUER = 'https://issuer.example.test'

/** What Fulcio writes for a signer. */
export const SIGNER = [
  DIGITAL_SIGNATURE,
  EXTENSIONS.purposes(CODE_SIGNING),
  EXTENSIONS.names(email(SUBJECT)),
  EXTENSIONS.issuer(ISSUER),
]

/** AlgorithmIdentifiers, and how each signs. */
export type Algorithm = { readonly id: Uint8Array; readonly sign: (message: Uint8Array, key: KeyObject) => Uint8Array }

const withHash = (id: string, hash: string, parameters: readonly Uint8Array[] = []): Algorithm => ({
  id: sequence(oid(id), ...parameters),
  sign: (message, key) => sign(hash, message, key),
})

export const NULL = encodeDer(TAG.null)

export function pss(hash: string, id: string, salt: number, mask = id, more: readonly Uint8Array[] = []): Algorithm {
  const parameters = sequence(
    tagged(0, sequence(oid(id), NULL)),
    tagged(1, sequence(oid('1.2.840.113549.1.1.8'), sequence(oid(mask), NULL))),
    tagged(2, integer(BigInt(salt))),
    ...more,
  )
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt }
  return {
    id: sequence(oid('1.2.840.113549.1.1.10'), parameters),
    sign: (message, key) => sign(hash, message, { key, ...padding }),
  }
}

export const ALGORITHMS = {
  ecdsa256: withHash('1.2.840.10045.4.3.2', 'sha256'),
  ecdsa384: withHash('1.2.840.10045.4.3.3', 'sha384'),
  ecdsa512: withHash('1.2.840.10045.4.3.4', 'sha512'),
  ecdsa1: withHash('1.2.840.10045.4.1', 'sha1'),
  ecdsa224: withHash('1.2.840.10045.4.3.1', 'sha224'),
  rsa256: withHash('1.2.840.113549.1.1.11', 'sha256', [NULL]),
  rsa384: withHash('1.2.840.113549.1.1.12', 'sha384', [NULL]),
  rsa512: withHash('1.2.840.113549.1.1.13', 'sha512', [NULL]),
  rsa256WithoutNull: withHash('1.2.840.113549.1.1.11', 'sha256'),
  rsa1: withHash('1.2.840.113549.1.1.5', 'sha1', [NULL]),
  rsa5: withHash('1.2.840.113549.1.1.4', 'md5', [NULL]),
  pss256: pss('sha256', '2.16.840.1.101.3.4.2.1', 32),
  pss384: pss('sha384', '2.16.840.1.101.3.4.2.2', 48),
  pss512: pss('sha512', '2.16.840.1.101.3.4.2.3', 64),
  ed25519: { id: sequence(oid('1.3.101.112')), sign: (message, key) => sign(null, message, key) } satisfies Algorithm,
} as const

export type Recipe = {
  readonly subject?: string
  /** Itself, where there is none. */
  readonly by?: Made
  readonly keys?: Keys
  readonly from?: number
  readonly until?: number
  readonly extensions?: readonly Uint8Array[]
  readonly algorithm?: Algorithm
  /** The logs that promise it, and what is wrong with what they write. */
  readonly logs?: readonly MadeLog[]
  /** The parts of what is signed, to be changed before it is signed. */
  readonly change?: (parts: Record<Part, Uint8Array>) => Partial<Record<Part, Uint8Array>>
  /** The algorithm beside what is signed, if it is another. */
  readonly outer?: Uint8Array
}

type Part = 'version' | 'serial' | 'algorithm' | 'issuer' | 'validity' | 'subject' | 'key' | 'extensions'

const USUAL = {
  subject: 'somebody',
  from: FROM,
  until: UNTIL,
  extensions: [EXTENSIONS.noCa] as readonly Uint8Array[],
  algorithm: ALGORITHMS.ecdsa256,
  logs: [] as readonly MadeLog[],
}

/** A self-signed certificate of nobody in particular unless the recipe says otherwise. */
export function makeCertificate(recipe: Recipe = {}): Made {
  const full = {
    ...USUAL,
    keys: makeKeys(),
    serial: integer(BigInt(`0x7f${randomBytes(15).toString('hex')}`)),
    ...recipe,
  }
  const { keys, extensions, algorithm, logs, outer = algorithm.id } = full
  const signer = full.by?.keys ?? keys
  const scts = logs.map(log => log.promise(encodeSigned(full, extensions), signer.publicKey))
  const signed = encodeSigned(full, scts.length === 0 ? extensions : [...extensions, listOf(scts)])
  const signature = algorithm.sign(signed, signer.privateKey)
  const der = sequence(signed, outer, encodeDer(TAG.bitString, Uint8Array.of(0), signature))
  return { der, name: nameOf(full.subject), keys }
}

type Full = Recipe & typeof USUAL & { readonly keys: Keys; readonly serial: Uint8Array }

function encodeSigned(recipe: Full, extensions: readonly Uint8Array[]): Uint8Array {
  const { subject, by, keys, from, until, algorithm, serial, change } = recipe
  const name = nameOf(subject)
  const parts: Record<Part, Uint8Array> = {
    version: tagged(0, integer(2n)),
    serial,
    algorithm: algorithm.id,
    issuer: by?.name ?? name,
    validity: sequence(time(from), time(until)),
    subject: name,
    key: keys.publicKey.export({ format: 'der', type: 'spki' }),
    extensions: tagged(3, sequence(...extensions)),
  }
  return sequence(...Object.values({ ...parts, ...change?.(parts) }))
}

/** An authority of a trust root: certificates from the one that issues to the root. */
export function toAuthority(name: string, ...chain: readonly Made[]): CertificateAuthority {
  const texts = chain.map(({ der }) => Buffer.from(der).toString('base64'))
  return { name, chain: texts, validFor: { from: undefined, until: undefined } }
}

export type MadeLog = {
  readonly keys: Keys
  readonly log: TransparencyLog
  readonly promise: (precertificate: Uint8Array, issuer: KeyObject) => Uint8Array
}

/** Big-endian, in so many octets. */
function number(value: number | bigint, octets: number): Uint8Array {
  return hex(value.toString(16).padStart(2 * octets, '0'))
}

/** With its length in front. */
export function counted(octets: number, ...content: readonly Uint8Array[]): Uint8Array {
  const bytes = Buffer.concat(content)
  return Buffer.concat([number(bytes.length, octets), bytes])
}

/** The extension that holds the promises (RFC 6962, section 3.3). */
function listOf(scts: readonly Uint8Array[]): Uint8Array {
  return extension('1.3.6.1.4.1.11129.2.4.2', octets(counted(2, ...scts.map(sct => counted(2, sct)))))
}

export type LogRecipe = {
  readonly keys?: Keys
  readonly at?: number | bigint
  readonly version?: number
  readonly extensions?: Uint8Array
  /** Hash and signature algorithm, and how it signs. */
  readonly algorithm?: number
  readonly sign?: (message: Uint8Array, key: KeyObject) => Uint8Array
}

/** A certificate log that promises as RFC 6962, section 3.2, has it. */
export function makeLog(recipe: LogRecipe = {}): MadeLog {
  const { keys = makeKeys(), at = NOW, version = 0, extensions = Buffer.alloc(0), algorithm = 0x0403 } = recipe
  const signWith = recipe.sign ?? ((message, key) => sign('sha256', message, key))
  const spki = keys.publicKey.export({ format: 'der', type: 'spki' })
  const id = createHash('sha256').update(spki).digest()
  const timestamp = number(at, 8)
  return {
    keys,
    log: {
      baseUrl: 'https://log.example.test',
      id: id.toString('hex'),
      keyHint: id.toString('hex').slice(0, 8),
      key: decodePublicKey(spki),
      validFor: { from: undefined, until: undefined },
    },
    promise: (precertificate, issuer) => {
      const issuerHash = createHash('sha256')
        .update(issuer.export({ format: 'der', type: 'spki' }))
        .digest()
      const entry = [number(1, 2), issuerHash, counted(3, precertificate), counted(2, extensions)]
      const signature = signWith(Buffer.concat([number(0, 2), timestamp, ...entry]), keys.privateKey)
      return Buffer.concat([
        number(version, 1),
        id,
        timestamp,
        counted(2, extensions),
        number(algorithm, 2),
        counted(2, signature),
      ])
    },
  }
}
