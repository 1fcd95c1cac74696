/** The dashboard and the alert rules speak of metrics that there are, by the labels that they have; and the rules fire when they should. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { type Metrics, makeMetrics } from '#core/runtime/make-metrics.ts'
import { type Metric, RECONCILER_METRICS, WEBHOOK_METRICS } from '#core/runtime/metrics.ts'
import { makeReconcilerMetrics, type ReconcilerMetrics } from '#core/runtime/reconciler-metrics.ts'
import { type Dashboard, withoutVariables } from '#test/support/draw-dashboard.ts'
import { evaluate, readScrape, type Scrape } from '#test/support/promql-evaluate.ts'
import { groupingsOf, parsePromql, selectorsOf } from '#test/support/promql-parse.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

type Rule = {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<string, string>>
}

const dashboard = JSON.parse(read('manifests/dashboards/shedu.json')) as Dashboard
const { groups } = parse(read('manifests/alerts/shedu.yaml')) as { groups: readonly { rules: readonly Rule[] }[] }
const rules = groups.flatMap(({ rules }) => rules)
const queries = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ what: title, expr })))
const expressions = [...queries, ...rules.map(({ alert, expr }) => ({ what: alert, expr }))]

/** Labels that whoever scrapes adds, and metrics that the library declares for every process. */
const OF_SCRAPING = ['job', 'instance', 'namespace', 'pod']
const OF_PROCESSES = ['process_resident_memory_bytes', 'process_cpu_seconds_total']

const DECLARED: readonly Metric[] = [...Object.values(WEBHOOK_METRICS), ...Object.values(RECONCILER_METRICS)]

/** A name in a scrape, with its labels and their values; a histogram has three. */
const SERIES: ReadonlyMap<string, ReadonlyMap<string, readonly string[] | undefined>> = new Map<
  string,
  ReadonlyMap<string, readonly string[] | undefined>
>(
  DECLARED.flatMap(({ type, name, labels }) => {
    const known = new Map<string, readonly string[] | undefined>(labels.map(({ name, values }) => [name, values]))
    if (type !== 'histogram') return [[name, known] as const]
    return [
      [`${name}_bucket`, new Map([...known, ['le', undefined] as const])] as const,
      [`${name}_count`, known] as const,
      [`${name}_sum`, known] as const,
    ]
  }),
)

/** What is wrong with the metrics and labels that an expression names. */
function complaintsOf(expr: string): readonly string[] {
  const parsed = parsePromql(withoutVariables(expr))
  const grouped = groupingsOf(parsed).flatMap(({ by, of }) =>
    selectorsOf(of).flatMap(({ metric }) =>
      by.filter(label => SERIES.get(metric)?.has(label) !== true).map(label => `${metric} by ${label}`),
    ),
  )
  return [...selectorsOf(parsed).flatMap(complaintsAbout), ...grouped]
}

function complaintsAbout({ metric, matchers }: ReturnType<typeof selectorsOf>[number]): readonly string[] {
  const labels = SERIES.get(metric)
  if (labels === undefined && !OF_PROCESSES.includes(metric)) return [metric]
  return matchers
    .filter(({ label }) => !OF_SCRAPING.includes(label))
    .flatMap(({ label, op, value }) =>
      (op.endsWith('~') ? value.split('|') : [value])
        .filter(one => labels?.get(label)?.includes(one) !== true)
        .map(one => `${metric} {${label}="${one}"}`),
    )
}

t.test('every expression can be read, and names metrics and labels that there are', async t => {
  t.ok(expressions.length > 40)
  for (const { what, expr } of expressions) t.strictSame(complaintsOf(expr), [], what)
  t.strictSame(complaintsOf('sum by (who) (shedu_ready{a="b"}) > shedu_nothing'), [
    'shedu_ready {a="b"}',
    'shedu_nothing',
    'shedu_ready by who',
  ])
})

t.test('legends name labels that are left', async t => {
  for (const { title, targets } of dashboard.panels) {
    for (const { expr, legendFormat } of targets) {
      const grouped = groupingsOf(parsePromql(withoutVariables(expr)))[0]?.by ?? OF_SCRAPING
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
        t.ok(grouped.includes(label), `${title}: ${label}`)
    }
  }
})

t.test('every metric of ours is on the dashboard', async t => {
  const shown = new Set(
    queries.flatMap(({ expr }) => selectorsOf(parsePromql(withoutVariables(expr)))).map(one => one.metric),
  )
  const hidden = DECLARED.filter(({ name, type }) => !shown.has(type === 'histogram' ? `${name}_bucket` : name))
  t.strictSame(
    hidden.map(({ name }) => name),
    [],
  )
})

t.test('no panel lies on another, or beside the grid', async t => {
  const taken = new Set<string>()
  for (const { title, gridPos } of dashboard.panels) {
    t.ok(gridPos.x + gridPos.w <= 24, title)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        t.notOk(taken.has(`${x} ${y}`), title)
        taken.add(`${x} ${y}`)
      }
    }
  }
})

t.test('every rule says what is wrong, how bad it is and what to do, and docs/sight.md says it too', async t => {
  const page = read('docs/sight.md')
  const documented = [...page.matchAll(/^\| `(Shedu\w+)` \| (\w+) \| (.+) \| (.+) \|$/gm)]
  t.strictSame(
    documented.map(([, alert, severity, summary, remedy]) => [alert, severity, summary, remedy]),
    rules.map(({ alert, labels, annotations }) => [
      alert,
      labels.severity,
      annotations['summary'],
      annotations['remedy'],
    ]),
  )
  for (const { alert, labels, annotations } of rules) {
    t.ok(['critical', 'warning', 'info'].includes(labels.severity), alert)
    t.equal(annotations['runbook'], 'docs/sight.md#alerts', alert)
  }
})

