/** Who a certificate of Sigstore's says that its subject is (Fulcio, docs/oid-info.md). */
import type { CertificateIdentity } from '#core/domain/identity.ts'
import { InputError } from '#core/domain/input-error.ts'
import { LimitError } from '#core/json/limit-error.ts'
import { decodeDer, decodeText, expectTag, TAG, textOf } from '#core/verify/der.ts'
import type { AlternativeName } from './alternative-name.ts'
import type { Certificate } from './certificate.ts'

const FULCIO = '1.3.6.1.4.1.57264.1'

/** The kind of name that Fulcio made up for what is neither an address nor a URI. */
const USER_NAME = `${FULCIO}.7`

/** The issuer as it was first written, and as it is written now. Fulcio writes both. */
const ISSUER = { raw: `${FULCIO}.1`, der: `${FULCIO}.8` } as const

/** What stands in the extension as it is, without DER. */
const RAW_CLAIMS: Readonly<Record<string, string>> = {
  [`${FULCIO}.2`]: 'githubWorkflowTrigger',
  [`${FULCIO}.3`]: 'githubWorkflowSHA',
  [`${FULCIO}.4`]: 'githubWorkflowName',
  [`${FULCIO}.5`]: 'githubWorkflowRepository',
  [`${FULCIO}.6`]: 'githubWorkflowRef',
}

/** What stands there as a UTF8String. */
const CLAIMS: Readonly<Record<string, string>> = {
  [`${FULCIO}.9`]: 'buildSignerURI',
  [`${FULCIO}.10`]: 'buildSignerDigest',
  [`${FULCIO}.11`]: 'runnerEnvironment',
  [`${FULCIO}.12`]: 'sourceRepositoryURI',
  [`${FULCIO}.13`]: 'sourceRepositoryDigest',
  [`${FULCIO}.14`]: 'sourceRepositoryRef',
  [`${FULCIO}.15`]: 'sourceRepositoryIdentifier',
  [`${FULCIO}.16`]: 'sourceRepositoryOwnerURI',
  [`${FULCIO}.17`]: 'sourceRepositoryOwnerIdentifier',
  [`${FULCIO}.18`]: 'buildConfigURI',
  [`${FULCIO}.19`]: 'buildConfigDigest',
  [`${FULCIO}.20`]: 'buildTrigger',
  [`${FULCIO}.21`]: 'runInvocationURI',
  [`${FULCIO}.22`]: 'sourceRepositoryVisibilityAtSigning',
  [`${FULCIO}.23`]: 'deploymentEnvironment',
  // Not in oid-info.md yet; Fulcio 1.8 writes the subject of the token there.
  [`${FULCIO}.24`]: 'tokenSubject',
}

/** Fulcio writes one; each is compared with every pattern of a policy. */
export const MOST_NAMES = 32

/** Decodes the identity; throws an InputError where there is no name or no issuer, or where two of one thing differ. */
export function identityOf(certificate: Certificate): CertificateIdentity {
  const { names } = certificate
  if (names.length > MOST_NAMES) throw new LimitError(`expected at most ${MOST_NAMES} names, got ${names.length}`)
  const subjects = names.flatMap(textsOf)
  if (subjects.length === 0)
    throw new InputError('expected a certificate that names its subject, got one without a name')
  return { kind: 'certificate', subjects, issuer: issuerOf(certificate), claims: claimsOf(certificate) }
}

/** Names of other kinds are nothing that a policy could be compared with. */
function textsOf(name: AlternativeName): readonly string[] {
  if (name.kind === 'unread' || (name.kind === 'other' && name.type !== USER_NAME)) return []
  const text = name.kind === 'other' ? decodeUtf8(name.value, 'the name of the subject') : name.text
  return text === '' ? [] : [text]
}

function issuerOf({ extensions }: Certificate): string {
  const raw = extensions.get(ISSUER.raw)
  const der = extensions.get(ISSUER.der)
  const issuers = [
    ...(raw === undefined ? [] : [decodeText(raw.value, 'the issuer of the identity')]),
    ...(der === undefined ? [] : [decodeUtf8(der.value, 'the issuer of the identity')]),
  ]
  const [issuer] = issuers
  if (issuer === undefined || issuers.includes(''))
    throw new InputError('expected a certificate that names the issuer of the identity, got none')
  if (issuers.some(other => other !== issuer))
    throw new InputError('expected one issuer of the identity, got two that differ')
  return issuer
}

function claimsOf({ extensions }: Certificate): Readonly<Record<string, string>> {
  const claims: Record<string, string> = {}
  for (const [oid, { value }] of extensions) {
    const raw = RAW_CLAIMS[oid]
    const der = CLAIMS[oid]
    if (raw !== undefined) claims[raw] = decodeText(value, raw)
    if (der !== undefined) claims[der] = decodeUtf8(value, der)
  }
  return claims
}

function decodeUtf8(value: Uint8Array, what: string): string {
  return textOf(expectTag(decodeDer(value, what), TAG.utf8String, what), what)
}
