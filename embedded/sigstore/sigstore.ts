/** One small private Sigstore: certificate authority, certificate log, two logs of signatures, timestamp authority. */
import { InputError } from '#core/domain/input-error.ts'
import type { Era, EraName } from './era.ts'
import { ERAS, makeEra } from './era.ts'
import type { Fault } from './fault.ts'
import type { FaultName } from './faults.ts'
import { FAULTS } from './faults.ts'
import type { Curve } from './key-pair.ts'

export type Sigstore = {
  readonly eras: Readonly<Record<EraName, Era>>
  /** The moment it is, to the second. */
  readonly now: () => Date
}

export type SigstoreOrder = {
  /** The first label of its domain: `acme` has its log at rekor.acme.test. */
  readonly name: string
  readonly clock: () => Date
  /** Of the certificate authority; P-256 unless it is said. */
  readonly curve?: Curve | undefined
  /** Since when its keys are valid: a day ago unless it is said. */
  readonly startsAt?: Date | undefined
  /** A fault of the authorities themselves, which its trust root then lists as they are. */
  readonly fault?: FaultName | undefined
}

const DAY_MS = 24 * 60 * 60 * 1000

export function makeSigstore({ name, clock, curve = 'P-256', startsAt, fault }: SigstoreOrder): Sigstore {
  const now = () => wholeSecond(clock())
  const began = wholeSecond(startsAt ?? new Date(clock().getTime() - DAY_MS))
  const { intermediate, stamper }: Partial<Fault> = fault === undefined ? {} : FAULTS[fault]
  if (fault !== undefined && intermediate === undefined && stamper === undefined) {
    throw new InputError(`${fault} is no fault of authorities`)
  }
  const eras = ERAS.map(era => {
    const spoilt = era === 'current' ? { intermediate, stamper } : {}
    return [era, makeEra({ name: era, domain: `${name}.test`, curve, startsAt: began, ...spoilt })]
  })
  return { eras: Object.fromEntries(eras) as Record<EraName, Era>, now }
}

function wholeSecond(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / 1000) * 1000)
}