type Gate = { readonly webhook: Metrics; readonly reconcilers: ReconcilerMetrics }

const NOW = 1_800_000_000
const DAY = 86_400

/** A gate that has judged well, before anything happens to it. */
function healthy({ webhook, reconcilers }: Gate): void {
  webhook.ready(true)
  webhook.policies(3)
  webhook.certificateEnds(new Date((NOW + 20 * DAY) * 1000))
  webhook.trustRootsTaken(1, new Date((NOW - DAY) * 1000), () => (NOW + 90 * DAY) * 1000)
  webhook.policiesStale(() => 20_000)
  webhook.eventLoopDelay(() => 5)
  for (let review = 0; review < 100; review++) {
    webhook.decided('validate', review % 10 === 0 ? 'deny' : 'allow', review % 10 === 0 ? ['image.unsigned'] : [], 4)
    webhook.requested('ok', 20)
    webhook.requested('not-found', 20)
  }
  reconcilers.leads(true)
  reconcilers.reconciled('cluster-image-policy', 'settled')
}

const times = (count: number, work: () => void) => {
  for (let time = 0; time < count; time++) work()
}

/** What makes each rule fire; done after the healthy gate has been scraped once. */
const SICK: Readonly<Record<string, (gate: Gate) => void>> = {
  SheduNotReady: ({ webhook }) => webhook.ready(false),
  SheduReplicaNotReady: ({ webhook }) => webhook.ready(false),
  SheduFailing: ({ webhook }) => webhook.decided('validate', 'failed', ['internal.error'], 1),
  SheduUnreadableReviews: ({ webhook }) => webhook.decided('mutate', 'invalid', [], 1),
  SheduUndecided: ({ webhook }) =>
    times(20, () => webhook.decided('validate', 'undecided', ['registry.unreachable'], 9)),
  SheduSlow: ({ webhook }) => times(10, () => webhook.decided('validate', 'allow', [], 9000)),
  SheduRegistryUnreachable: ({ webhook }) => times(200, () => webhook.requested('unreachable', 5000)),
  SheduRegistryThrottled: ({ webhook }) => webhook.requested('throttled', 5),
  SheduVerifierBusy: ({ webhook }) => webhook.verifierQueue(() => 101),
  SheduEventLoopLate: ({ webhook }) => webhook.eventLoopDelay(() => 500),
  SheduPoliciesInvalid: ({ webhook }) => webhook.invalidPolicies('refusing', 1),
  SheduPoliciesStale: ({ webhook }) => webhook.policiesStale(() => 301_000),
  SheduTrustRootsRefused: ({ webhook }) => webhook.trustRootsFailed(),
  SheduTrustRootEnds: ({ webhook }) => webhook.trustRootsTaken(1, new Date(NOW), () => (NOW + 13 * DAY) * 1000),
  SheduCertificateEnds: ({ webhook }) => webhook.certificateEnds(new Date((NOW + 6 * DAY) * 1000)),
  SheduEventsDropped: ({ webhook }) => webhook.eventsDropped(() => 1),
  SheduNoLeader: ({ reconcilers }) => reconcilers.leads(false),
  SheduReconcileStuck: ({ reconcilers }) => times(4, () => reconcilers.reconciled('cluster-image-policy', 'failed')),
}

/** Names of the rules that fire after this has happened to a healthy gate. */
async function firing(happens: (gate: Gate) => void): Promise<readonly string[]> {
  const gate = { webhook: makeMetrics(), reconcilers: makeReconcilerMetrics() }
  const scrape = async (at: number): Promise<Scrape> => {
    const texts = await Promise.all([gate.webhook.registry.metrics(), gate.reconcilers.registry.metrics()])
    return readScrape(texts.join('\n'), at, { instance: 'pod-0' })
  }
  const scrapes = [await scrape(NOW - 300)]
  healthy(gate)
  scrapes.push(await scrape(NOW - 60))
  happens(gate)
  healthy({
    ...gate,
    webhook: { ...gate.webhook, ...UNTOUCHED },
    reconcilers: { ...gate.reconcilers, leads: () => {} },
  })
  scrapes.push(await scrape(NOW))
  return rules.filter(({ expr }) => evaluate(parsePromql(expr), scrapes).length > 0).map(({ alert }) => alert)
}

/** More reviews go on, and change nothing of what has happened. */
const UNTOUCHED: Partial<Metrics> = {
  ready: () => {},
  certificateEnds: () => {},
  trustRootsTaken: () => {},
  policiesStale: () => {},
  eventLoopDelay: () => {},
}

t.test('no rule fires over a healthy gate', async t => {
  t.strictSame(await firing(() => {}), [])
})

t.test('each rule fires over what it is about, and no other does', async t => {
  for (const { alert } of rules.filter(({ alert }) => alert !== 'SheduAbsent')) {
    const happens = SICK[alert]
    const expected = alert.endsWith('NotReady') ? ['SheduNotReady', 'SheduReplicaNotReady'] : [alert]
    t.strictSame(happens === undefined ? 'nothing to try it with' : await firing(happens), expected)
  }
  const [absent] = rules
  t.equal(evaluate(parsePromql(absent?.expr ?? ''), [readScrape('other 1', NOW)]).length, 1)
})
