/** One authority of a trust root, of certificates or of timestamps (CertificateAuthority of Sigstore's protobuf-specs). */
import type { KeyObject } from 'node:crypto'
import { X509Certificate } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import type { CertificateAuthority } from '#core/domain/trust-root.ts'
import type { Members } from './members.ts'
import { parseValidity } from './parse-validity.ts'

/** `operator` is of version 0.2 and counts for nothing here. */
export const AUTHORITY_MEMBERS = ['subject', 'uri', 'certChain', 'validFor', 'operator']

/** Sigstore's chains have two or three; a bridge or two more is all that anybody has built. */
const MOST_CERTIFICATES = 8
/** A certificate of an authority has 500 bytes, one with a post-quantum key below 16 KiB. */
const CERTIFICATE_BYTES = 16 * 1024

/** Parses one entry of `certificateAuthorities` or `timestampAuthorities`. That its certificates form a chain is found out by whoever follows it. */
export function parseAuthority(authority: Members): CertificateAuthority {
  authority.textIfAny('operator')
  const chain = authority.object('certChain', ['certificates']).list('certificates', ['rawBytes'], MOST_CERTIFICATES)
  if (chain.length === 0)
    throw new InputError(`expected ${authority.at('certChain.certificates')} to hold certificates, got none`)
  return { name: nameOf(authority), chain: chain.map(parseCertificate), validFor: parseValidity(authority) }
}

function nameOf(authority: Members): string {
  const subject = authority.objectIfAny('subject', ['organization', 'commonName'])
  const names = [subject.textIfAny('organization'), subject.textIfAny('commonName')].filter(name => name !== '')
  // `uri` first: GitHub's authorities have none, and Sigstore's have all the same subject.
  return authority.textIfAny('uri') || names.join(', ') || authority.path
}

/** Decoded for no other end than to say now what nobody could use later. */
function parseCertificate(certificate: Members): string {
  const der = certificate.bytes('rawBytes', CERTIFICATE_BYTES)
  const { raw } = certificate.within('rawBytes', () => decode(der))
  // OpenSSL reads PEM, too, and past the end of the certificate.
  if (!raw.equals(der))
    throw new InputError(`expected ${certificate.at('rawBytes')} to be a certificate in DER with nothing behind it`)
  return certificate.text('rawBytes')
}

/** With its key, which OpenSSL decodes only when it is asked for. */
function decode(der: Uint8Array): { readonly raw: Buffer; readonly key: KeyObject } {
  try {
    const { raw, publicKey } = new X509Certificate(der)
    return { raw, key: publicKey }
  } catch (error) {
    throw new InputError('expected a certificate in DER, got bytes that are none', { cause: error })
  }
}
