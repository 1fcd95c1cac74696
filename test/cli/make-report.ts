/** A whole report over given results. */
import type { Report } from '#cli/report/report.ts'
import { type CheckResult, exitCodeOf, summaryOf } from '#cli/report/result.ts'

/** As `shedu check` makes it, of version 1.2.3 and in the folder `/checkout`. */
export function makeReport(results: readonly CheckResult[], more: Partial<Report> = {}): Report {
  const summary = summaryOf(results)
  const exitCode = exitCodeOf(summary)
  return { results, summary, passedOver: [], exitCode, asOf: null, version: '1.2.3', sourceRoot: '/checkout', ...more }
}
