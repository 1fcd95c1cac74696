/** The regular expressions by which a policy names signers: RE2's, so that no expression and no name can make a search long. */
import { RE2JS, RE2JSException } from 're2js'
import { InputError } from '#core/domain/input-error.ts'

/** No name of a signer has more characters, and no list of names that anybody has written as one expression. */
const CHARACTERS = 1024

/**
 * An expression that is written out has one step for each character. Repetition multiplies them (`.{1000}` has a
 * thousand), and a search may cost the length of the name times as many.
 */
const STEPS = 4096

/** Compiles one. Throws an InputError in the words of the reference, which are Go's where the syntax is wrong. */
export function parseIdentityExpression(text: string): RE2JS {
  if (text.length > CHARACTERS)
    throw new InputError(`regex is invalid: expected at most ${CHARACTERS} characters, got ${text.length}`)
  if (!text.isWellFormed()) throw new InputError('regex is invalid: error parsing regexp: invalid UTF-8')
  const expression = compile(text)
  const steps = expression.programSize()
  if (steps > STEPS)
    throw new InputError(
      `regex is invalid: expected at most ${STEPS} steps once repetition is written out, got ${steps}`,
    )
  return expression
}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw new InputError(`regex is invalid: ${visible(error.message)}`, { cause: error })
  }
}

/** The message repeats part of the expression. What would end a line or hide in it is written as RE2 would escape it. */
function visible(message: string): string {
  return message.replaceAll(/[^\x20-\x7e]/gu, character => `\\x{${character.codePointAt(0)?.toString(16)}}`)
}
