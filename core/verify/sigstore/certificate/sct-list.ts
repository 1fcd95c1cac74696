/** The promises of certificate logs in a certificate (RFC 6962, sections 3.2 and 3.3), decoded and bounded. */
import { InputError } from '#core/domain/input-error.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { decodeDer, TAG } from '#core/verify/der.ts'

/** A signed certificate timestamp; nothing of it has been verified. */
export type Sct = {
  /** The log it says to be of: 64 hex digits. */
  readonly log: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Time and extensions as they stand there, which is how they are signed. */
  readonly timestamp: Uint8Array
  readonly extensions: Uint8Array
  /** Hash and signature algorithm, an octet each (RFC 5246, section 7.4.1.4.1). */
  readonly algorithm: number
  readonly signature: Uint8Array
}

/** Fulcio asks one log, the authorities of the web ask two or three. */
export const MOST_SCTS = 8

/**
 * Decodes the value of the extension; throws an InputError, a LimitError where there are too many. Promises of another
 * version are left out: what they say cannot be told, and section 3.3 has each in a box of its own so that it can be skipped.
 */
export function decodeScts(value: Uint8Array): readonly Sct[] {
  const { content } = decodeDer(value, 'the promises of certificate logs', TAG.octetString)
  const all = new Octets(content)
  const list = new Octets(all.takeCounted(2))
  all.end()
  const scts: Sct[] = []
  for (let count = 1; !list.isAtEnd(); count++) {
    if (count > MOST_SCTS) throw new LimitError(`expected at most ${MOST_SCTS} promises of certificate logs, got more`)
    const sct = decodeSct(new Octets(list.takeCounted(2)))
    if (sct !== undefined) scts.push(sct)
  }
  return scts
}

function decodeSct(octets: Octets): Sct | undefined {
  if (octets.takeNumber(1) !== 0n) return undefined
  const log = Buffer.from(octets.take(32)).toString('hex')
  const timestamp = octets.take(8)
  const at = Number(new Octets(timestamp).takeNumber(8))
  // Of whatever later version of the log: they are signed, and section 3.2 has who does not know them read past them.
  const extensions = octets.takeCounted(2)
  const algorithm = Number(octets.takeNumber(2))
  const signature = octets.takeCounted(2)
  octets.end()
  if (!Number.isSafeInteger(at)) throw new InputError('expected a promise of a certificate log with a time that exists')
  return { log, at, timestamp, extensions, algorithm, signature }
}

/** Takes octets off bytes in the presentation language of TLS (RFC 5246, section 4). */
class Octets {
  readonly #bytes: Uint8Array
  #next = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(length: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#next, this.#next + length)
    if (taken.length < length)
      throw new InputError('expected a promise of a certificate log, got bytes that end within it')
    this.#next += length
    return taken
  }

  takeNumber(length: number): bigint {
    return BigInt(`0x${Buffer.from(this.take(length)).toString('hex')}`)
  }

  /** As many as the octets before say. */
  takeCounted(length: number): Uint8Array {
    return this.take(Number(this.takeNumber(length)))
  }

  isAtEnd(): boolean {
    return this.#next === this.#bytes.length
  }

  end(): void {
    if (!this.isAtEnd()) throw new InputError('expected nothing behind the promises of certificate logs')
  }
}
