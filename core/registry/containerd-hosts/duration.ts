/** Times as Go writes them. */
import { InputError } from '#core/domain/input-error.ts'

/** In milliseconds. Micro is written with the sign of the unit or with the Greek letter. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  '\u00b5s': 1e-3,
  '\u03bcs': 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

const PART = /([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g

/** Parses `500ms` or `1m30s` into milliseconds; nothing and nought are no bound. Throws an InputError. */
export function parseDuration(text: string): number | undefined {
  const [bare, parts] = [text.replace(/^\+/, ''), text.slice(0, 40).matchAll(PART).toArray()]
  if (bare === '' || bare === '0') return undefined
  if (parts.map(([part]) => part).join('') !== bare)
    throw new InputError(`expected a time such as 500ms or 1m30s, got ${JSON.stringify(text.slice(0, 120))}`)
  const ms = parts.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS[unit] ?? 0), 0)
  return ms === 0 ? undefined : Math.ceil(ms)
}
