/**
 * Texts that an expression is found in: the shortest of each of its alternatives. They are guessed from how it is written
 * and tried on the expression itself, so that a wrong guess is left out and never believed.
 */
import { RE2JS } from 're2js'

/** So many alternatives are told apart; of more than that, the last go untried. */
const ALTERNATIVES = 8

/** Gives the samples of a compiled expression; none where nothing could be guessed. None is longer than it has steps. */
export function samplesOf(expression: RE2JS): readonly string[] {
  const samples = new Set<string>()
  let choices = 1
  for (let choice = 0; choice < choices; choice++) {
    const { text, alternatives } = new Guess(expression.pattern(), choice).read()
    if (expression.test(text)) samples.add(text)
    choices = Math.min(alternatives, ALTERNATIVES)
  }
  return [...samples]
}

/** `(?i)` sets flags and holds nothing. */
const FLAGS = /\(\?[imsU-]*\)/y
const GROUP = /\((?:\?(?:P?<\w+>|[imsU-]*:))?/y
const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\[^]|[^\]\\])*\]/y
const ESCAPED_CLASS = /\\(?:[dDsSwW]|[pP](?:\{[^}]*\}|[^]))/y
const QUOTED = /\\Q([^]*?)(?:\\E|$)/y
const NO_WIDTH = /[$^]|\\[AbBz]/y
const CHARACTER = /\\?([^])/uy
const REPETITION = /(?:([*?])|\+|\{(\d+)(?:,\d*)?\})\??/y

/** Which of these a class lets through is asked of the class. Likely parts of names, the least telling first. */
const CHARACTERS = 'xa0A-/._@:'.split('')

/** Reads an expression that has been compiled, and is therefore well formed, once from left to right. */
class Guess {
  readonly #expression: string
  readonly #choice: number
  #at = 0
  #alternatives = 1

  constructor(expression: string, choice: number) {
    this.#expression = expression
    this.#choice = choice
  }

  /** The text, and how many alternatives there are to choose from where there are the most. */
  read(): { readonly text: string; readonly alternatives: number } {
    const text = this.#oneOf()
    return { text, alternatives: this.#alternatives }
  }

  #oneOf(): string {
    const texts = [this.#sequence()]
    while (this.#isNext('|')) {
      this.#at++
      texts.push(this.#sequence())
    }
    this.#alternatives = Math.max(this.#alternatives, texts.length)
    return texts[this.#choice % texts.length] ?? ''
  }

  #sequence(): string {
    let text = ''
    while (this.#at < this.#expression.length && !this.#isNext('|') && !this.#isNext(')')) {
      const part = this.#part()
      text += part.repeat(this.#leastTimes())
    }
    return text
  }

  #part(): string {
    if ((this.#take(NO_WIDTH) ?? this.#take(FLAGS)) !== undefined) return ''
    if (this.#take(GROUP) !== undefined) {
      const text = this.#oneOf()
      this.#at++
      return text
    }
    const [characterClass] = this.#take(CLASS) ?? this.#take(ESCAPED_CLASS) ?? []
    if (characterClass !== undefined) return characterOf(characterClass)
    // A bare dot stands for any character, and was most likely meant as one.
    const [, itself = ''] = this.#take(QUOTED) ?? this.#take(CHARACTER) ?? []
    return itself
  }

  #leastTimes(): number {
    const [whole, isOptional, times] = this.#take(REPETITION) ?? []
    if (whole === undefined) return 1
    return isOptional === undefined ? Number(times ?? 1) : 0
  }

  #isNext(character: string): boolean {
    return this.#expression[this.#at] === character
  }

  #take(form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at
    const found = form.exec(this.#expression)
    if (found === null) return undefined
    this.#at = form.lastIndex
    return found
  }
}

function characterOf(characterClass: string): string {
  const asked = RE2JS.compile(characterClass)
  return CHARACTERS.find(character => asked.testExact(character)) ?? ''
}
