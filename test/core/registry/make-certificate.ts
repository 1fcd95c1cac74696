/** Certificates for servers of tests: an authority of our own, and identities that it vouches for. */
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  cryptoProvider,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const HOUR_MS = 3_600_000

cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0])

type Names = { readonly dns?: string; readonly ip?: string }
export type Authority = {
  readonly pem: string
  /** `ageHours` ago it was issued, for one hour. */
  readonly issue: (names: Names, ageHours?: number) => Promise<{ readonly key: string; readonly cert: string }>
}

export async function makeAuthority(): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const authority = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=authority of a test',
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(Date.now() - 100 * HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    extensions: [new BasicConstraintsExtension(true, undefined, true)],
  })
  const issue = async ({ dns, ip }: Names, ageHours = 0) => {
    const own = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await X509CertificateGenerator.create({
      subject: 'CN=server of a test',
      issuer: authority.subject,
      signingKey: keys.privateKey,
      publicKey: own.publicKey,
      signingAlgorithm: ALGORITHM,
      notBefore: new Date(Date.now() - ageHours * HOUR_MS - 60_000),
      notAfter: new Date(Date.now() + (1 - ageHours) * HOUR_MS - 60_000),
      extensions: [
        new SubjectAlternativeNameExtension([
          ...(dns === undefined ? [] : [{ type: 'dns' as const, value: dns }]),
          ...(ip === undefined ? [] : [{ type: 'ip' as const, value: ip }]),
        ]),
      ],
    })
    const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64')
    return {
      cert: certificate.toString('pem'),
      key: `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`,
    }
  }
  return { pem: authority.toString('pem'), issue }
}
