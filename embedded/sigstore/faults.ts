/** Every fault that can be ordered, each an artefact that is good but for this one thing. */
import { InputError } from '#core/domain/input-error.ts'
import { CERTIFICATE_FAULTS } from './certificate-faults.ts'
import type { Fault, Need } from './fault.ts'
import { LOG_FAULTS } from './log-faults.ts'
import { STATEMENT_FAULTS } from './statement-faults.ts'
import { TIME_FAULTS } from './time-faults.ts'

const TABLE = { ...CERTIFICATE_FAULTS, ...LOG_FAULTS, ...TIME_FAULTS, ...STATEMENT_FAULTS } as const

export type FaultName = keyof typeof TABLE
export const FAULTS: Readonly<Record<FaultName, Fault>> = TABLE
export const FAULT_NAMES = Object.keys(TABLE) as [FaultName, ...FaultName[]]

/** The fault of this name, none for none. Throws an InputError when the order lacks what it would show in. */
export function faultOf(name: FaultName | undefined, met: Readonly<Record<Need, boolean>>): Partial<Fault> {
  if (name === undefined) return {}
  const fault = FAULTS[name]
  const missing = fault.needs.filter(need => !met[need])
  if (missing.length === 0) return fault
  throw new InputError(`${name} needs ${missing.join(' and ')}, which this order does not have`)
}
