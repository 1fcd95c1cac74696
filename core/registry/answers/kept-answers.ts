/** A folder of answers between the client and the network: filled by what registries say, or all there is to be heard. */
import { Unavailable } from '#core/domain/unavailable.ts'
import { type AnswerFolder, openFilledFolder, openFolderToFill } from './answer-folder.ts'
import type { AnswerSource } from './question.ts'

export type KeptAnswersSettings = {
  /** Where they lie. */
  readonly folder: string
  /** Whether nobody but the folder is asked. */
  readonly isOffline: boolean
}

export type KeptAnswers = {
  readonly source: AnswerSource
  /** When the oldest answer was received that nobody asked for anew and that may be another by now; undefined where there is none. */
  readonly asOf: () => Date | undefined
  /** What is odd about the folder, as far as it was used. */
  readonly warnings: () => readonly string[]
}

/** Opens the folder; an InputError if it is of no use. */
export async function openKeptAnswers({ folder, isOffline }: KeptAnswersSettings): Promise<KeptAnswers> {
  return isOffline ? fromFolder(await openFilledFolder(folder)) : throughFolder(await openFolderToFill(folder))
}

/** What can never be another is taken from the folder; everything else is asked for, and the answer put there. */
function throughFolder(folder: AnswerFolder): KeptAnswers {
  const source: AnswerSource = async (question, asking) => {
    const { isLasting } = question
    const kept = isLasting === undefined ? undefined : await folder.read(question, asking)
    if (kept !== undefined && isLasting?.(kept.answer) === true) return kept.answer
    const answer = await asking.ask()
    if (answer.kind === 'answer' && question.definite.includes(answer.status))
      await folder.write(question, { answer, at: new Date() })
    return answer
  }
  return { source, asOf: () => undefined, warnings: () => folder.warnings() }
}

/** Whoever asks gets what lies there, whether it is what its name says or not: that is for the same code to find out. */
function fromFolder(folder: AnswerFolder): KeptAnswers {
  let oldest: Date | undefined
  const source: AnswerSource = async (question, asking) => {
    const kept = await folder.read(question, asking)
    if (kept === undefined)
      throw new Unavailable('registry.not-asked', `${asking.about}: ${question.what} is not in the cache folder`)
    const { answer, at } = kept
    if (question.isLasting?.(answer) !== true && (oldest === undefined || at < oldest)) oldest = at
    return answer
  }
  return { source, asOf: () => oldest, warnings: () => folder.warnings() }
}
