/** When a server asks to be asked again. */

/** RFC 9110 section 10.2.3: seconds, or a date. */
const SECONDS = /^[0-9]{1,9}$/

/** Each of the three forms of a date starts with the day; `-5` and `1.5` are dates, too, to Date.parse. */
const DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/

/**
 * Parses Retry-After to milliseconds from when the answer was sent; undefined where there is none, or nothing that can
 * be read. A date is held against the server's own Date: its clock wrote both.
 */
export function parseRetryAfter(headers: ReadonlyMap<string, string>, now: Date): number | undefined {
  const text = headers.get('retry-after')
  if (text === undefined) return undefined
  if (SECONDS.test(text)) return Number(text) * 1000
  const until = DATE.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(until)) return undefined
  const sent = Date.parse(headers.get('date') ?? '')
  return Math.max(0, until - (Number.isNaN(sent) ? now.getTime() : sent))
}
