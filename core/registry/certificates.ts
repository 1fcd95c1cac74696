/** Certificates that a configuration names by file: authorities to trust, and one of our own to show. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import type { ReadFile } from './named-file.ts'
import { readNamedFile } from './named-file.ts'

/** A certificate with which we show who we are, and its key; both PEM. */
export type ClientCertificate = { readonly cert: string; readonly key: string }

/** A file, and the field that names it. */
type Named = { readonly field: string; readonly path: string }

/** Reads a file of certificates; throws an InputError that names the field. */
export function readCertificates({ field, path }: Named, readFile: ReadFile): string {
  const pem = readNamedFile(field, path, readFile)
  // OpenSSL reads up to the first that it cannot, and says nothing of those behind it.
  const blocks = pem.split(/^(?=-----BEGIN )/m).filter(block => /^-----BEGIN (?:X509 )?CERTIFICATE-----/.test(block))
  try {
    for (const block of blocks.length === 0 ? [pem] : blocks) void new X509Certificate(block)
    return pem
  } catch (error) {
    throw new InputError(`${field}: expected certificates in PEM in ${JSON.stringify(path)}`, { cause: error })
  }
}

/** Reads a certificate and its key, which may lie in one file; throws an InputError that names the field and holds no key. */
export function readClientCertificate(certificate: Named, key: Named, readFile: ReadFile): ClientCertificate {
  const cert = readCertificates(certificate, readFile)
  const pem = readNamedFile(key.field, key.path, readFile)
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(pem))) return { cert, key: pem }
  } catch {
    // OpenSSL's own words may hold a piece of what it could not read.
    throw new InputError(`${key.field}: expected a private key in PEM, not encrypted, in ${JSON.stringify(key.path)}`)
  }
  const [of, found] = [certificate.path, key.path].map(path => JSON.stringify(path))
  throw new InputError(`${key.field}: expected the key of ${of} in ${found}`)
}
