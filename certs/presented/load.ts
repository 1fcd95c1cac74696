/** Reads the certificate and key that an administrator has put into files, and finds out now what the API server would object to later. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { open } from 'node:fs/promises'
import { InputError } from '#core/domain/input-error.ts'
import type { ServingCertificate } from './serving-certificate.ts'

/** A certificate with its chain, or a key, has a few KiB; what is larger is another file. */
const PEM_BYTES = 256 * 1024

/** Reads both files and checks that they fit each other and are valid now. Throws an InputError that names the file. */
export async function readServingCertificate(
  certFile: string,
  keyFile: string,
  now: Date,
): Promise<ServingCertificate> {
  const cert = await readPem(certFile, 'certificate')
  const key = await readPem(keyFile, 'key')
  const leaf = parseCertificate(cert, certFile)
  if (!leaf.checkPrivateKey(parseKey(key, keyFile)))
    throw new InputError(`the key in ${quoted(keyFile)} does not belong to the certificate in ${quoted(certFile)}`)
  refuseOutsideLife(leaf, certFile, now)
  // The API server compares names in this extension only; a certificate without it fails every connection.
  if (!leaf.subjectAltName)
    throw new InputError(`expected a subject alternative name in the certificate in ${quoted(certFile)}, got none`)
  return { cert, key, notAfter: leaf.validToDate }
}

async function readPem(file: string, what: string): Promise<string> {
  try {
    await using handle = await open(file)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(PEM_BYTES + 1))
    if (bytesRead > PEM_BYTES) throw new InputError(`expected at most ${PEM_BYTES} bytes`)
    return buffer.toString('latin1', 0, bytesRead)
  } catch (error) {
    throw new InputError(`cannot read the ${what} ${quoted(file)}`, { cause: error })
  }
}

function parseCertificate(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new InputError(`expected a certificate in PEM in ${quoted(file)}`, { cause: error })
  }
}

function parseKey(pem: string, file: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new InputError(`expected an unencrypted private key in PEM in ${quoted(file)}`, { cause: error })
  }
}

function refuseOutsideLife(leaf: X509Certificate, file: string, now: Date): void {
  if (now > leaf.validToDate)
    throw new InputError(`the certificate in ${quoted(file)} expired at ${leaf.validToDate.toISOString()}`)
  if (now < leaf.validFromDate)
    throw new InputError(`the certificate in ${quoted(file)} is not valid before ${leaf.validFromDate.toISOString()}`)
}

function quoted(file: string): string {
  return JSON.stringify(file)
}
