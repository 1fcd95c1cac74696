/** What a registry asks for in WWW-Authenticate, by the grammar of RFC 9110 section 11.6.1. */
import { InputError } from '#core/domain/input-error.ts'

/** One way to authenticate that a registry offers. Nothing in it is to be believed: the registry wrote it. */
export type Challenge = {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string
  /** By name in lower case. */
  readonly parameters: ReadonlyMap<string, string>
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const SCHEME = new RegExp(`(${TOKEN})(?: +|(?=\\t*(?:,|$)))`, 'y')
const PARAMETER = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")[ \\t]*(?=,|$)`, 'y')
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/y
const SEPARATOR = /[ \t,]*/y

/** Parses every challenge of the header; text that is not of the grammar throws an InputError. */
export function parseChallenges(text: string): readonly Challenge[] {
  const scanner = new Scanner(text)
  const challenges: Challenge[] = []
  scanner.take(SEPARATOR)
  while (!scanner.isDone) {
    const scheme = scanner.take(SCHEME)?.[1]
    if (scheme === undefined) throw new InputError(`expected an authentication scheme at character ${scanner.at}`)
    challenges.push({ scheme: scheme.toLowerCase(), parameters: takeParameters(scanner) })
  }
  return challenges
}

/** A name that is followed by no equals sign starts the next challenge: the grammar has one comma for both. */
function takeParameters(scanner: Scanner): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>()
  let found = scanner.take(PARAMETER)
  if (found === undefined) scanner.take(TOKEN68)
  while (found !== undefined) {
    const [, name = '', plain, quoted = ''] = found
    // Two readers could take one each, and be sent to two places.
    if (parameters.has(name.toLowerCase())) throw new InputError(`the parameter ${name} occurs twice in one challenge`)
    parameters.set(name.toLowerCase(), plain ?? quoted.replaceAll(/\\(.)/g, '$1'))
    scanner.take(SEPARATOR)
    found = scanner.take(PARAMETER)
  }
  scanner.take(SEPARATOR)
  return parameters
}

/** Walks a text by sticky expressions, each of which either matches here or does not. */
class Scanner {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isDone(): boolean {
    return this.at >= this.#text.length
  }

  take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.at
    const found = expression.exec(this.#text)
    if (found === null) return undefined
    this.at += found[0].length
    return found
  }
}
