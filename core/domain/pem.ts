/** One PEM block (RFC 7468) and nothing else: what stands beside it, one reader sees and another does not. */
import { decodeBase64 } from './base64.ts'
import { InputError } from './input-error.ts'

export type PemBlock = { readonly label: string; readonly der: Uint8Array }

/** An RSA key of 8192 bits fills a tenth of this; reading more than anyone can need has been an attack (CVE-2024-12401). */
const PEM_CHARACTERS = 16 * 1024

/** Anchored, and one repetition at a time: linear, also over text that does not fit. */
const BLOCK =
  /^[ \t\r\n]*-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n([A-Za-z0-9+/=\r\n]*)\n-----END ([A-Z0-9 ]{1,64})-----[ \t\r\n]*$/

/**
 * Parses text that holds exactly one PEM block, with white space around it and line breaks within; anything else is an
 * InputError. The text is never quoted: it may be a secret that was put into the wrong place.
 */
export function parsePemBlock(text: unknown): PemBlock {
  if (typeof text !== 'string') throw new InputError(`expected a PEM block as text, got ${typeof text}`)
  if (text.length > PEM_CHARACTERS)
    throw new InputError(`expected at most ${PEM_CHARACTERS} characters of PEM, got ${text.length}`)
  const blocks = text.split('-----BEGIN ').length - 1
  if (blocks !== 1) throw new InputError(`expected one PEM block, got ${blocks}`)
  const [, label = '', body = '', endLabel] = BLOCK.exec(text) ?? []
  if (label === '' || label !== endLabel)
    throw new InputError(
      'expected a PEM block of BEGIN line, base64 lines and END line, with nothing else around or within',
    )
  return { label, der: decodeBase64(body.replaceAll(/[\r\n]/g, ''), 'the PEM block', PEM_CHARACTERS) }
}
