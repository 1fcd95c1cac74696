/** One admission, left to right: plan, gather, judge. Nothing flows back. */
import type { Subject } from '#core/domain/subject.ts'
import type { Verdict } from '#core/domain/verdict.ts'
import type { Gate } from './gate.ts'
import { gather } from './gather.ts'
import { plan } from './plan.ts'

/**
 * Judges one subject. The same function serves webhook and command line, so pre-flight cannot disagree with admission:
 * it is admission. Throws an InputError for a subject that cannot be read, and whatever a bug throws.
 */
export async function admit(subject: Subject, gate: Gate, signal: AbortSignal): Promise<Verdict> {
  const planned = plan(subject)
  if (planned.kind === 'pass') return { outcome: 'allow', passed: planned.reason }
  return gate.judge(planned.workload, await gather(planned.workload, gate, signal))
}
