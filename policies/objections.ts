/** Makes few and readable objections out of what several authorities of several policies have against one image. */
import type { ImageUse } from '#core/domain/image-use.ts'
import type { Refusal, Silence } from '#core/domain/refusal.ts'
import { mostTelling, refusal, silence } from '#core/domain/refusal.ts'
import type { Objection } from '#core/domain/verdict.ts'
import type { Complaint } from './answer.ts'

/** One policy's complaints about the image: all of them refusals, or all of them silences. */
export type Spoken = { readonly policy: string; readonly complaints: readonly Complaint[] }

/** One objection for each policy; those that have the same to say say it together. */
export function objectionsOf(use: ImageUse, spoken: readonly Spoken[]): readonly Objection[] {
  return [...Map.groupBy(spoken, whatIsSaid).values()].map(alike => ({
    because: summaryOf(alike.flatMap(({ complaints }) => complaints)),
    where: use.where,
    image: use.text,
    policies: alike.map(({ policy }) => policy),
  }))
}

function whatIsSaid({ complaints }: Spoken): string {
  return [...new Set(complaints.map(({ because }) => textOf(because)))].toSorted().join('\n')
}

/** The most telling of the complaints first, the others after it, each with the authorities that make it. */
function summaryOf(complaints: readonly Complaint[]): Refusal | Silence {
  const lead = leadOf(complaints.map(({ because }) => because))
  const leading = complaints.filter(({ because }) => because.code === lead.code)
  const others = complaints.filter(({ because }) => because.code !== lead.code)
  const detail = [...sentencesOf(leading, ({ detail }) => detail), ...sentencesOf(others, textOf)].join('; ')
  return lead.kind === 'refusal' ? refusal(lead.code, detail) : silence(lead.code, detail)
}

function leadOf(becauses: readonly (Refusal | Silence)[]): Refusal | Silence {
  const telling = mostTelling(becauses.filter(because => because.kind === 'refusal'))
  const lead = telling ?? becauses.toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1))[0]
  if (lead === undefined) throw new TypeError('expected something to object to, got nothing')
  return lead
}

function sentencesOf(
  complaints: readonly Complaint[],
  text: (because: Refusal | Silence) => string,
): readonly string[] {
  const groups = Map.groupBy(complaints, ({ because }) => text(because))
  return [...groups.keys()].toSorted().map(said => `${said}${authoritiesOf(groups.get(said) ?? [])}`)
}

function authoritiesOf(complaints: readonly Complaint[]): string {
  const authorities = complaints.flatMap(({ authority }) => (authority === undefined ? [] : [authority]))
  const names = [...new Set(authorities.map(authority => JSON.stringify(authority)))].toSorted()
  return names.length === 0 ? '' : ` (${names.length === 1 ? 'authority' : 'authorities'} ${names.join(', ')})`
}

function textOf({ code, detail }: Refusal | Silence): string {
  return `${code}: ${detail}`
}
