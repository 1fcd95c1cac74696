/**
 * From a certificate up to the root of an authority (RFC 5280, section 6), searched from the root downwards: a key is used
 * only once it is known to be the authority's, so what came along can neither be trusted nor cost more than it is worth.
 */
import type { Refusal } from '#core/domain/refusal.ts'
import { refusal } from '#core/domain/refusal.ts'
import { isWithin } from '#core/domain/trust-root.ts'
import { quote } from '#core/verify/quote.ts'
import { MOST_CERTIFICATES } from '../material.ts'
import type { DecodedAuthority } from './authority.ts'
import { type Certificate, isSame } from './certificate.ts'
import { issuedBy } from './issued.ts'
import { complaintAbout, complaintAboutIssuer } from './link.ts'
import { inWords, isoOf, nameOf } from './words.ts'

export type Path = {
  readonly kind: 'path'
  /** The leaf first, the root last. */
  readonly certificates: readonly Certificate[]
  /** The name of the authority. */
  readonly authority: string
}

/**
 * Verifies that the authority answers for `leaf` at the moment (milliseconds since 1970): every signature, and every
 * certificate valid then, expired authorities included (CVE-2026-24122). The untrusted may stand between, in any order.
 * What the leaf itself may be used for is for whoever asks.
 */
export function verifyPath(
  leaf: Certificate,
  untrusted: readonly Certificate[],
  authority: DecodedAuthority,
  at: number,
): Path | Refusal {
  const { name, validFor } = authority
  if (untrusted.length > MOST_CERTIFICATES)
    return refusal(
      'limit.exceeded',
      `expected at most ${MOST_CERTIFICATES} certificates in the chain, got ${untrusted.length}`,
    )
  const found = search(leaf, poolOf(leaf, untrusted, authority), authority.root, at)
  if (found === undefined)
    return refusal(
      'certificate.untrusted',
      `expected a certificate that ${quote(name)} answers for, got ${nameOf(leaf)}, to which none of its signatures leads`,
    )
  if (found.complaint !== undefined) return found.complaint
  if (!isWithin(validFor, at))
    return refusal(
      'certificate.untrusted',
      `expected an authority in use at ${isoOf(at)}, got ${quote(name)}, in use ${inWords(validFor)}`,
    )
  return { kind: 'path', certificates: upwards(found), authority: name }
}

/**
 * Whether signatures lead from the authority to `leaf`, whatever else may be wrong with them: what such an authority says of
 * it is worth more to a reader than what a stranger says. Nothing is believed for it.
 */
export function isRelated(leaf: Certificate, untrusted: readonly Certificate[], authority: DecodedAuthority): boolean {
  if (untrusted.length > MOST_CERTIFICATES) return false
  return search(leaf, poolOf(leaf, untrusted, authority), authority.root, leaf.validity.from) !== undefined
}

/** More than there can be certificates in a path. */
const UNBOUNDED = 2 * MOST_CERTIFICATES + 1

/** A certificate that the signatures from the root lead to. */
type Step = {
  readonly certificate: Certificate
  readonly above: Step | undefined
  /** How many authorities may stand below it, those that issue for themselves not counted (section 6.1.4, l and m). */
  readonly left: number
  /** The first thing that is wrong on the way here. */
  readonly complaint: Refusal | undefined
}

/** In an order of its own, and each once, so that nothing depends on how a chain is written down. */
function poolOf(
  leaf: Certificate,
  untrusted: readonly Certificate[],
  { certificates }: DecodedAuthority,
): readonly Certificate[] {
  const all = [leaf, ...certificates, ...untrusted.toSorted((a, b) => Buffer.compare(a.der, b.der))]
  return all.filter((one, index) => all.findIndex(other => isSame(other.der, one.der)) === index)
}

/**
 * The best way down to the leaf. Each certificate is passed through once, by the best way to it: no way that is worse in
 * both respects leads further, so there is nothing to come back for, however the certificates are crossed. A way with a
 * complaint is followed too, after all others, because why a path is none is what its reader wants to know.
 */
function search(leaf: Certificate, pool: readonly Certificate[], root: Certificate, at: number): Step | undefined {
  const passed = new Set<Certificate>()
  const start = pool.find(one => isSame(one.der, root.der)) ?? root
  const open: Step[] = [stepTo(start, undefined, leaf, at)]
  for (let step = open.shift(); step !== undefined; step = open.shift()) {
    const above = step
    if (above.certificate === leaf) return above
    if (passed.has(above.certificate)) continue
    passed.add(above.certificate)
    // What is no authority may have been given to anyone, with a key of any size: it is asked about the leaf only.
    const candidates = above.certificate.isCa ? pool.filter(one => !passed.has(one)) : [leaf]
    open.push(...issuedBy(above.certificate, candidates).map(one => stepTo(one, above, leaf, at)))
    open.sort((a, b) => Number(a.complaint !== undefined) - Number(b.complaint !== undefined) || b.left - a.left)
  }
  return undefined
}

function stepTo(certificate: Certificate, above: Step | undefined, leaf: Certificate, at: number): Step {
  const isSelfIssued = isSame(certificate.subject, certificate.issuer)
  const allowed = above === undefined ? UNBOUNDED : above.left - (isSelfIssued ? 0 : 1)
  const complaint =
    above?.complaint ??
    complaintAbout(certificate, at) ??
    (certificate === leaf ? undefined : complaintAboutIssuer(certificate, leaf, allowed))
  return { certificate, above, left: Math.min(allowed, certificate.pathLength ?? UNBOUNDED), complaint }
}

function upwards(step: Step): readonly Certificate[] {
  const certificates: Certificate[] = []
  for (let at: Step | undefined = step; at !== undefined; at = at.above) certificates.push(at.certificate)
  return certificates
}
