/** Makes the series of a declared metric in a registry: all of them at once, at zero, to be reached without a look-up. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Metric } from './metrics.ts'

type Child<M extends Metric> = M['type'] extends 'counter'
  ? Pick<Counter.Internal, 'inc'>
  : M['type'] extends 'gauge'
    ? Pick<Gauge.Internal<string>, 'inc' | 'set'>
    : Pick<Histogram.Internal<string>, 'observe'>

type Values<L> = L extends { readonly values: readonly (infer V extends string)[] } ? V : never

/** A child where there is no label, a record of them by the values of one, records in a record for two. */
type Series<M extends Metric> = M['labels'] extends readonly [infer A, infer B]
  ? Readonly<Record<Values<A>, Readonly<Record<Values<B>, Child<M>>>>>
  : M['labels'] extends readonly [infer A]
    ? Readonly<Record<Values<A>, Child<M>>>
    : Child<M>

/** Declares it. A series that appears only with its first event has no rate for that event; hence the zeros. */
export function makeSeries<const M extends Metric>(registry: Registry, metric: M): Series<M> {
  const made = declare(registry, metric)
  const at = (values: readonly string[]): unknown => {
    const label = metric.labels[values.length]
    if (label === undefined) return childOf(made, metric, values)
    return Object.fromEntries(label.values.map(value => [value, at([...values, value])]))
  }
  return at([]) as Series<M>
}

/** Declares one without labels whose number grows by itself: it is asked for at each scrape. Returns whom to ask; before that it is 0. */
export function makeAsked(registry: Registry, metric: Metric<readonly []>): (ask: () => number) => void {
  let ask = () => 0
  const { type, name, help } = metric
  const options = { name, help, registers: [registry] }
  const made: Counter | Gauge =
    type === 'counter'
      ? new Counter({
          ...options,
          collect() {
            this.reset()
            this.inc(ask())
          },
        })
      : new Gauge({
          ...options,
          collect() {
            this.set(ask())
          },
        })
  made.reset()
  return other => {
    ask = other
  }
}

function declare(registry: Registry, { type, name, help, labels, buckets = [] }: Metric): Counter | Gauge | Histogram {
  const options = { name, help, labelNames: labels.map(label => label.name), registers: [registry] }
  if (type === 'counter') return new Counter(options)
  return type === 'gauge' ? new Gauge(options) : new Histogram({ ...options, buckets: [...buckets] })
}

function childOf(made: Counter | Gauge | Histogram, { labels }: Metric, values: readonly string[]) {
  const named = Object.fromEntries(labels.map(({ name }, at) => [name, values[at] ?? '']))
  if (made instanceof Histogram) made.zero(named)
  else made.inc(named, 0)
  return made.labels(named)
}
