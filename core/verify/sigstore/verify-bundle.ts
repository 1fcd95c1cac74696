/** Whether a Sigstore bundle proves who signed an artefact, or a statement about it. Everything is in the arguments: nothing is looked up. */
import { InputError } from '#core/domain/input-error.ts'
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { quote } from '#core/verify/quote.ts'
import { type Bundle, decodeBundle } from './bundle.ts'
import { decodeEnvelopeClaim, SIGNATURE_PREDICATE } from './image-claim.ts'
import { digestOfMessage, type Message } from './message.ts'
import type { ProvenSigner, SignedThing, SignerQuestion, World } from './signer.ts'
import { refusalOfUndecodable } from './undecodable.ts'
import { verifySigner } from './verify-signer.ts'

export type BundleQuestion = SignerQuestion & {
  /** What the statement must be of; a bare signature is of none. Undefined: any statement will do, and a bare signature too. */
  readonly predicateType: string | undefined
}

export type VerifiedBundle = {
  readonly kind: 'bundle'
  readonly signer: ProvenSigner
  /** Of the statement that is signed and names the artefact; undefined where the artefact itself is signed. */
  readonly predicateType: string | undefined
}

/**
 * Verifies the bundle for the artefact: a message signature must be over it, a statement must name a digest of it. Throws
 * an InputError where only digests of the artefact are given and the algorithm takes the bytes, or other digests.
 */
export function verifyBundle(
  bundle: Uint8Array,
  artefact: Message,
  question: BundleQuestion,
  world: World,
): VerifiedBundle | Refusal {
  const claim = decodeClaim(bundle, artefact)
  if (claim.kind === 'refusal') return claim
  const signer = verifySigner(claim.thing, question, world)
  if (signer.kind === 'refusal') return withContradiction(signer, claim, artefact)
  const because = whyNotAbout(claim, artefact) ?? whyNotOfType(claim, question.predicateType)
  return because ?? { kind: 'bundle', signer, predicateType: claim.statement?.predicateType }
}

type Claim = {
  readonly kind: 'claim'
  readonly thing: SignedThing
  /** What a bundle says of the message beside the signature. */
  readonly digest: Extract<Bundle['content'], { readonly kind: 'message' }>['digest']
  readonly statement: { readonly predicateType: string; readonly subjects: readonly string[] } | undefined
}

function decodeClaim(bytes: Uint8Array, artefact: Message): Claim | Refusal {
  try {
    const { content, material } = decodeBundle(bytes)
    if (content.kind === 'message') {
      const signing = { message: artefact, signature: content.signature, payload: undefined }
      return { kind: 'claim', thing: { signing, material }, digest: content.digest, statement: undefined }
    }
    const { signing, images, longerDigests, predicateType } = decodeEnvelopeClaim(content.envelope)
    const statement = { predicateType, subjects: [...images, ...longerDigests] }
    return { kind: 'claim', thing: { signing, material }, digest: undefined, statement }
  } catch (error) {
    return refusalOfUndecodable(error)
  }
}

/** A file that has changed since is why most signatures do not verify, and the bundle may name the one that was signed. */
function withContradiction(because: Refusal, { digest }: Claim, artefact: Message): Refusal {
  const isBroken = because.code === 'signature.invalid' || because.code === 'signature.wrong-key'
  const contradiction = isBroken && digest !== undefined ? contradictionOf(digest, artefact) : undefined
  return contradiction === undefined
    ? because
    : refusal(because.code, `${because.detail}; unverified, ${contradiction}`)
}

function whyNotAbout({ digest, statement }: Claim, artefact: Message): Refusal | undefined {
  if (statement !== undefined) return whyNotNamed(statement.subjects, artefact)
  const contradiction = digest === undefined ? undefined : contradictionOf(digest, artefact)
  return contradiction === undefined ? undefined : refusal('signature.invalid', contradiction)
}

/** protobuf-specs, HashAlgorithm: of those, the ones that anybody signs with. */
const ALGORITHMS: Readonly<Record<string, string>> = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' }

/** A hint, signed by nobody (sigstore_common.proto, MessageSignature): it may be left out, and must not be wrong. */
function contradictionOf({ algorithm, value }: NonNullable<Claim['digest']>, artefact: Message): string | undefined {
  const name = Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined
  if (name === undefined)
    return `the bundle names a digest by ${quote(algorithm)}, which is none of ${Object.keys(ALGORITHMS).join(', ')}`
  const digest = digestOfMessage(artefact, name)
  if (digest === undefined)
    throw new InputError(`expected the ${name} digest, by which the bundle names what was signed, or its bytes`)
  if (Buffer.compare(digest, value) === 0) return undefined
  return `the bundle says that it is of ${name}:${hexOf(value)}, and the artefact is ${name}:${hexOf(digest)}`
}

/** in-toto, ResourceDescriptor: one digest of the set is enough, as all are signed and said to be of the same thing. */
function whyNotNamed(subjects: readonly string[], artefact: Message): Refusal | undefined {
  const known = ['sha256', 'sha384', 'sha512'].flatMap(name => {
    const digest = digestOfMessage(artefact, name)
    return digest === undefined ? [] : [`${name}:${hexOf(digest)}`]
  })
  if (known.some(digest => subjects.includes(digest))) return undefined
  const [first, ...others] = subjects
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  const got = first === undefined ? 'nothing that has a SHA-256, SHA-384 or SHA-512' : `${quote(first)}${more}`
  return refusal(
    'signature.wrong-image',
    `expected a statement about ${known[0] ?? 'the artefact'}, got one about ${got}`,
  )
}

/** Who asks for no type asks for a signature: that somebody attested to something about the artefact is none, whatever it was. */
function whyNotOfType({ statement }: Claim, expected: string | undefined): Refusal | undefined {
  const type = statement?.predicateType
  if (expected === undefined) {
    if (type === undefined || type === SIGNATURE_PREDICATE) return undefined
    return refusal(
      'attestation.wrong-type',
      `expected a signature, got an attestation of type ${quote(type)}, which counts only where its type is asked for`,
    )
  }
  if (type === expected) return undefined
  const got = type === undefined ? 'a bare signature' : `one of type ${quote(type)}`
  return refusal('attestation.missing', `expected an attestation of type ${quote(expected)}, got ${got}`)
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
