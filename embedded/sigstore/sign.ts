/** Makes one signature and all that comes along with it: certificate, log entries, timestamps; one thing of it wrong if so ordered. */
import type { KeyObject } from 'node:crypto'
import { createHash, sign as signBytes } from 'node:crypto'
import { InputError } from '#core/domain/input-error.ts'
import { makeAuthority } from './authority.ts'
import type { Envelope, Signable } from './dsse.ts'
import { encodeEnvelope, encodePae } from './dsse.ts'
import type { EntryFacts, EntryKind } from './entry-body.ts'
import { BODIES } from './entry-body.ts'
import type { Era, Part } from './era.ts'
import type { Fault, Moments } from './fault.ts'
import type { KeyPair } from './key-pair.ts'
import { spkiOf } from './key-pair.ts'
import type { Identity } from './leaf.ts'
import { issueLeaf, planLeaf } from './leaf.ts'
import type { LogEntry } from './log-entry.ts'
import type { Sigstore } from './sigstore.ts'
import { makeStamper } from './stamper.ts'
import { encodeTimestamp, planStamp } from './timestamp.ts'

/** Who signs: a key of the caller's, or whoever gets a certificate for one that is made for the occasion. */
export type Signer = {
  readonly publicKey: KeyObject
  /** That it signs over, where it signs over one. */
  readonly hash: string
  /** protobuf-specs, PublicKeyDetails. */
  readonly details: string
  readonly sign: (message: Uint8Array) => Uint8Array
}

export const LOGS = ['none', 'rekor1', 'rekor2'] as const

export type SigningOrder = {
  readonly signer: Signer | Identity
  readonly log: (typeof LOGS)[number]
  readonly timestamp: boolean
  /** Otherwise what cosign has: hashedrekord, but dsse for envelopes in Rekor v1. */
  readonly entryKind?: EntryKind | undefined
  /** Whether the certificate of the timestamp authority comes along in the timestamp. */
  readonly stampCertificates?: boolean | undefined
  /** Whether the timestamp is over the whole envelope, as cosign has it where it attests in its older layout. */
  readonly stampsEnvelope?: boolean | undefined
  /** Now, unless it is said. */
  readonly signedAt?: Date | undefined
  /** Of the log and the timestamp: when it was signed, unless it is said. */
  readonly loggedAt?: Date | undefined
}

/** A signature and what proves it. */
export type Signed = {
  readonly signature: Uint8Array
  readonly publicKey: KeyObject
  readonly certificate: Uint8Array | undefined
  /** From the issuer of the certificate to the root. */
  readonly chain: readonly Uint8Array[]
  readonly entries: readonly LogEntry[]
  readonly timestamps: readonly Uint8Array[]
}

type Scene = {
  readonly sigstore: Sigstore
  readonly order: SigningOrder
  readonly fault: Partial<Fault>
  readonly moments: Moments
}
type Issued = Pick<Signed, 'certificate' | 'chain'> & { readonly signer: Signer }

/** Signs a bare message, or an envelope. */
export function sign(
  sigstore: Sigstore,
  content: Uint8Array | Signable,
  order: SigningOrder,
  fault: Partial<Fault> = {},
): Signed {
  const scene = { sigstore, order, fault, moments: momentsOf(sigstore, order, fault) }
  const { signer, certificate, chain } = issuedTo(scene)
  const facts = factsOf(content, signer, certificate)
  const other = factsOf(
    typeof content === 'object' && 'payload' in content ? OTHER : OTHER_MESSAGE,
    signer,
    certificate,
  )
  return {
    signature: facts.signature,
    publicKey: signer.publicKey,
    certificate,
    chain,
    entries: entriesOf(scene, fault.facts?.(facts, other) ?? facts),
    timestamps: stampsOf(scene, order.stampsEnvelope === true ? envelopeOf(facts) : facts.signature),
  }
}

function envelopeOf({ envelope, signature }: EntryFacts): Uint8Array {
  return envelope === undefined ? signature : Buffer.from(encodeEnvelope(envelope))
}

const OTHER_MESSAGE = Buffer.from('{"critical":{"image":"another"}}')
const OTHER: Signable = { payload: '{"subject":"another"}', payloadType: 'application/vnd.in-toto+json' }

function momentsOf(sigstore: Sigstore, { signedAt, loggedAt }: SigningOrder, fault: Partial<Fault>): Moments {
  const signed = signedAt ?? loggedAt ?? sigstore.now()
  const moments = { signed, logged: loggedAt ?? signed }
  return fault.moments?.(moments) ?? moments
}

