/** What a verifier is given to believe: a TrustedRoot v0.1 (protobuf-specs, sigstore_trustroot.proto) as JSON. */
import type { CtLog } from './ct-log.ts'
import type { Era, EraName, Part, ValidFor } from './era.ts'
import { spkiOf } from './key-pair.ts'
import type { Rekor } from './rekor.ts'

export type TrustedRootOrder = {
  /** Whose authorities and logs are in it. */
  readonly eras?: readonly Exclude<EraName, 'forged'>[] | undefined
  /** When it says that parts of the current era ended. */
  readonly ends?: Readonly<Partial<Record<Part, Date | undefined>>> | undefined
}

/** In a real one there are some that have ended, and some to come. */
const ALL = ['current', 'retired', 'future', 'worn'] as const

export function encodeTrustedRoot(eras: Readonly<Record<EraName, Era>>, order: TrustedRootOrder = {}) {
  const listed = (order.eras ?? ALL).map(name => ({ name, era: eras[name] }))
  const validFor = (name: EraName, part: Part): ValidFor => {
    const end = name === 'current' ? order.ends?.[part] : undefined
    return end === undefined ? eras[name].validFor : { ...eras[name].validFor, end }
  }
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: listed.flatMap(({ name, era }) => [
      encodeLog(era.rekor2, validFor(name, 'rekor2')),
      encodeLog(era.rekor1, validFor(name, 'rekor1')),
    ]),
    certificateAuthorities: listed.map(({ name, era: { authority } }) => ({
      subject: authority.root.name,
      uri: `https://fulcio.${authority.root.name.organization}`,
      ...encodeChain(authority.chain, validFor(name, 'authority')),
    })),
    ctlogs: listed.map(({ name, era }) => encodeLog(era.ctLog, validFor(name, 'ctLog'))),
    timestampAuthorities: listed.map(({ name, era: { stamper } }) => ({
      subject: stamper.root.name,
      uri: `https://tsa.${stamper.root.name.organization}/api/v1/timestamp`,
      ...encodeChain(stamper.chain, validFor(name, 'stamper')),
    })),
  }
}

function encodeLog({ baseUrl, publicKey, logId }: Rekor | CtLog, validFor: ValidFor) {
  const keyDetails = publicKey.asymmetricKeyType === 'ed25519' ? 'PKIX_ED25519' : 'PKIX_ECDSA_P256_SHA_256'
  return {
    baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: { rawBytes: base64(spkiOf(publicKey)), keyDetails, validFor: encodeValidFor(validFor) },
    logId: { keyId: base64(logId) },
  }
}

function encodeChain(chain: readonly Uint8Array[], validFor: ValidFor) {
  const certificates = chain.map(der => ({ rawBytes: base64(der) }))
  return { certChain: { certificates }, validFor: encodeValidFor(validFor) }
}

function encodeValidFor({ start, end }: ValidFor) {
  return end === undefined ? { start: encodeMoment(start) } : { start: encodeMoment(start), end: encodeMoment(end) }
}

/** Whole seconds, as Go writes them. */
function encodeMoment(moment: Date): string {
  return moment.toISOString().replace('.000Z', 'Z')
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
