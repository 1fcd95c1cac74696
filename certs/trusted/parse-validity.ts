/** A TimeRange of Sigstore's protobuf-specs: both ends included, and each may be left open. */
import { InputError } from '#core/domain/input-error.ts'
import type { Validity } from '#core/domain/trust-root.ts'
import type { Members } from './members.ts'

/** RFC 3339 as protobuf writes it: in UTC, with at most nanoseconds. */
const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/

/** Parses `validFor`; without it, there never was another time. */
export function parseValidity(holder: Members): Validity {
  const range = holder.objectIfAny('validFor', ['start', 'end'])
  const [from, until] = [parseTime(range, 'start'), parseTime(range, 'end')]
  if (from !== undefined && until !== undefined && from > until)
    throw new InputError(`expected ${range.at('start')} to be before ${range.at('end')}`)
  return { from, until }
}

/** Cut off below milliseconds, as the times are that it is compared with. */
function parseTime(range: Members, name: string): number | undefined {
  if (!range.has(name)) return undefined
  const [, seconds, fraction = ''] = TIME.exec(range.text(name)) ?? []
  const iso = `${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
  const at = Date.parse(iso)
  // Date.parse takes the 30th of February for the second of March.
  if (Number.isNaN(at) || new Date(at).toISOString() !== iso)
    throw new InputError(`expected ${range.at(name)} to be a time such as 2026-11-21T09:51:32Z`)
  return at
}
