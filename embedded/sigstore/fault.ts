/** What one fault changes, and where in the making of a signature. Everything that follows is made over what it changed. */
import type { IntermediatePlan } from './authority.ts'
import type { Envelope, Signable } from './dsse.ts'
import type { Body, EntryFacts } from './entry-body.ts'
import type { Era, EraName, Part } from './era.ts'
import type { LeafPlan } from './leaf.ts'
import type { LogEntry } from './log-entry.ts'
import type { Rekor } from './rekor.ts'
import type { Stamper, StamperPlan } from './stamper.ts'
import type { StampPlan } from './timestamp.ts'

/** What an order must have for the fault to show in it. */
export type Need =
  | 'certificate'
  | 'chain'
  | 'log'
  | 'promise'
  | 'proof'
  | 'rekor2'
  | 'timestamp'
  | 'statement'
  | 'bundle'

/** When the certificate was issued, and when the log and the timestamp authority saw the signature. */
export type Moments = { readonly signed: Date; readonly logged: Date }

type Eras = Readonly<Record<EraName, Era>>

export type Fault = {
  /** What is wrong, or unusual, in one line. */
  readonly says: string
  /** A verifier must accept it all the same. One that demands all that was ordered must refuse the others. */
  readonly good?: true
  readonly needs: readonly Need[]
  /** Parts that are not of the current era. */
  readonly from?: Readonly<Partial<Record<Part, EraName>>>
  readonly moments?: (moments: Moments) => Moments
  /** The authority that issues, under the root that is trusted. */
  readonly intermediate?: (plan: IntermediatePlan) => IntermediatePlan
  readonly leaf?: (plan: LeafPlan) => LeafPlan
  readonly certificate?: (der: Uint8Array) => Uint8Array
  /** The image that is spoken of. */
  readonly subject?: (digest: string) => string
  readonly signable?: (draft: Signable) => Signable
  /** The version that the statement is of. */
  readonly statementVersion?: 'v0.1'
  /** What the registry is told that the statement is. */
  readonly announced?: (predicateType: string) => string
  readonly envelope?: (envelope: Envelope) => Envelope
  /** `other` are the facts of another signature by the same signer. */
  readonly facts?: (facts: EntryFacts, other: EntryFacts) => EntryFacts
  readonly body?: (body: Body) => Body
  readonly entry?: (entry: LogEntry, log: Rekor, eras: Eras) => LogEntry
  readonly entries?: (add: () => LogEntry) => readonly LogEntry[]
  /** The certificate that stamps, under the root that is trusted. */
  readonly stamper?: (plan: StamperPlan) => StamperPlan
  readonly stamp?: (plan: StampPlan, stamper: Stamper, eras: Eras) => StampPlan
  readonly stamps?: (stamp: () => Uint8Array) => readonly Uint8Array[]
  readonly bundle?: (bundle: BundleJson) => BundleJson
}

/** A bundle before it is text. */
export type BundleJson = { readonly mediaType: string; readonly [key: string]: unknown }
