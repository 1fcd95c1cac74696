/** A certificate authority in the manner of Fulcio: a root, and an intermediate that issues. */
import type { Life, Name } from './certificate.ts'
import { encodeCertificate, makeSerial } from './certificate.ts'
import type { Extension } from './extensions.ts'
import { authorityKey, basicConstraints, extendedKeyUsage, keyUsage, subjectKey } from './extensions.ts'
import type { Curve, KeyPair } from './key-pair.ts'
import { makeEcKeys } from './key-pair.ts'

/** Whoever has a certificate and the key to it. */
export type Holder = {
  readonly name: Name
  readonly keys: KeyPair
  readonly certificate: Uint8Array
  /** Serial number and issuer, by which CMS names the certificate. */
  readonly serial: Uint8Array
  readonly issuer: Name
}

/** What makes an intermediate one: the faults of intermediates are other values of these. */
export type IntermediatePlan = Life & {
  readonly curve: Curve
  readonly isCa: boolean
  readonly usage: 'certSign' | 'crlSign'
  /** Two: there is another intermediate below the first, which says that there may be none. */
  readonly depth: 1 | 2
}

export type Authority = {
  readonly root: Holder
  readonly issuer: Holder
  /** From the issuer to the root. */
  readonly chain: readonly Uint8Array[]
  readonly plan: IntermediatePlan
}

export function makeRoot(name: Name, life: Life, curve: Curve, pathLength: number): Holder {
  const keys = makeEcKeys(curve)
  const extensions = [
    subjectKey(keys.publicKey),
    authorityKey(keys.publicKey),
    basicConstraints(true, pathLength),
    keyUsage('certSign'),
  ]
  const serial = makeSerial()
  const content = { ...life, serial, issuer: name, subject: name, publicKey: keys.publicKey, extensions }
  return { name, keys, certificate: encodeCertificate(content, keys.privateKey), serial, issuer: name }
}

/** An authority under this root. */
export function makeAuthority(root: Holder, plan: IntermediatePlan): Authority {
  const name = { ...root.name, commonName: 'fulcio-intermediate' }
  const first = makeIntermediate(root, name, plan)
  if (plan.depth === 1) return { root, issuer: first, chain: [first.certificate, root.certificate], plan }
  const second = makeIntermediate(first, { ...name, commonName: 'fulcio-issuing' }, plan)
  return { root, issuer: second, chain: [second.certificate, first.certificate, root.certificate], plan }
}

function makeIntermediate(above: Holder, name: Name, { curve, isCa, usage, ...life }: IntermediatePlan): Holder {
  const keys = makeEcKeys(curve)
  const extensions = [
    isCa ? basicConstraints(true, 0) : basicConstraints(false),
    keyUsage(usage),
    extendedKeyUsage('codeSigning'),
  ]
  return issue(above, { name, keys, life, extensions })
}

export type Request = {
  readonly name: Name
  readonly keys: KeyPair
  readonly life: Life
  readonly extensions: readonly Extension[]
}

/** A certificate by `above`; the two key identifiers are added. */
export function issue(above: Holder, { name, keys, life, extensions }: Request): Holder {
  const serial = makeSerial()
  const content = {
    ...life,
    serial,
    issuer: above.name,
    subject: name,
    publicKey: keys.publicKey,
    extensions: [...extensions, subjectKey(keys.publicKey), authorityKey(above.keys.publicKey)],
  }
  const certificate = encodeCertificate(content, above.keys.privateKey)
  return { name, keys, certificate, serial, issuer: above.name }
}
