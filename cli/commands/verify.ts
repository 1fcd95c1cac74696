/** `shedu verify`: checks a Sigstore bundle against a file, a trusted root and a signer, by the code that admits images. */
import { parseTrustedRoot, TRUST_ROOT_BYTES } from '#certs/trusted/parse-trusted-root.ts'
import type { HashAlgorithm, KeylessSigner, KeySigner } from '#core/domain/demand.ts'
import type { IdentityPattern, TextPattern } from '#core/domain/identity.ts'
import { InputError } from '#core/domain/input-error.ts'
import { parsePublicKey } from '#core/domain/public-key.ts'
import type { TrustRoot } from '#core/domain/trust-root.ts'
import { ATTACHED } from '#core/verify/sigstore/bundle.ts'
import { type BundleQuestion, verifyBundle } from '#core/verify/sigstore/verify-bundle.ts'
import { expressionWarnings, type IdentityPart } from '#policies/identity-canaries.ts'
import { parseIdentityExpression } from '#policies/identity-expression.ts'
import { nameOfMessage, readArtefact } from '../read-artefact.ts'
import { parseFlagFile, readFlagFile } from '../read-bytes.ts'
import { paintFor } from '../report/paint.ts'
import { renderVerification, renderVerificationJson, type Verification } from '../report/verification.ts'
import { visible } from '../report/visible.ts'
import type { Streams } from '../streams.ts'

/** Who must have signed. */
export type By =
  | { readonly kind: 'key'; readonly file: string; readonly hash: HashAlgorithm }
  | { readonly kind: 'keyless'; readonly identity: IdentityPattern; readonly sct: 'required' | 'ignored' }

export type VerifyOptions = {
  /** A path, `-`, or a digest. */
  readonly artefact: string
  readonly bundleFile: string
  /** Given with every `keyless`, and with every demand for a log or a timestamp. */
  readonly trustedRootFile: string | undefined
  readonly by: By
  readonly isLogDemanded: boolean
  readonly isTimestampDemanded: boolean
  readonly predicateType: string | undefined
  readonly output: 'text' | 'json'
}

/** Room for a key of any size, and for what people write around it. */
const KEY_BYTES = 64 * 1024

/** Checks and says what was found: 0 verified, 1 not. Throws an InputError for wrong usage. */
export async function verify(options: VerifyOptions, streams: Streams): Promise<0 | 1> {
  const { bundleFile, trustedRootFile, output } = options
  const bundle = await readFlagFile('--bundle', bundleFile, ATTACHED.bytes)
  const trust = trustedRootFile === undefined ? undefined : await readTrust(trustedRootFile)
  const question = await questionOf(options, streams)
  const { name, message } = await readArtefact(options.artefact, streams.stdin)
  const world = { trust: new Map(trust === undefined ? [] : [[trust.name, trust]]), now: new Date() }
  const found = parseArtefact(name, () => verifyBundle(bundle, message, question, world))
  const verification: Verification = {
    artefact: name,
    digest: nameOfMessage(message),
    bundleFile,
    question,
    trust,
    found,
  }
  streams.stdout.write(
    output === 'json' ? renderVerificationJson(verification) : renderVerification(verification, paintFor(streams)),
  )
  return found.kind === 'bundle' ? 0 : 1
}

async function readTrust(file: string): Promise<TrustRoot> {
  const bytes = await readFlagFile('--trusted-root', file, TRUST_ROOT_BYTES)
  return parseFlagFile('--trusted-root', file, () => parseTrustedRoot(bytes, file))
}

async function questionOf(options: VerifyOptions, { stderr }: Streams): Promise<BundleQuestion> {
  const { by, trustedRootFile: trustRoot, isLogDemanded, isTimestampDemanded, predicateType } = options
  if (by.kind === 'keyless')
    for (const warning of warningsOf(by.identity)) stderr.write(`warning: ${visible(warning)}\n`)
  return {
    by: by.kind === 'key' ? await readKey(by.file, by.hash) : keylessOf(by, trustRoot),
    log: isLogDemanded && trustRoot !== undefined ? { trustRoot, atLeast: 1 } : undefined,
    timestamp: isTimestampDemanded && trustRoot !== undefined ? { trustRoot } : undefined,
    predicateType,
  }
}

function keylessOf({ identity, sct }: Extract<By, { readonly kind: 'keyless' }>, trustRoot = ''): KeylessSigner {
  return { kind: 'keyless', trustRoot, identities: [identity], sct }
}

async function readKey(file: string, hash: HashAlgorithm): Promise<KeySigner> {
  const bytes = await readFlagFile('--key', file, KEY_BYTES)
  const key = parseFlagFile('--key', file, () => parsePublicKey(Buffer.from(bytes).toString('latin1').trimEnd()))
  return { kind: 'key', key, hash }
}

/** An expression is tried on names that a stranger could have, as those of policies are. */
function warningsOf({ issuer, subject }: IdentityPattern): readonly string[] {
  return [
    ...warningsOfPart('--certificate-identity-regexp', subject, 'subject'),
    ...warningsOfPart('--certificate-oidc-issuer-regexp', issuer, 'issuer'),
  ]
}

function warningsOfPart(flag: string, { kind, text }: TextPattern, part: IdentityPart): readonly string[] {
  if (kind !== 'regexp') return []
  const expression = parseFlagFile(flag, text, () => parseIdentityExpression(text))
  return expressionWarnings(expression, part).map(warning => `${flag} ${text}: ${warning}`)
}

/** What only the bytes could tell is the caller's to give. */
function parseArtefact<T>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${name}: ${error.message}`, { cause: error })
    throw error
  }
}
