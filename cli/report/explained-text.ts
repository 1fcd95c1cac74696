/** An image explained for people: what lies where, what it claims, what it is worth to whom, and the verdict. */
import { CODES } from '#core/domain/refusal.ts'
import type { Place } from '#core/domain/search.ts'
import type { Exhibit, LookedAt } from '#core/gate/explain.ts'
import { renderBecause } from './because.ts'
import { renderClaimed } from './claimed.ts'
import { type Explained, type Numbered, numberedOf } from './explained.ts'
import type { Paint } from './paint.ts'
import type { CheckResult } from './result.ts'
import { COLOURS, renderPolicies, some } from './text.ts'
import { visible } from './visible.ts'
import { renderPolicy } from './worth.ts'

/** The whole of it, sections with an empty line between. */
export function renderExplained(explained: Explained, paint: Paint): string {
  const { explanation, policies, judged, verdict } = explained
  const numbered = numberedOf(explained)
  const exhibits = numbered.flat()
  const isAlone = verdict === undefined
  const sections = [
    renderImage(explained, paint),
    ...(explanation?.places ?? []).map((place, index) => renderPlace(place, numbered[index] ?? [])),
    ...policies.map(policy => renderPolicy(policy, judged, { exhibits, paint })),
    ...(isAlone && exhibits.length > 0 ? [renderUnjudged(exhibits)] : []),
    ...(isAlone ? [] : [renderVerdict(verdict, paint)]),
  ]
  return `${sections.map(lines => lines.join('\n')).join('\n\n')}\n`
}

function renderImage({ image, ref, resolved, explanation }: Explained, paint: Paint): readonly string[] {
  const title = `image: ${visible(image)}`
  if (typeof resolved !== 'string')
    return [title, 'it is not known which digest that is', ...renderBecause(resolved, paint)]
  const presence = explanation?.presence
  return [
    title,
    ref.digest === undefined
      ? `digest: ${resolved}, what the tag ${visible(ref.tag ?? '')} points at now`
      : `digest: ${resolved}`,
    ...(presence === undefined || presence === 'present' ? [] : renderBecause(presence, paint)),
  ]
}

const PLACES: Readonly<Record<Place, string>> = {
  'signature-tag': 'under the tag for signatures (sha256-….sig)',
  'attestation-tag': 'under the tag for attestations (sha256-….att)',
  referrers: 'among the referrers',
}

function renderPlace({ place, refusals, silences }: LookedAt, exhibits: readonly Numbered[]): readonly string[] {
  const isEmpty = exhibits.length + refusals.length + silences.length === 0
  return [
    `${PLACES[place]}: ${isEmpty ? 'nothing' : `${exhibits.length}, unverified as it is shown here`}`,
    ...some(exhibits, ({ number, exhibit }) => renderClaimed(number, exhibit.artefact, exhibit.claimed)),
    ...some([...refusals, ...silences], ({ code, detail }) => [
      `  ${code}: ${CODES[code].sentence}`,
      `    ${visible(detail)}`,
    ]),
  ]
}

/** Nobody has said who must have signed, so nothing here is more than a certificate that hangs together. */
function renderUnjudged(exhibits: readonly Numbered[]): readonly string[] {
  const title = 'without --policies or --context nobody says who must have signed, so none of it is verified:'
  return [
    title,
    ...some(exhibits, ({ number, exhibit }) => unjudgedLines(exhibit).map(line => `  [${number}] ${line}`)),
  ]
}

function unjudgedLines({ answers, claimed }: Exhibit): readonly string[] {
  if (claimed.kind === 'refusal') return ['cannot be read']
  if (claimed.certificate === undefined) return ['whose key has signed, only a key can tell: a policy must name it']
  if (answers.length === 0)
    return ['whether an authority knows the certificate, only a trust root can tell (--trust-roots)']
  return answers.map(({ demand, found }) => {
    const root = demand.by.kind === 'keyless' ? demand.by.trustRoot : ''
    if (found === undefined) return `is not held against the trust root ${root}`
    if (found.kind !== 'proof')
      return visible(`does not hold under the trust root ${root}: ${found.code}: ${found.detail}`)
    const { signer, signedAt } = found
    const who = signer.kind === 'key' ? '' : `subject ${signer.subjects.join(', ')}, issuer ${signer.issuer}`
    const when = signedAt === undefined ? '' : `, at ${signedAt}`
    return visible(
      `the signature holds for the certificate that comes with it, for which the trust root ${root} answers: ${who}${when}`,
    )
  })
}

function renderVerdict({ outcome, objections, warnings }: CheckResult, paint: Paint): readonly string[] {
  const codes = [...new Set(objections.map(({ because }) => because.code))]
  const said = codes.length === 0 ? '' : `: ${codes.join(', ')}`
  return [
    `verdict on a Pod with this image: ${paint(COLOURS[outcome], outcome)}${said}`,
    ...some(objections, ({ because, policies }) => [...renderBecause(because, paint), ...renderPolicies(policies)]),
    ...some(warnings, ({ because, policies }) => [
      `  ${paint('yellow', 'warning')}`,
      ...renderBecause(because, paint),
      ...renderPolicies(policies),
    ]),
  ]
}
