/** The certificate of one signature: ten minutes of a name for a key that is thrown away. */
import type { Authority, Holder } from './authority.ts'
import type { Life } from './certificate.ts'
import { encodeCertificate, encodeTbs, makeSerial } from './certificate.ts'
import type { CtLog, PreCertificate } from './ct-log.ts'
import { sctList } from './ct-log.ts'
import type { Claim, Extension } from './extensions.ts'
import {
  authorityKey,
  claim,
  extendedKeyUsage,
  generalName,
  issuerV1,
  issuerV2,
  keyUsage,
  subjectAltName,
  subjectKey,
} from './extensions.ts'
import type { KeyPair } from './key-pair.ts'
import { makeEcKeys } from './key-pair.ts'

const LIFE_MS = 10 * 60 * 1000

/** Who signs without a key of their own. */
export type Identity = {
  /** Subject alternative names: URIs, or addresses. */
  readonly subjects: readonly string[]
  /** The OpenID Connect issuer that vouched for them. */
  readonly issuer: string
  readonly claims?: Readonly<Partial<Record<Claim, string>>> | undefined
}

/** All that a certificate is made of: the faults of certificates are other values of these. */
export type LeafPlan = Life & {
  /** As they were ordered. */
  readonly subjects: readonly string[]
  readonly issuer: Holder
  readonly keys: KeyPair
  readonly extensions: readonly Extension[]
  readonly scts: (certificate: PreCertificate) => readonly Uint8Array[]
}

/** What Fulcio would issue. */
export function planLeaf(identity: Identity, authority: Authority, ctLog: CtLog, at: Date): LeafPlan {
  const keys = makeEcKeys()
  return {
    subjects: identity.subjects,
    issuer: authority.issuer,
    keys,
    notBefore: at,
    notAfter: new Date(at.getTime() + LIFE_MS),
    extensions: extensionsOf(identity, keys, authority.issuer),
    scts: certificate => [ctLog.promise(certificate, at)],
  }
}

function extensionsOf({ subjects, issuer, claims = {} }: Identity, keys: KeyPair, above: Holder): readonly Extension[] {
  return [
    keyUsage('digitalSignature'),
    extendedKeyUsage('codeSigning'),
    subjectKey(keys.publicKey),
    authorityKey(above.keys.publicKey),
    subjectAltName(...subjects.map(generalName)),
    issuerV1(issuer),
    issuerV2(issuer),
    ...Object.entries(claims).map(([name, text]) => claim(name as Claim, text)),
  ]
}

/** Issues it: the logs sign what will stand in it, and their promises are put in as the last extension. */
export function issueLeaf({ issuer, keys, notBefore, notAfter, extensions, scts }: LeafPlan): Uint8Array {
  const serial = makeSerial()
  const { publicKey } = keys
  const content = { serial, issuer: issuer.name, subject: undefined, notBefore, notAfter, publicKey, extensions }
  const signer = issuer.keys.privateKey
  const promises = scts({ tbs: encodeTbs(content, signer), issuerKey: issuer.keys.publicKey })
  const logged = promises.length === 0 ? extensions : [...extensions, sctList(promises)]
  return encodeCertificate({ ...content, extensions: logged }, signer)
}
