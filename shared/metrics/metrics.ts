// Counters, gauges and histograms, declared in one place per appliance.
export type Labels = { readonly [name: string]: string }

export interface Counter {
  inc(labels?: Labels, by?: number): void
}

export interface Gauge {
  set(value: number, labels?: Labels): void
}

export interface Histogram {
  observe(value: number, labels?: Labels): void
}

/** Names follow OpenMetrics: `cairn_store_commits`, units last (`_seconds`, `_bytes`); `_total` is added on output. */
export interface Metrics {
  counter(name: string, help: string): Counter
  gauge(name: string, help: string, read?: () => number): Gauge
  histogram(name: string, help: string, buckets: readonly number[]): Histogram
}

export const silentMetrics: Metrics = {
  counter: () => ({ inc: () => {} }),
  gauge: () => ({ set: () => {} }),
  histogram: () => ({ observe: () => {} }),
}
