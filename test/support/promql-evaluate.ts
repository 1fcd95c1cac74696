/** What Prometheus would answer to that part of PromQL, out of what was scraped. Not extrapolated: a rate is what was counted between the scrapes of its range. */
import type { Expr, Matcher } from './promql-parse.ts'

type Labels = Readonly<Record<string, string>>

type Sample = { readonly metric: string; readonly labels: Labels; readonly value: number }

/** All samples of one moment, in seconds. */
export type Scrape = { readonly at: number; readonly samples: readonly Sample[] }

export type Point = { readonly labels: Labels; readonly value: number }

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

/** Reads the text format of a scrape (version 0.0.4); `labels` are those that whoever scrapes adds. */
export function readScrape(text: string, at: number, labels: Labels = {}): Scrape {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const samples = lines.map(line => {
    const [, metric, own = '', value] = LINE.exec(line) ?? []
    if (metric === undefined) throw new Error(`expected a sample, got ${line}`)
    const named = [...own.matchAll(LABEL)].map(([, name, value]) => [name, value])
    return { metric, labels: { ...Object.fromEntries(named), ...labels }, value: Number(value) }
  })
  return { at, samples }
}

/** Evaluates it at the moment of the last scrape. A number is a point without labels. */
export function evaluate(expr: Expr, scrapes: readonly Scrape[]): readonly Point[] {
  switch (expr.kind) {
    case 'number':
      return [{ labels: {}, value: expr.value }]
    case 'selector':
      return select(expr, scrapes.at(-1))
    case 'call':
      return call(expr, scrapes)
    case 'aggregate':
      return aggregate(expr, scrapes)
    case 'binary':
      return combine(expr, scrapes)
    default:
      return []
  }
}

type Selector = Extract<Expr, { kind: 'selector' }>

function select({ metric, matchers }: Selector, scrape: Scrape | undefined): readonly Point[] {
  const found = scrape?.samples.filter(
    one => one.metric === metric && matchers.every(fits => matches(fits, one.labels)),
  )
  return found ?? []
}

function matches({ label, op, value }: Matcher, labels: Labels): boolean {
  const found = labels[label] ?? ''
  const is = op.endsWith('~') ? new RegExp(`^(?:${value})$`).test(found) : found === value
  return op.startsWith('!') ? !is : is
}

const NONE: Point = { labels: {}, value: Number.NaN }
const NOTHING: Expr = { kind: 'number', value: Number.NaN }

function call({ name, args }: Extract<Expr, { kind: 'call' }>, scrapes: readonly Scrape[]): readonly Point[] {
  const [first = NOTHING, second = NOTHING] = args
  switch (name) {
    case 'time':
      return [{ labels: {}, value: scrapes.at(-1)?.at ?? 0 }]
    case 'absent':
      return absent(evaluate(first, scrapes))
    case 'histogram_quantile':
      return quantiles(evaluate(first, scrapes), evaluate(second, scrapes))
    default:
      // The parser lets nothing else in here than a selector with a range.
      return growth(first as Selector, scrapes, name === 'rate')
  }
}

function absent(points: readonly Point[]): readonly Point[] {
  return points.length === 0 ? [{ labels: {}, value: 1 }] : []
}

/** What a counter has grown by within the range; it may have begun anew. */
function growth(selector: Selector, scrapes: readonly Scrape[], isRate: boolean): readonly Point[] {
  const end = scrapes.at(-1)?.at ?? 0
  const within = scrapes.filter(({ at }) => at >= end - (selector.range ?? 0))
  const seconds = end - (within[0]?.at ?? end)
  if (seconds <= 0) return []
  const series = within.map(scrape => new Map(select(selector, scrape).map(point => [keyOf(point.labels), point])))
  return [...(series.at(-1)?.values() ?? [])].map(({ labels }) => {
    const values = series.flatMap(one => one.get(keyOf(labels))?.value ?? [])
    const grown = values.slice(1).reduce((sum, value, at) => sum + growthOf(values[at] ?? 0, value), 0)
    return { labels, value: isRate ? grown / seconds : grown }
  })
}

function growthOf(before: number, after: number): number {
  return after < before ? after : after - before
}

function quantiles([{ value: share } = NONE]: readonly Point[], points: readonly Point[]): readonly Point[] {
  const histograms = Map.groupBy(points, ({ labels }) => keyOf(without(labels, 'le')))
  return [...histograms.values()].flatMap(buckets => {
    const sorted = buckets.toSorted((a, b) => endOf(a) - endOf(b))
    const total = sorted.at(-1)?.value ?? 0
    if (total === 0) return []
    const at = sorted.findIndex(({ value }) => value >= share * total)
    const [bucket, below] = [sorted[at] as Point, sorted[at - 1]]
    const [from, to] = [below === undefined ? 0 : endOf(below), endOf(bucket)]
    const rank = (share * total - (below?.value ?? 0)) / (bucket.value - (below?.value ?? 0))
    const value = to === Number.POSITIVE_INFINITY ? from : from + (to - from) * rank
    return [{ labels: without(bucket.labels, 'le'), value }]
  })
}

function endOf({ labels }: Point): number {
  return labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le'])
}

const AGGREGATES: Readonly<Record<string, (values: readonly number[]) => number>> = {
  sum: values => values.reduce((sum, value) => sum + value, 0),
  min: values => Math.min(...values),
  max: values => Math.max(...values),
  avg: values => values.reduce((sum, value) => sum + value, 0) / values.length,
  count: values => values.length,
}

function aggregate({ op, by, of }: Extract<Expr, { kind: 'aggregate' }>, scrapes: readonly Scrape[]): readonly Point[] {
  const only = (labels: Labels) => Object.fromEntries(by.map(name => [name, labels[name] ?? '']))
  const groups = Map.groupBy(evaluate(of, scrapes), ({ labels }) => keyOf(only(labels)))
  return [...groups.values()].map(points => ({
    labels: only(points[0]?.labels ?? {}),
    value: AGGREGATES[op]?.(points.map(({ value }) => value)) ?? Number.NaN,
  }))
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
}
const ARITHMETIC: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
}

/** Two vectors meet by equal labels; a number meets everything. A comparison keeps what it is true of. */
function combine({ op, left, right }: Extract<Expr, { kind: 'binary' }>, scrapes: readonly Scrape[]): readonly Point[] {
  const [a, b] = [evaluate(left, scrapes), evaluate(right, scrapes)]
  const pairs = isNumber(right)
    ? a.map(point => [point, b[0]] as const)
    : isNumber(left)
      ? b.map(point => [{ ...point, value: a[0]?.value ?? Number.NaN }, point] as const)
      : a.map(point => [point, b.find(other => keyOf(other.labels) === keyOf(point.labels))] as const)
  return pairs.flatMap(([one, other]) => {
    if (other === undefined) return []
    const compare = COMPARISONS[op]
    if (compare !== undefined) return compare(one.value, other.value) ? [one] : []
    return [{ labels: one.labels, value: ARITHMETIC[op]?.(one.value, other.value) ?? Number.NaN }]
  })
}

function isNumber(expr: Expr): boolean {
  if (expr.kind === 'number' || (expr.kind === 'call' && expr.name === 'time')) return true
  return expr.kind === 'binary' && isNumber(expr.left) && isNumber(expr.right)
}

function without({ ...labels }: Labels, name: string): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => key !== name))
}

function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