/** A part of the current era, or of the one that the fault takes it from. */
function partOf<Name extends Part>({ sigstore, fault }: Scene, part: Name): Era[Name] {
  return sigstore.eras[fault.from?.[part] ?? 'current'][part]
}

function issuedTo(scene: Scene): Issued {
  const { order, fault, moments } = scene
  if ('publicKey' in order.signer) return { signer: order.signer, certificate: undefined, chain: [] }
  const trusted = partOf(scene, 'authority')
  const authority =
    fault.intermediate === undefined ? trusted : makeAuthority(trusted.root, fault.intermediate(trusted.plan))
  const good = planLeaf(order.signer, authority, partOf(scene, 'ctLog'), moments.signed)
  const plan = fault.leaf?.(good) ?? good
  const der = issueLeaf(plan)
  return { signer: signerOf(plan.keys), certificate: fault.certificate?.(der) ?? der, chain: authority.chain }
}

function signerOf({ privateKey, publicKey }: KeyPair): Signer {
  const details = publicKey.asymmetricKeyType === 'rsa' ? 'PKIX_RSA_PKCS1V15_2048_SHA256' : 'PKIX_ECDSA_P256_SHA_256'
  return { publicKey, hash: 'sha256', details, sign: message => signBytes('sha256', message, privateKey) }
}

function factsOf(content: Uint8Array | Signable, signer: Signer, certificate: Uint8Array | undefined): EntryFacts {
  const isEnvelope = 'payload' in content
  const message = isEnvelope ? encodePae(content.payloadType, content.payload) : content
  const signature = signer.sign(message)
  const envelope: Envelope | undefined = isEnvelope
    ? { ...content, signatures: [Buffer.from(signature).toString('base64')] }
    : undefined
  const form = certificate === undefined ? 'publicKey' : 'certificate'
  return {
    signature,
    verifier: { form, der: certificate ?? spkiOf(signer.publicKey), details: signer.details },
    hash: signer.hash,
    digest: createHash(signer.hash).update(message).digest(),
    envelope,
  }
}

function entriesOf(scene: Scene, facts: EntryFacts): readonly LogEntry[] {
  const { sigstore, order, fault, moments } = scene
  if (order.log === 'none') return []
  const log = partOf(scene, order.log)
  const kind = order.entryKind ?? kindOf(log.version, facts)
  const encode = BODIES[log.version][kind]
  if (encode === undefined || (kind !== 'hashedrekord' && facts.envelope === undefined)) {
    throw new InputError(`${order.log} has no ${kind} entry for this signature`)
  }
  const add = (): LogEntry => {
    const body = encode(facts)
    const entry = log.add(fault.body?.(body) ?? body, moments.logged)
    return fault.entry?.(entry, log, sigstore.eras) ?? entry
  }
  return fault.entries?.(add) ?? [add()]
}

/** A hash is logged, unless it is an envelope in Rekor v1, or signed by a key that makes no hash first. */
function kindOf(version: 1 | 2, { envelope, verifier }: EntryFacts): EntryKind {
  const isDsse = envelope !== undefined && (version === 1 || verifier.details === 'PKIX_ED25519')
  return isDsse ? 'dsse' : 'hashedrekord'
}

function stampsOf(scene: Scene, stamped: Uint8Array): readonly Uint8Array[] {
  const { sigstore, order, fault, moments } = scene
  if (!order.timestamp) return []
  const trusted = partOf(scene, 'stamper')
  const stamper = fault.stamper === undefined ? trusted : makeStamper(trusted.root, fault.stamper(trusted.plan))
  // a certificate that no trust root lists can only be found in the timestamp
  const comesAlong = order.stampCertificates === true || fault.stamper !== undefined
  const bag = comesAlong ? [stamper.signer.certificate] : []
  const stamp = (): Uint8Array => {
    const good = planStamp(stamped, moments.logged, stamper.signer, bag)
    return encodeTimestamp(fault.stamp?.(good, stamper, sigstore.eras) ?? good)
  }
  return fault.stamps?.(stamp) ?? [stamp()]
}

/** A signature by a key, and nothing besides. */
export function signAlone(content: Uint8Array | Signable, signer: Signer): Signed {
  const { signature } = factsOf(content, signer, undefined)
  return { signature, publicKey: signer.publicKey, certificate: undefined, chain: [], entries: [], timestamps: [] }
}
