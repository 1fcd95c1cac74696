/** Writes RFC 3161 responses: a CMS signature (RFC 5652) over when something was seen. */
import { createHash, sign } from 'node:crypto'
import type { Holder } from './authority.ts'
import { encodeName, makeSerial } from './certificate.ts'
import { generalizedTime, integer, nothing, octets, oid, sequence, setOf, tagged, utcTime } from './der.ts'
import { sha256 } from './key-pair.ts'

const HASHES = { sha256: '2.16.840.1.101.3.4.2.1', sha1: '1.3.14.3.2.26' } as const
const SIGNED_DATA = '1.2.840.113549.1.7.2'
const TST_INFO = '1.2.840.113549.1.9.16.1.4'
const ECDSA_SHA256 = '1.2.840.10045.4.3.2'
/** Sigstore's own. */
const POLICY = '1.3.6.1.4.1.57264.2'

/** All that a timestamp is made of: the faults of timestamps are other values of these. */
export type StampPlan = {
  /** The bytes that were seen: a signature. */
  readonly over: Uint8Array
  readonly at: Date
  /** `.5`: of the second, as written. */
  readonly fraction: string
  readonly imprint: keyof typeof HASHES
  /** RFC 3161, section 2.4.2: granted is 0, rejection is 2. */
  readonly status: 0 | 2
  readonly signer: Holder
  /** Certificates that come along, in this order. */
  readonly bag: readonly Uint8Array[]
  /** Over the signed attributes, in DER. */
  readonly sign: (attributes: Uint8Array) => Uint8Array
}

export function planStamp(over: Uint8Array, at: Date, signer: Holder, bag: readonly Uint8Array[]): StampPlan {
  const key = signer.keys.privateKey
  return {
    over,
    at,
    fraction: '',
    imprint: 'sha256',
    status: 0,
    signer,
    bag,
    sign: attributes => sign('sha256', attributes, key),
  }
}

/** A whole response; its token is there even where the status says that there is none. */
export function encodeTimestamp(plan: StampPlan): Uint8Array {
  const info = encodeInfo(plan)
  const sha256Only = sequence(oid(HASHES.sha256))
  const signedData = sequence(
    integer(3),
    setOf([sha256Only]),
    sequence(oid(TST_INFO), tagged(0, octets(info))),
    tagged(0, ...plan.bag),
    setOf([encodeSigner(plan, info, sha256Only)]),
  )
  return sequence(sequence(integer(plan.status)), sequence(oid(SIGNED_DATA), tagged(0, signedData)))
}

function encodeInfo({ over, at, fraction, imprint, signer }: StampPlan): Uint8Array {
  return sequence(
    integer(1),
    oid(POLICY),
    sequence(sequence(oid(HASHES[imprint]), nothing()), octets(createHash(imprint).update(over).digest())),
    integer(makeSerial()),
    generalizedTime(at, fraction),
    sequence(integer(1)),
    tagged(0, tagged(4, encodeName(signer.name))),
  )
}

function encodeSigner(plan: StampPlan, info: Uint8Array, sha256Only: Uint8Array): Uint8Array {
  const issuer = encodeName(plan.signer.issuer)
  const serial = integer(plan.signer.serial)
  const attributes = [
    attribute('1.2.840.113549.1.9.3', oid(TST_INFO)),
    attribute('1.2.840.113549.1.9.5', utcTime(plan.at)),
    attribute('1.2.840.113549.1.9.4', octets(sha256(info))),
    // RFC 5816: which certificate it is, so that no other of the same key can be put in its place
    attribute(
      '1.2.840.113549.1.9.16.2.47',
      sequence(
        sequence(sequence(octets(sha256(plan.signer.certificate)), sequence(sequence(tagged(4, issuer)), serial))),
      ),
    ),
  ]
  // RFC 5652, section 5.4: signed as a SET, written with the tag [0]
  const signed = setOf(attributes)
  const written = Buffer.from(signed)
  written[0] = 0xa0
  return sequence(
    integer(1),
    sequence(issuer, serial),
    sha256Only,
    written,
    sequence(oid(ECDSA_SHA256)),
    octets(plan.sign(signed)),
  )
}

function attribute(id: string, value: Uint8Array): Uint8Array {
  return sequence(oid(id), setOf([value]))
}
