/** A certificate log: signs that it has seen a certificate before there was one (RFC 6962, section 3.2). */
import type { KeyObject } from 'node:crypto'
import { sign } from 'node:crypto'
import { octets } from './der.ts'
import type { Extension } from './extensions.ts'
import { ID } from './extensions.ts'
import { makeEcKeys, sha256, spkiOf } from './key-pair.ts'

/** A certificate without its SCTs, and the key of who will issue it. */
export type PreCertificate = { readonly tbs: Uint8Array; readonly issuerKey: KeyObject }

export class CtLog {
  readonly baseUrl: string
  readonly publicKey: KeyObject
  readonly logId: Uint8Array
  readonly #privateKey: KeyObject
  #size = 0

  constructor(host: string) {
    const { publicKey, privateKey } = makeEcKeys()
    this.baseUrl = `https://${host}`
    this.publicKey = publicKey
    this.logId = sha256(spkiOf(publicKey))
    this.#privateKey = privateKey
  }

  /** A signed certificate timestamp, as it stands in the list of the extension. */
  promise({ tbs, issuerKey }: PreCertificate, at: Date): Uint8Array {
    // static-ct-api, "SCT Extension": the index of the leaf in 40 bits, as type 0
    const extensions = vector(2, Buffer.concat([Buffer.from([0, 0, 5]), number(5, this.#size++)]))
    const timestamp = number(8, at.getTime())
    const entry = [Buffer.from([0, 1]), sha256(spkiOf(issuerKey)), vector(3, tbs)]
    const signed = Buffer.concat([Buffer.from([0, 0]), timestamp, ...entry, extensions])
    const signature = vector(2, sign('sha256', signed, this.#privateKey))
    // RFC 5246, section 7.4.1.4.1: SHA-256 is 4, ECDSA is 3
    return Buffer.concat([Buffer.from([0]), this.logId, timestamp, extensions, Buffer.from([4, 3]), signature])
  }
}

/** RFC 6962, section 3.3: the list, in an octet string of its own within that of the extension. */
export function sctList(scts: readonly Uint8Array[]): Extension {
  const list = vector(2, Buffer.concat(scts.map(sct => vector(2, sct))))
  return { id: ID.sctList, critical: false, value: octets(list) }
}

/** RFC 5246, section 4.3: a length of so many bytes, and what it is the length of. */
function vector(lengthBytes: number, contents: Uint8Array): Uint8Array {
  return Buffer.concat([number(lengthBytes, contents.length), contents])
}

function number(bytes: number, value: number): Uint8Array {
  return Buffer.from(value.toString(16).padStart(bytes * 2, '0'), 'hex')
}
