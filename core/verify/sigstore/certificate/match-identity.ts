/** Which of the signers that a policy names somebody is. */
import { RE2JS } from 're2js'
import type { CertificateIdentity, IdentityPattern, TextPattern } from '#core/domain/identity.ts'
import { fitsGlob } from './glob.ts'

/** Names are URIs and addresses: browsers and servers give up at the same length. A longer one fits no pattern. */
export const NAME_CHARACTERS = 2048

/** A list of all the workflows of an organisation in one expression; whoever loads policies refuses what is longer. */
export const PATTERN_CHARACTERS = 4096

/**
 * The first of the patterns whose issuer and subject are both the identity's; any of its names may be the subject. Two
 * halves of two patterns make none: a name means something only together with who vouches for it.
 */
export function matchIdentity(
  patterns: readonly IdentityPattern[],
  { issuer, subjects }: CertificateIdentity,
): IdentityPattern | undefined {
  return patterns.find(
    pattern => fits(pattern.issuer, issuer) && subjects.some(subject => fits(pattern.subject, subject)),
  )
}

function fits({ kind, text: pattern }: TextPattern, name: string): boolean {
  if (kind === 'exactly') return name === pattern
  if (pattern.length > PATTERN_CHARACTERS)
    throw new TypeError(
      `expected a pattern of at most ${PATTERN_CHARACTERS} characters, got ${pattern.length}: refuse it when it is loaded`,
    )
  if (name.length > NAME_CHARACTERS) return false
  // ClusterImagePolicy has an expression searched for, as Go's MatchString does: it is anchored where it says so.
  return kind === 'glob' ? fitsGlob(pattern, name) : expressionOf(pattern).matcher(name).find()
}

/** More expressions than a cluster's policies hold; a compiled one takes some KiB. */
const MOST_EXPRESSIONS = 256

const expressions = new Map<string, RE2JS>()

/** Compiling takes longer than searching. One that cannot be compiled has got past whoever loads policies, and is thrown as that bug. */
function expressionOf(pattern: string): RE2JS {
  const known = expressions.get(pattern)
  if (known !== undefined) return known
  const expression = RE2JS.compile(pattern)
  if (expressions.size >= MOST_EXPRESSIONS) expressions.clear()
  expressions.set(pattern, expression)
  return expression
}
