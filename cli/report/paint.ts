/** Colours for the words that carry the answer, where there is a terminal to show them. */
import { styleText } from 'node:util'
import type { Streams } from '../streams.ts'

/** Colours a word, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string

export type Colour = 'green' | 'red' | 'yellow' | 'gray' | 'bold'

/** Colours only for a terminal, and not where NO_COLOR is set. */
export function paintFor({ stdout }: Pick<Streams, 'stdout'>): Paint {
  return (colour, text) => styleText(colour, text, { stream: stdout })
}

/** For files. */
export const UNPAINTED: Paint = (_colour, text) => text
