/** Draws a dashboard of Grafana as it would look over these scrapes: its panels where they lie, their lines, their legends. A picture for people, in SVG. */
import { evaluate, type Point, type Scrape } from './promql-evaluate.ts'
import { type Expr, parsePromql } from './promql-parse.ts'

export type Panel = {
  readonly title: string
  readonly type: 'stat' | 'timeseries'
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig: { readonly defaults: { readonly unit: string } }
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
}

export type Dashboard = { readonly title: string; readonly panels: readonly Panel[] }

export type Line = {
  readonly legend: string
  readonly points: readonly { readonly at: number; readonly value: number }[]
}

const [COLUMN, ROW, HEAD, LEGEND] = [60, 30, 26, 14]
const COLOURS = ['#73bf69', '#f2cc0c', '#5794f2', '#ff9830', '#f2495c', '#b877d9', '#8ab8ff', '#ffa6b0', '#96d98d']

/** An expression of a dashboard, with what Grafana puts in the place of its variables. */
export function withoutVariables(expr: string, rangeSeconds = 60): string {
  return expr.replaceAll('$__rate_interval', `${rangeSeconds}s`).replaceAll('"$job"', '".*"')
}

/** The lines of a panel: each query at each scrape. */
export function linesOf({ targets }: Panel, scrapes: readonly Scrape[], rangeSeconds: number): readonly Line[] {
  return targets.flatMap(({ expr, legendFormat }) => {
    const parsed = parsePromql(withoutVariables(expr, rangeSeconds))
    return over(parsed, scrapes, point => legendOf(legendFormat, point))
  })
}

function over(expr: Expr, scrapes: readonly Scrape[], legendOf: (point: Point) => string): readonly Line[] {
  const found = scrapes.flatMap(({ at }, index) =>
    evaluate(expr, scrapes.slice(0, index + 1)).map(point => ({ at, value: point.value, legend: legendOf(point) })),
  )
  const usable = found.filter(({ value }) => Number.isFinite(value))
  return [...Map.groupBy(usable, ({ legend }) => legend)].map(([legend, points]) => ({ legend, points }))
}

function legendOf(format: string, { labels }: Point): string {
  return format.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => labels[name] ?? '')
}

/** The whole picture. */
export function drawDashboard(dashboard: Dashboard, scrapes: readonly Scrape[], rangeSeconds: number): string {
  const { panels, title } = dashboard
  const height = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h)) * ROW + 40
  const drawn = panels.map(panel => drawPanel(panel, linesOf(panel, scrapes, rangeSeconds)))
  const style = 'font-family="sans-serif" font-size="11" fill="#d0d4da"'
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${24 * COLUMN}" height="${height}" ${style}>
<rect width="100%" height="100%" fill="#111217"/>
<text x="10" y="24" font-size="18">${escaped(title)}</text>
<g transform="translate(0 40)">
${drawn.join('\n')}
</g>
</svg>
`
}

function drawPanel({ title, type, gridPos, fieldConfig }: Panel, lines: readonly Line[]): string {
  const [width, height] = [gridPos.w * COLUMN - 8, gridPos.h * ROW - 8]
  const unit = fieldConfig.defaults.unit
  const body = type === 'stat' ? drawNumber(lines, unit, width, height) : drawLines(lines, unit, width, height)
  return `<g transform="translate(${gridPos.x * COLUMN + 4} ${gridPos.y * ROW + 4})">
<rect width="${width}" height="${height}" rx="3" fill="#181b1f" stroke="#2c3235"/>
<text x="8" y="17" font-weight="bold">${escaped(title)}</text>
${body}
</g>`
}

function drawNumber(lines: readonly Line[], unit: string, width: number, height: number): string {
  const value = lines[0]?.points.at(-1)?.value
  const text = value === undefined ? 'no data' : formatted(value, unit)
  return `<text x="${width / 2}" y="${height / 2 + 22}" text-anchor="middle" font-size="26" fill="#73bf69">${text}</text>`
}

function drawLines(lines: readonly Line[], unit: string, width: number, height: number): string {
  const legendRows = Math.ceil(lines.length / 3)
  const [left, right, top, bottom] = [54, width - 10, HEAD + 6, height - 10 - legendRows * LEGEND]
  const all = lines.flatMap(({ points }) => points)
  const most = Math.max(...all.map(({ value }) => value), 0) || 1
  const [from, to] = [Math.min(...all.map(({ at }) => at)), Math.max(...all.map(({ at }) => at))]
  const xOf = (at: number) => left + ((at - from) / (to - from || 1)) * (right - left)
  const yOf = (value: number) => bottom - (value / most) * (bottom - top)
  const axes = [0, 0.5, 1].map(share => {
    const y = yOf(share * most)
    const line = `<line x1="${left}" x2="${right}" y1="${y}" y2="${y}" stroke="#2c3235"/>`
    return `${line}<text x="${left - 4}" y="${y + 4}" text-anchor="end" font-size="9">${formatted(share * most, unit)}</text>`
  })
  const drawn = lines.map(({ legend, points }, at) => {
    const colour = COLOURS[at % COLOURS.length]
    const path = points.map(({ at, value }) => `${xOf(at).toFixed(1)},${yOf(value).toFixed(1)}`).join(' ')
    const [x, y] = [8 + (at % 3) * ((width - 8) / 3), height - 8 - (legendRows - 1 - Math.floor(at / 3)) * LEGEND]
    const last = formatted(points.at(-1)?.value ?? 0, unit)
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>
<rect x="${x}" y="${y - 8}" width="10" height="3" fill="${colour}"/><text x="${x + 14}" y="${y - 3}" font-size="9">${escaped(`${legend} ${last}`.trim())}</text>`
  })
  const empty = lines.length === 0 ? `<text x="${width / 2}" y="${height / 2}" text-anchor="middle">no data</text>` : ''
  return [...axes, ...drawn, empty].join('\n')
}

function formatted(value: number, unit: string): string {
  const plain = (number: number) => Number(number.toPrecision(3)).toString()
  switch (unit) {
    case 'percentunit':
      return `${plain(value * 100)} %`
    case 'bytes':
      return `${plain(value / 2 ** 20)} MiB`
    case 'reqps':
      return `${plain(value)} /s`
    case 's':
      return value < 1 ? `${plain(value * 1000)} ms` : `${plain(value)} s`
    case 'dtdurations':
      return Math.abs(value) < 86_400 ? `${plain(value)} s` : `${plain(value / 86_400)} d`
    default:
      return plain(value)
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
