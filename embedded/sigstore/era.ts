/**
 * A full set of authorities and logs. A Sigstore has several, as a trust root that has seen keys come and go does: the
 * faults take one part from another era than the current one.
 */
import type { Authority, IntermediatePlan } from './authority.ts'
import { makeAuthority, makeRoot } from './authority.ts'
import type { Life } from './certificate.ts'
import { CtLog } from './ct-log.ts'
import type { Curve } from './key-pair.ts'
import { Rekor } from './rekor.ts'
import type { Stamper, StamperPlan } from './stamper.ts'
import { makeStamper } from './stamper.ts'

export const ERAS = ['current', 'retired', 'future', 'worn', 'forged'] as const
export type EraName = (typeof ERAS)[number]

/** A stretch of time; an end that is left out is open. */
export type ValidFor = { readonly start: Date; readonly end?: Date | undefined }

export type Era = {
  readonly authority: Authority
  readonly ctLog: CtLog
  readonly rekor1: Rekor
  readonly rekor2: Rekor
  readonly stamper: Stamper
  readonly validFor: ValidFor
}
export type Part = Exclude<keyof Era, 'validFor'>

export type EraOrder = {
  readonly name: EraName
  /** Under which all hosts are. */
  readonly domain: string
  readonly curve: Curve
  /** When the current era began. */
  readonly startsAt: Date
  readonly intermediate?: ((plan: IntermediatePlan) => IntermediatePlan) | undefined
  readonly stamper?: ((plan: StamperPlan) => StamperPlan) | undefined
}

const DAY_MS = 24 * 60 * 60 * 1000
const YEAR_MS = 365 * DAY_MS

/** Same names as the current one, other keys: in no trust root. All others have names of their own. */
export function makeEra({ name, domain, curve, startsAt, intermediate = same, stamper = same }: EraOrder): Era {
  const suffix = name === 'current' || name === 'forged' ? '' : `-${name}`
  const organization = `${domain}${suffix}`
  const life = { notBefore: later(startsAt, -2 * YEAR_MS), notAfter: later(startsAt, 10 * YEAR_MS) }
  const lower: Life = name === 'worn' ? { ...life, notAfter: later(startsAt, -DAY_MS) } : life
  const root = makeRoot({ organization, commonName: 'fulcio-root' }, life, curve, 2)
  const plan = { ...lower, curve, isCa: true, usage: 'certSign', depth: 1 } as const
  const stampRoot = makeRoot({ organization, commonName: 'tsa-root' }, life, 'P-256', 0)
  return {
    authority: makeAuthority(root, intermediate(plan)),
    ctLog: new CtLog(`ctlog${suffix}.${domain}`),
    rekor1: new Rekor(1, `rekor${suffix}.${domain}`),
    rekor2: new Rekor(2, `rekor-tiles${suffix}.${domain}`),
    stamper: makeStamper(stampRoot, stamper({ ...lower, purpose: 'critical' })),
    validFor: validForOf(name, startsAt),
  }
}

function validForOf(name: EraName, startsAt: Date): ValidFor {
  if (name === 'retired') return { start: later(startsAt, -YEAR_MS), end: startsAt }
  if (name === 'worn') return { start: later(startsAt, -YEAR_MS) }
  if (name === 'future') return { start: later(startsAt, 5 * YEAR_MS) }
  return { start: startsAt }
}

function later(moment: Date, byMs: number): Date {
  return new Date(moment.getTime() + byMs)
}

function same<Thing>(thing: Thing): Thing {
  return thing
}
