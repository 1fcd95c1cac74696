/** Results for people: one line for each object, what stands against it below, each fault with its line and its remedy. */
import type { Objection } from '#core/domain/verdict.ts'
import type { Pinning } from '#core/gate/pin.ts'
import { renderBecause } from './because.ts'
import type { Colour, Paint } from './paint.ts'
import type { CheckResult, Outcome, Summary } from './result.ts'
import { placeOf, titleOf } from './title.ts'
import { visible } from './visible.ts'

/** The colour of each outcome. */
export const COLOURS: Readonly<Record<Outcome, Colour>> = {
  admitted: 'green',
  refused: 'red',
  undecided: 'yellow',
  skipped: 'gray',
  invalid: 'red',
}

/** More of one kind under one object than this, and nobody reads them; the JSON report holds all. */
const MAX_SHOWN = 50

/** One object: a line that says what became of it, then pins, objections and warnings. */
export function renderResult(result: CheckResult, paint: Paint): string {
  const { object, outcome, reason } = result
  const place = object.origin === 'flag' ? '' : ` (${visible(placeOf(object, ''))})`
  const title = `${paint(COLOURS[outcome], outcome)} ${visible(titleOf(object))}${place}`
  const lines = [
    reason === undefined ? title : `${title}: ${visible(reason)}`,
    ...some(result.pinning.pins, pin => [renderPin(pin, result, paint)]),
    ...some(result.objections, objection => renderObjection(objection, result, paint)),
    ...some(result.warnings, warning => renderObjection(warning, result, paint, 'warning')),
    ...some(notesOf(result), note => [note]),
  ]
  return `${lines.join('\n')}\n`
}

/** `12 objects: 9 admitted, 2 refused, 1 could not be told`. */
export function renderSummary(summary: Summary): string {
  const counts = [
    `${summary.admitted} admitted`,
    `${summary.refused} refused`,
    ...(summary.undecided > 0 ? [`${summary.undecided} could not be told`] : []),
    ...(summary.skipped > 0 ? [`${summary.skipped} skipped`] : []),
    ...(summary.invalid > 0 ? [`${summary.invalid} invalid`] : []),
  ]
  return `${summary.objects} ${summary.objects === 1 ? 'object' : 'objects'}: ${counts.join(', ')}\n`
}

function renderPin({ where, from, to }: Pinning['pins'][number], result: CheckResult, paint: Paint): string {
  const digest = to.slice(to.indexOf('@') + 1)
  return `  ${paint('gray', 'pinned')} ${at(result, where)}${visible(from)} → ${visible(digest)}`
}

function renderObjection(objection: Objection, result: CheckResult, paint: Paint, label?: string): readonly string[] {
  const { because, where, image, policies } = objection
  const prefix = label === undefined ? '' : `${paint('yellow', label)} `
  const place = `${prefix}${at(result, where)}`
  return [
    ...(place === '' ? [] : [`  ${place}${visible(where)}`]),
    ...(image === '' ? [] : [`    image: ${visible(image)}`]),
    ...renderBecause(because, paint),
    ...renderPolicies(policies),
  ]
}

/** Which policies say so; nothing where none does. */
export function renderPolicies(policies: readonly string[]): readonly string[] {
  return policies.length === 0 ? [] : [`    policies: ${visible(policies.join(', '))}`]
}

/** What stands against nothing and still has to be known: images no policy speaks of, tags that stayed tags. */
function notesOf(result: CheckResult): readonly string[] {
  const said = new Set([...result.objections, ...result.warnings].map(objection => objection.where))
  const uncovered = result.unmatched.filter(where => !said.has(where))
  const unpinned = result.pinning.unpinned.filter(({ where }) => !said.has(where))
  return [
    ...uncovered.map(where => `  note ${at(result, where)}${visible(where)}: no policy covers this image`),
    ...unpinned.map(
      ({ where, because }) =>
        `  note ${at(result, where)}${visible(where)}: not pinned: ${because.code}: ${visible(because.detail)}`,
    ),
  ]
}

/** The lines of each, of so many as anybody reads. */
export function some<T>(items: readonly T[], render: (item: T) => readonly string[]): readonly string[] {
  const lines = items.slice(0, MAX_SHOWN).flatMap(render)
  return items.length > MAX_SHOWN ? [...lines, `  … and ${items.length - MAX_SHOWN} more; -o json shows all`] : lines
}

/** Where a field was written, with room behind it; nothing for what a flag named. */
function at({ object }: CheckResult, where: string): string {
  return object.origin === 'flag' ? '' : `${visible(placeOf(object, where))}  `
}
