/** The dashboard for Grafana: what is asked, what is refused and why, what it costs, and what will end soon. */

/** The unit of a panel, as Grafana calls it. */
type Unit = 'short' | 'reqps' | 's' | 'percentunit' | 'bytes' | 'dtdurations'

type Query = { readonly expr: string; readonly legend: string }

type Panel = {
  readonly title: string
  readonly says: string
  /** `stat`: one number, now. `timeseries`: lines over time. */
  readonly type: 'stat' | 'timeseries'
  readonly unit: Unit
  /** Of 24 columns. */
  readonly width: number
  readonly queries: readonly Query[]
}

const STAT_HEIGHT = 4
const LINES_HEIGHT = 8
const COLUMNS = 24

/** The interval that Grafana chooses for the resolution of a picture. */
const RATE = '[$__rate_interval]'

const PANELS: readonly Panel[] = [
  stat('Ready', 'Replicas that can judge.', 'short', 'sum(shedu_ready)'),
  stat('Reviews', 'All that was asked, a second.', 'reqps', `sum(rate(shedu_admissions_total${RATE}))`),
  stat(
    'Not decided',
    'Share of reviews that were closed because the world did not answer.',
    'percentunit',
    `sum(rate(shedu_admissions_total{outcome="undecided"}${RATE})) / sum(rate(shedu_admissions_total${RATE}))`,
  ),
  stat('Policies', 'As many as the replica has that knows least.', 'short', 'min(shedu_policies)'),
  stat('Trust roots', 'As many as the replica has that knows least.', 'short', 'min(shedu_trust_roots)'),
  stat(
    'Certificate ends in',
    'The serving certificate that ends first.',
    'dtdurations',
    'min(shedu_certificate_expiry_timestamp_seconds) - time()',
  ),
  lines('Admissions by outcome', 'All but allow are closed.', { unit: 'reqps', width: 12 }, [
    { expr: `sum by (outcome) (rate(shedu_admissions_total${RATE}))`, legend: '{{outcome}}' },
  ]),
  lines('Refusals by code', 'What the codes mean: docs/codes.md.', { unit: 'reqps', width: 12 }, [
    { expr: `sum by (code) (rate(shedu_objections_total${RATE})) > 0`, legend: '{{code}}' },
  ]),
  lines('Latency of an admission', 'From the arrival of a review to its answer.', { unit: 's', width: 12 }, [
    ...quantiles('shedu_admission_duration_seconds', 'review'),
  ]),
  lines('Reviews in flight, tags pinned', 'What is being worked on.', { unit: 'short', width: 12 }, [
    { expr: 'sum by (review) (shedu_admissions_in_flight)', legend: '{{review}}' },
    { expr: `sum by (result) (rate(shedu_pins_total${RATE}))`, legend: 'tags {{result}}, a second' },
  ]),
  lines('Cache', 'Findings that were needed, by where they came from.', { unit: 'reqps', width: 8 }, [
    { expr: `sum by (tier, result) (rate(shedu_cache_lookups_total${RATE}))`, legend: '{{tier}} {{result}}' },
  ]),
  lines('Findings', 'What was found out about images.', { unit: 'reqps', width: 8 }, [
    { expr: `sum by (kind) (rate(shedu_findings_total${RATE}))`, legend: '{{kind}}' },
  ]),
  lines(
    'Requests to registries',
    'A 404 is what an image without signatures looks like.',
    { unit: 'reqps', width: 8 },
    [{ expr: `sum by (outcome) (rate(shedu_registry_requests_total${RATE}))`, legend: '{{outcome}}' }],
  ),
  lines('Latency of registries', 'One request, to the last byte of its answer.', { unit: 's', width: 8 }, [
    ...quantiles('shedu_registry_request_duration_seconds'),
  ]),
  lines('Verifying', 'One artefact, waiting for a turn included, 99th percentile.', { unit: 's', width: 8 }, [
    {
      expr: `histogram_quantile(0.99, sum by (le, kind, place) (rate(shedu_verify_duration_seconds_bucket${RATE})))`,
      legend: '{{kind}} {{place}}',
    },
  ]),
  lines(
    'Verifier and event loop',
    'What waits for a thread, and by how much everything is late.',
    { unit: 'short', width: 8 },
    [
      { expr: 'sum(shedu_verifier_queue)', legend: 'waiting' },
      { expr: 'max(shedu_event_loop_delay_p99_seconds)', legend: 'event loop late, s' },
    ],
  ),
  lines(
    'Policies of the cluster',
    'Those that are not valid, and since when all are known.',
    { unit: 'short', width: 8 },
    [
      { expr: 'max by (in_place) (shedu_policies_invalid)', legend: 'not valid: {{in_place}}' },
      { expr: 'max(shedu_policies_stale_seconds)', legend: 'stale for, s' },
    ],
  ),
  lines(
    'Trust roots',
    'When the first of their keys ends, and changes that could not be taken.',
    { unit: 'dtdurations', width: 8 },
    [
      { expr: 'min(shedu_trust_roots_expiry_timestamp_seconds > 0) - time()', legend: 'first end in' },
      { expr: 'time() - max(shedu_trust_roots_since_timestamp_seconds > 0)', legend: 'in force for' },
      { expr: 'sum(increase(shedu_trust_root_reloads_total{result="failed"}[1h]))', legend: 'failed in an hour' },
    ],
  ),
  lines('Kubernetes', 'Events that were dropped, and what the reconcilers do.', { unit: 'reqps', width: 8 }, [
    { expr: `sum(rate(shedu_events_dropped_total${RATE}))`, legend: 'events dropped' },
    { expr: `sum by (outcome) (rate(shedu_reconciles_total${RATE}))`, legend: 'reconciles {{outcome}}' },
    { expr: 'sum(shedu_leader)', legend: 'leaders' },
  ]),
  lines('Memory', 'Resident, of each replica.', { unit: 'bytes', width: 8 }, [
    { expr: 'process_resident_memory_bytes{job=~"$job"}', legend: '{{instance}}' },
  ]),
  lines('Processor', 'Cores in use, of each replica.', { unit: 'short', width: 8 }, [
    { expr: `rate(process_cpu_seconds_total{job=~"$job"}${RATE})`, legend: '{{instance}}' },
  ]),
  lines(
    'Age of signatures',
    'How long ago what was proven had been signed. Much older than usual: somebody may have brought back an old image under a tag.',
    { unit: 's', width: 8 },
    [...quantiles('shedu_proof_age_seconds')],
  ),
]

