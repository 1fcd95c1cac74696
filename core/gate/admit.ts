/** One admission, left to right: plan, gather, judge. Nothing flows back. */
import type { Subject } from '#core/domain/subject.ts'
import type { Verdict } from '#core/domain/verdict.ts'
import { UNSEEN } from '#core/runtime/sight.ts'
import type { Gate } from './gate.ts'
import { gather } from './gather.ts'
import { plan } from './plan.ts'

/**
 * Judges one subject. The same function serves webhook and command line, so pre-flight cannot disagree with admission:
 * it is admission. Throws an InputError for a subject that cannot be read, and whatever a bug throws.
 */
export async function admit(subject: Subject, gate: Gate, signal: AbortSignal): Promise<Verdict> {
  const { step, found } = gate.sight ?? UNSEEN
  const planned = step('plan', () => plan(subject))
  if (planned.kind === 'pass') return { outcome: 'allow', passed: planned.reason }
  const { workload } = planned
  const facts = await step('gather', () => gather(workload, gate, signal))
  found(workload, facts)
  return step('judge', () => gate.judge(workload, facts))
}
