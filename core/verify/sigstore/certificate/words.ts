/** How certificates and times are spoken of in the detail of a refusal. */
import type { Validity } from '#core/domain/trust-root.ts'
import { quote } from '#core/verify/quote.ts'
import type { Certificate } from './certificate.ts'

/** A certificate by its subject, or its number where it has none. */
export function nameOf({ x509, serial }: Certificate): string {
  const subject = (x509.subject ?? '').replaceAll('\n', ', ')
  return subject === '' ? `the certificate ${serial}` : `the certificate of ${quote(subject)}`
}

const MOST_LISTED = 3

/** The first of them by name and the rest by number: a certificate has room for a thousand purposes, its reader has not. */
export function listed(items: readonly string[]): string {
  const more = items.length > MOST_LISTED ? [`${items.length - MOST_LISTED} more`] : []
  return [...items.slice(0, MOST_LISTED), ...more].join(', ')
}

/** A stretch of time. */
export function inWords({ from, until }: Validity): string {
  return [from === undefined ? [] : `from ${isoOf(from)}`, until === undefined ? [] : `until ${isoOf(until)}`]
    .flat()
    .join(' ')
}

/** A moment; what is no date stays a number. */
export function isoOf(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? `${at}` : date.toISOString()
}