/** The dashboard as Grafana imports it; the source of the metrics is chosen there. */
export function makeDashboard(): object {
  return {
    uid: 'shedu',
    title: 'Shedu',
    description: 'An admission gate: what is asked, what is refused and why, what it costs, and what will end soon.',
    tags: [],
    schemaVersion: 39,
    version: 1,
    editable: true,
    time: { from: 'now-1h', to: 'now' },
    refresh: '30s',
    templating: {
      list: [
        { name: 'source', label: 'Prometheus', type: 'datasource', query: 'prometheus' },
        {
          name: 'job',
          type: 'query',
          datasource: SOURCE,
          query: { query: 'label_values(shedu_ready, job)', refId: 'job' },
          includeAll: true,
          multi: true,
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: placed(PANELS),
  }
}

const SOURCE = { type: 'prometheus', uid: '${source}' }

/** Fills rows from the left; a row is as high as its panels, which are all of one height. */
function placed(panels: readonly Panel[]): readonly object[] {
  let [x, y, row] = [0, 0, 0]
  return panels.map(({ title, says, type, unit, width, queries }, at) => {
    const height = type === 'stat' ? STAT_HEIGHT : LINES_HEIGHT
    if (x + width > COLUMNS) [x, y] = [0, y + row]
    const gridPos = { x, y, w: width, h: height }
    ;[x, row] = [x + width, height]
    return {
      id: at + 1,
      title,
      description: says,
      type,
      datasource: SOURCE,
      gridPos,
      fieldConfig: { defaults: { unit, ...(type === 'stat' ? {} : { min: 0 }) }, overrides: [] },
      targets: queries.map(({ expr, legend }, query) => ({
        refId: 'ABCDEFGH'.charAt(query),
        datasource: SOURCE,
        expr,
        legendFormat: legend,
      })),
    }
  })
}

function stat(title: string, says: string, unit: Unit, expr: string): Panel {
  return { title, says, type: 'stat', unit, width: 4, queries: [{ expr, legend: '' }] }
}

function lines(title: string, says: string, shape: Pick<Panel, 'unit' | 'width'>, queries: readonly Query[]): Panel {
  return { title, says, type: 'timeseries', ...shape, queries }
}

function quantiles(histogram: string, label?: string): readonly Query[] {
  const by = label === undefined ? 'le' : `le, ${label}`
  const who = label === undefined ? '' : `{{${label}}} `
  return [0.5, 0.99].map(share => ({
    expr: `histogram_quantile(${share}, sum by (${by}) (rate(${histogram}_bucket${RATE})))`,
    legend: `${who}p${share * 100}`,
  }))
}
