/** The part of PromQL that our dashboard and alerts are written in, read strictly: whatever else stands there is a mistake. */

export type Matcher = { readonly label: string; readonly op: '=' | '!=' | '=~' | '!~'; readonly value: string }

export type Expr =
  | { readonly kind: 'number'; readonly value: number }
  | {
      readonly kind: 'selector'
      readonly metric: string
      readonly matchers: readonly Matcher[]
      /** Seconds, of a range. */
      readonly range: number | undefined
    }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expr[] }
  | { readonly kind: 'aggregate'; readonly op: string; readonly by: readonly string[]; readonly of: Expr }
  | { readonly kind: 'binary'; readonly op: string; readonly left: Expr; readonly right: Expr }

/** Arguments of each function: `range` is a selector with a range, `vector` anything that gives one. */
const FUNCTIONS: Readonly<Record<string, readonly ('number' | 'range' | 'vector')[]>> = {
  rate: ['range'],
  increase: ['range'],
  histogram_quantile: ['number', 'vector'],
  absent: ['vector'],
  time: [],
}
const AGGREGATES = new Set(['sum', 'min', 'max', 'avg', 'count'])

/** From what binds least to what binds most. */
const OPERATORS = [
  ['==', '!=', '<=', '>=', '<', '>'],
  ['+', '-'],
  ['*', '/'],
] as const

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

const TOKEN =
  /\s*(?:([a-zA-Z_:][\w:]*)|(\d+(?:\.\d+)?)(?![\w.])|("(?:[^"\\]|\\.)*")|(\[\d+[smhd]\])|(=~|!~|!=|==|<=|>=|[-+*/<>={}(),]))/y

/** Parses it. Throws an Error that says where it stumbled. */
export function parsePromql(text: string): Expr {
  const reader = new Reader(text)
  const expr = reader.binary(0)
  reader.expectEnd()
  return expr
}

/** Every selector in it. */
export function selectorsOf(expr: Expr): readonly Extract<Expr, { kind: 'selector' }>[] {
  switch (expr.kind) {
    case 'selector':
      return [expr]
    case 'call':
      return expr.args.flatMap(selectorsOf)
    case 'aggregate':
      return selectorsOf(expr.of)
    case 'binary':
      return [...selectorsOf(expr.left), ...selectorsOf(expr.right)]
    default:
      return []
  }
}

/** Every list of labels that something is grouped by, with what is grouped. */
export function groupingsOf(expr: Expr): readonly { readonly by: readonly string[]; readonly of: Expr }[] {
  switch (expr.kind) {
    case 'call':
      return expr.args.flatMap(groupingsOf)
    case 'aggregate':
      return [{ by: expr.by, of: expr.of }, ...groupingsOf(expr.of)]
    case 'binary':
      return [...groupingsOf(expr.left), ...groupingsOf(expr.right)]
    default:
      return []
  }
}

class Reader {
  readonly #text: string
  readonly #tokens: readonly string[]
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokensOf(text)
  }

  binary(level: number): Expr {
    const operators: readonly string[] | undefined = OPERATORS[level]
    if (operators === undefined) return this.#primary()
    let left = this.binary(level + 1)
    while (operators.includes(this.#peek())) {
      const op = this.#next()
      left = { kind: 'binary', op, left, right: this.binary(level + 1) }
    }
    return left
  }

  expectEnd(): void {
    if (this.#at < this.#tokens.length) this.#fail(`expected an end, got ${this.#peek()}`)
  }

  #primary(): Expr {
    const token = this.#next()
    if (token === '(') return this.#closed(this.binary(0))
    if (/^\d/.test(token)) return { kind: 'number', value: Number(token) }
    if (!/^[a-zA-Z_]/.test(token)) this.#fail(`expected an expression, got ${token}`)
    if (AGGREGATES.has(token)) return this.#aggregate(token)
    return this.#peek() === '(' ? this.#call(token) : this.#selector(token)
  }

  #selector(metric: string): Expr {
    const matchers = this.#peek() === '{' ? this.#matchers() : []
    const [, count, unit] = /^\[(\d+)([smhd])\]$/.exec(this.#peek()) ?? []
    if (count === undefined || unit === undefined) return { kind: 'selector', metric, matchers, range: undefined }
    this.#next()
    return { kind: 'selector', metric, matchers, range: Number(count) * (UNITS[unit] ?? 0) }
  }

  #aggregate(op: string): Expr {
    const by = this.#peek() === 'by' ? this.#names() : []
    this.#expect('(')
    return { kind: 'aggregate', op, by, of: this.#closed(this.binary(0)) }
  }

  #names(): readonly string[] {
    this.#expect('by')
    this.#expect('(')
    const names = [this.#next()]
    while (this.#peek() === ',') names.push((this.#next(), this.#next()))
    return this.#closed(names)
  }

  #call(name: string): Expr {
    const expected = FUNCTIONS[name] ?? this.#fail(`expected a function, got ${name}`)
    this.#expect('(')
    const args: Expr[] = []
    for (const [at, kind] of expected.entries()) {
      if (at > 0) this.#expect(',')
      const arg = this.binary(0)
      const isRange = arg.kind === 'selector' && arg.range !== undefined
      if (isRange !== (kind === 'range') || (arg.kind === 'number') !== (kind === 'number'))
        this.#fail(`expected a ${kind} in ${name}, got a ${arg.kind}`)
      args.push(arg)
    }
    return this.#closed({ kind: 'call', name, args })
  }

  #matchers(): readonly Matcher[] {
    this.#expect('{')
    const matchers: Matcher[] = []
    do {
      const label = this.#next()
      const op = this.#next() as Matcher['op']
      if (!['=', '!=', '=~', '!~'].includes(op)) this.#fail(`expected a matcher, got ${op}`)
      matchers.push({ label, op, value: JSON.parse(this.#next()) as string })
    } while (this.#peek() === ',' && this.#next() === ',')
    this.#expect('}')
    return matchers
  }

  #closed<T>(value: T): T {
    this.#expect(')')
    return value
  }

  #expect(token: string): void {
    const found = this.#next()
    if (found !== token) this.#fail(`expected ${token}, got ${found}`)
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? ''
  }

  #next(): string {
    const token = this.#tokens[this.#at++]
    return token ?? this.#fail('expected more')
  }

  #fail(why: string): never {
    throw new Error(`${this.#text}: ${why}`)
  }
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const at = TOKEN.lastIndex
    const match = TOKEN.exec(text)
    if (match === null) throw new Error(`${text}: cannot read ${JSON.stringify(text.slice(at, at + 20))}`)
    tokens.push(match[0].trim())
  }
  return tokens
}
