// Figures beside the peers' own: a table with both and the ratio, and the same as JSON.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'

export type Figure = {
  /** What was measured, e.g. `commits/s, 1 writer`. */
  readonly what: string
  /** On which data, e.g. `n10k`. */
  readonly shape: string
  readonly unit: string
  readonly better: 'more' | 'less'
  /** What it is to reach. */
  readonly target?: number
  readonly ours: number | undefined
  /** By the peer's name; undefined was not measured here. */
  readonly peers: { readonly [name: string]: number | undefined }
}

/** One line per figure. The ratio is against the best peer, and above 1 when we are better. */
export function formatFigures(figures: readonly Figure[]): string {
  const hasTargets = figures.some(({ target }) => target !== undefined)
  const header = [
    'what',
    'shape',
    'cairn',
    ...(hasTargets ? ['target'] : []),
    'best peer',
    'ratio',
    'all peers',
  ]
  const rows = figures.map((figure) => {
    const best = bestPeer(figure)
    const others = Object.entries(figure.peers)
      .map(([name, value]) => `${name} ${formatValue(value)}`)
      .join(', ')
    return [
      `${figure.what} (${figure.unit})`,
      figure.shape,
      formatValue(figure.ours),
      ...(hasTargets ? [formatTarget(figure)] : []),
      best === undefined ? '-' : formatValue(best),
      formatRatio(ratioOf(figure)),
      others === '' ? '-' : others,
    ]
  })
  const widths = header.map((_, n) => Math.max(...[header, ...rows].map((row) => row[n]!.length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, n) => cell.padEnd(widths[n]!))
      .join('  ')
      .trimEnd()
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join(
    '\n',
  )
}

/** How many times better than the best peer; undefined when one side is missing. */
export function ratioOf(figure: Figure): number | undefined {
  const best = bestPeer(figure)
  if (best === undefined || figure.ours === undefined) return undefined
  return figure.better === 'more' ? figure.ours / best : best / figure.ours
}

/** Writes dist/bench/<room>.json with the machine it was measured on, and says where. */
export function saveFigures(room: string, figures: readonly Figure[]): string {
  const folder = join(import.meta.dirname, '..', '..', 'dist', 'bench')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${room}.json`)
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  }
  const measured = { at: new Date().toISOString(), machine, figures }
  writeFileSync(file, `${JSON.stringify(measured, null, 1)}\n`)
  return file
}

/** The middle one; of an even number the upper of the two. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function bestPeer(figure: Figure): number | undefined {
  const values = Object.values(figure.peers).filter((value) => value !== undefined)
  if (values.length === 0) return undefined
  return figure.better === 'more' ? Math.max(...values) : Math.min(...values)
}

/** With a mark where it is missed. */
function formatTarget({ target, ours, better }: Figure): string {
  if (target === undefined) return '-'
  const isMet = ours !== undefined && (better === 'more' ? ours >= target : ours <= target)
  return `${formatValue(target)}${isMet ? '' : ' missed'}`
}

export function formatValue(value: number | undefined): string {
  if (value === undefined) return '-'
  if (value >= 1000) return Math.round(value).toLocaleString('en')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function formatRatio(ratio: number | undefined): string {
  if (ratio === undefined || Number.isNaN(ratio)) return '-'
  if (ratio === Number.POSITIVE_INFINITY) return 'at once'
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(1)}x`
}
