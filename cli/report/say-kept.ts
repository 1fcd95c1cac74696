/** What there is to say of the folder of answers once everything has been asked: on standard error, beside any form of result. */
import type { AssembledGate } from '#assembly/assemble-gate.ts'
import type { Streams } from '../streams.ts'
import { visible } from './visible.ts'

type Kept = AssembledGate['answers']

/** When the oldest answer was received that could be another by now, for programs; null where none was read from a folder. */
export function asOf(kept: Kept): string | null {
  return kept?.asOf()?.toISOString() ?? null
}

/** What was odd about the folder, and of when the results are. */
export function sayKept(kept: Kept, { stderr }: Pick<Streams, 'stderr'>): void {
  for (const warning of kept?.warnings() ?? []) stderr.write(`warning: ${visible(warning)}\n`)
  const time = asOf(kept)
  if (time !== null) stderr.write(`offline: no registry was asked; the oldest answer is of ${time}\n`)
}
