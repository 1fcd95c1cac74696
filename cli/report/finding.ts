/** What there is to say about one object, as programs that show findings beside lines of files take it: one thing, one place, one level. */
import type { Code, Refusal, Silence } from '#core/domain/refusal.ts'
import { CODES } from '#core/domain/refusal.ts'
import type { Objection } from '#core/domain/verdict.ts'
import type { Position } from '../yaml-walk.ts'
import type { CheckResult } from './result.ts'

/** `error`: it keeps the object out, or nobody knows whether it would. `note`: it stands against nothing. */
export type Level = 'error' | 'warning' | 'note'

/** An object without the shape of its kind never reaches the gate, so the gate has no code for it. */
const INVALID = 'object.invalid'

export type FindingCode = Code | typeof INVALID

export type Finding = {
  readonly level: Level
  readonly code: FindingCode
  readonly sentence: string
  /** What was found; may be empty. */
  readonly detail: string
  readonly remedy: string
  /** The path of the field, empty for the object itself. */
  readonly where: string
  readonly at: Position
  /** As it is written there; empty where it is not about an image. */
  readonly image: string
  readonly policies: readonly string[]
}

/** Objections first, then warnings, then notes. */
export function findingsOf(result: CheckResult): readonly Finding[] {
  const { objections, warnings, outcome, reason = '' } = result
  const said = new Set([...objections, ...warnings].map(({ where }) => where))
  return [
    ...(outcome === 'invalid' ? [invalid(result, reason)] : []),
    ...objections.map(objection => ofObjection('error', objection, result)),
    ...warnings.map(warning => ofObjection('warning', warning, result)),
    ...notesOf(result).filter(({ where }) => !said.has(where)),
  ]
}

/** Sentence and remedy of a code. */
export function wordsOfCode(code: FindingCode): { readonly sentence: string; readonly remedy: string } {
  if (code !== INVALID) return CODES[code]
  return {
    sentence: 'the object does not have the shape of its kind',
    remedy: 'correct the object; the API server would not take it either',
  }
}

function invalid({ object }: CheckResult, detail: string): Finding {
  const { sentence, remedy } = wordsOfCode(INVALID)
  return {
    level: 'error',
    code: INVALID,
    sentence,
    detail,
    remedy,
    where: '',
    at: object.positionOf(''),
    image: '',
    policies: [],
  }
}

type Spoken = Pick<Objection, 'where' | 'image' | 'policies'> & { readonly because: Refusal | Silence }

function ofObjection(level: Level, { because, where, image, policies }: Spoken, { object }: CheckResult): Finding {
  const { sentence, remedy } = CODES[because.code]
  const { code, detail } = because
  return { level, code, sentence, detail, remedy, where, at: object.positionOf(where), image, policies }
}

/** Images that no policy speaks of, and tags that stayed tags. */
function notesOf(result: CheckResult): readonly Finding[] {
  const { sentence, remedy } = CODES['policy.none-matched']
  const uncovered = result.unmatched.map(
    (where): Finding => ({
      level: 'note',
      code: 'policy.none-matched',
      sentence,
      detail: '',
      remedy,
      where,
      at: result.object.positionOf(where),
      image: '',
      policies: [],
    }),
  )
  const unpinned = result.pinning.unpinned.map(note => ofObjection('note', { ...note, policies: [] }, result))
  return [...uncovered, ...unpinned]
}
