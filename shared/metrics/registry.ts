// Every metric of an appliance in memory, and how it reads: OpenMetrics 1.0 text and Influx line protocol.
import { Bug } from '../result/result.ts'
import type { Counter, Gauge, Histogram, Labels, Metrics } from './metrics.ts'

/** Label sets one metric may have; any further one is counted under `other`, so that no peer can fill the memory. */
export const SERIES_LIMIT = 500

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

type Kind = 'counter' | 'gauge' | 'histogram'

type Series = {
  readonly labels: Labels
  value: number
  /** Histograms: observations per bucket (not added up), the last one above every bound. */
  readonly counts: number[]
}

type Family = {
  readonly kind: Kind
  readonly name: string
  readonly help: string
  readonly buckets: readonly number[]
  readonly read: (() => number) | undefined
  readonly series: Map<string, Series>
}

export class Registry implements Metrics {
  readonly #families = new Map<string, Family>()

  /**
   * Declaring the same metric again gives the same one; with another kind it is a bug. With `read` the value is asked
   * for whenever the metrics are looked at; it must never go back.
   */
  counter(name: string, help: string, read?: () => number): Counter {
    const family = this.#declare({ kind: 'counter', name, help, buckets: [], read })
    return {
      inc(labels = NO_LABELS, by = 1) {
        if (!(by >= 0)) throw new Bug(`The counter ${name} cannot grow by ${by}`)
        seriesOf(family, labels).value += by
      },
    }
  }

  gauge(name: string, help: string, read?: () => number): Gauge {
    const family = this.#declare({ kind: 'gauge', name, help, buckets: [], read })
    return {
      set(value, labels = NO_LABELS) {
        seriesOf(family, labels).value = value
      },
    }
  }

  /** `buckets` are upper bounds, rising; the one for everything is added. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    if (buckets.some((bound, i) => !(bound > (buckets[i - 1] ?? -Infinity)))) {
      throw new Bug(`The buckets of ${name} do not rise`)
    }
    const family = this.#declare({ kind: 'histogram', name, help, buckets, read: undefined })
    return {
      observe(value, labels = NO_LABELS) {
        const series = seriesOf(family, labels)
        const found = buckets.findIndex((bound) => value <= bound)
        const index = found === -1 ? buckets.length : found
        series.counts[index] = (series.counts[index] ?? 0) + 1
        series.value += value
      },
    }
  }

  /** The whole exposition with its end mark; serve it as `OPEN_METRICS_TYPE`. */
  openMetrics(): string {
    const lines: string[] = []
    for (const family of this.#families.values()) {
      const { name, kind, help } = family
      const [, unit] = /_(seconds|bytes|ratio)$/.exec(name) ?? []
      lines.push(`# TYPE ${name} ${kind}`)
      if (unit !== undefined) lines.push(`# UNIT ${name} ${unit}`)
      lines.push(`# HELP ${name} ${escapeText(help)}`)
      for (const series of current(family)) lines.push(...samples(family, series))
    }
    return `${[...lines, '# EOF'].join('\n')}\n`
  }

  /** One line per series, without a timestamp: the receiver's clock counts. Empty when there is nothing to say. */
  influxLines(): string {
    const lines: string[] = []
    for (const family of this.#families.values()) {
      for (const series of current(family)) {
        const tags = Object.entries(series.labels)
          .filter(([, value]) => value !== '')
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, value]) => `,${name}=${escapeTag(value)}`)
        const fields = influxFields(family, series)
        if (fields !== '') lines.push(`${family.name}${tags.join('')} ${fields}\n`)
      }
    }
    return lines.join('')
  }

  #declare(wanted: Omit<Family, 'series'>): Family {
    const known = this.#families.get(wanted.name)
    if (known !== undefined) {
      if (known.kind !== wanted.kind) throw new Bug(`${wanted.name} is a ${known.kind} already`)
      // A reader belongs to whoever declared last: a part that was restarted reads its new state.
      if (wanted.read === undefined) return known
    } else if (
      !/^[a-z][a-z0-9_]*$/.test(wanted.name) ||
      /_(?:total|count|sum|bucket)$/.test(wanted.name)
    ) {
      throw new Bug(`${wanted.name} is no name for a metric`)
    }
    const family = { ...wanted, series: known?.series ?? new Map<string, Series>() }
    this.#families.set(wanted.name, family)
    return family
  }
}

function seriesOf(family: Family, labels: Labels): Series {
  const key = labels === NO_LABELS ? '' : seriesKey(labels)
  const known = family.series.get(key)
  if (known !== undefined) return known
  const isFull = family.series.size >= SERIES_LIMIT
  const kept = isFull ? Object.fromEntries(Object.keys(labels).map((n) => [n, 'other'])) : labels
  const keptKey = isFull ? seriesKey(kept) : key
  const other = family.series.get(keptKey)
  if (other !== undefined) return other
  for (const name of Object.keys(labels)) {
    if (!/^[a-z][a-z0-9_]*$/.test(name) || name === 'le')
      throw new Bug(`${name} is no name for a label`)
  }
  const counts = family.kind === 'histogram' ? Array<number>(family.buckets.length + 1).fill(0) : []
  const series: Series = { labels: { ...kept }, value: 0, counts }
  family.series.set(keptKey, series)
  return series
}

/** Labels in any order name the same series. */
function seriesKey(labels: Labels): string {
  const names = Object.keys(labels)
  if (names.length > 1) names.sort()
  return names.map((name) => `${name}\u0000${labels[name] ?? ''}`).join('\u0000')
}

function current(family: Family): Iterable<Series> {
  if (family.read === undefined) return family.series.values()
  return [{ labels: NO_LABELS, value: family.read(), counts: [] }]
}

function samples(family: Family, series: Series): string[] {
  const { name, kind } = family
  const labels = labelText(series.labels)
  if (kind === 'gauge') return [`${name}${braced(labels)} ${numberText(series.value)}`]
  if (kind === 'counter') return [`${name}_total${braced(labels)} ${numberText(series.value)}`]
  let count = 0
  const buckets = series.counts.map((n, i) => {
    count += n
    const le = `le="${boundText(family.buckets[i] ?? Infinity)}"`
    return `${name}_bucket${braced([...labels, le])} ${count}`
  })
  return [
    ...buckets,
    `${name}_count${braced(labels)} ${count}`,
    `${name}_sum${braced(labels)} ${numberText(series.value)}`,
  ]
}

function influxFields(family: Family, series: Series): string {
  // Influx knows no infinities.
  if (!Number.isFinite(series.value)) return ''
  if (family.kind === 'gauge') return `value=${series.value}`
  if (family.kind === 'counter') return `total=${series.value}`
  let count = 0
  const buckets = series.counts.map((n, i) => {
    count += n
    return `le_${boundText(family.buckets[i] ?? Infinity)}=${count}`
  })
  return [...buckets, `count=${count}`, `sum=${series.value}`].join(',')
}

function labelText(labels: Labels): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}="${escapeText(value)}"`)
}

function braced(labels: readonly string[]): string {
  return labels.length === 0 ? '' : `{${labels.join(',')}}`
}

function escapeText(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** Line protocol has no way to write a newline in a tag, and a backslash before a comma would hide it. */
function escapeTag(text: string): string {
  return text.replaceAll(/[\p{Cc}\\]/gu, '_').replaceAll(/[,= ]/g, (c) => `\\${c}`)
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}

/** OpenMetrics wants bounds written as floats: `1.0`. */
function boundText(bound: number): string {
  const text = numberText(bound)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

const NO_LABELS: Labels = {}
