/** All that came of a check, as the forms that are said at its end are made from it. */
import type { PassedOver } from '../read-objects.ts'
import type { CheckResult, Summary } from './result.ts'

export type Report = {
  /** In the order of the input. */
  readonly results: readonly CheckResult[]
  readonly summary: Summary
  /** What lies in the folders and was not looked at. */
  readonly passedOver: readonly PassedOver[]
  readonly exitCode: number
  /** ISO 8601: with --offline, when the oldest answer was received that may be another by now. */
  readonly asOf: string | null
  /** Of Shedu. */
  readonly version: string
  /** Absolute: whoever shows a finding beside its line knows files by their path from here. */
  readonly sourceRoot: string
}
