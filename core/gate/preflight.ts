/** What the API server does with an object, done beforehand: mutate, then validate. */
import type { KubeObject, Subject } from '#core/domain/subject.ts'
import type { Verdict } from '#core/domain/verdict.ts'
import { admit } from './admit.ts'
import { readFieldPath } from './field-path.ts'
import type { Gate } from './gate.ts'
import type { Pin, Pinning, PinScope } from './pin.ts'
import { pin } from './pin.ts'

/** Pins a copy of the object and judges that copy, as the two webhooks would one after the other. */
export async function preflight(
  subject: Subject,
  gate: Gate,
  scope: PinScope,
  signal: AbortSignal,
): Promise<{ readonly verdict: Verdict; readonly pinning: Pinning }> {
  const pinning = await pin(subject, gate, scope, signal)
  const object = subject.object === undefined ? undefined : withPins(subject.object, pinning.pins)
  return { verdict: await admit({ ...subject, object }, gate, signal), pinning }
}

function withPins(object: KubeObject, pins: readonly Pin[]): KubeObject {
  if (pins.length === 0) return object
  const copy = structuredClone(object)
  for (const { where, to } of pins) write(copy, readFieldPath(where), to)
  return copy
}

function write(root: KubeObject, path: readonly (string | number)[], value: string): void {
  let at: unknown = root
  for (const step of path.slice(0, -1)) at = (at as Record<string | number, unknown>)[step]
  const last = path.at(-1)
  if (last !== undefined) (at as Record<string | number, unknown>)[last] = value
}
