// Durations and sizes as people write them: `60s`, `1h30m`, `64 MB`, `16 KiB`.

/** Milliseconds; undefined when the text is no duration. Units: ms s m h d, also joined: `1h30m`. */
export function parseDuration(text: string): number | undefined {
  if (text.length > TEXT_LIMIT) return undefined
  if (!/^(?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)\s*)+$/.test(text)) return undefined
  let totalMs = 0
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)/g)) {
    totalMs += Number(amount) * (MILLISECONDS[unit] ?? Number.NaN)
  }
  const rounded = Math.round(totalMs)
  return Number.isSafeInteger(rounded) ? rounded : undefined
}

/** Bytes; undefined when the text is no size. kB MB GB count in thousands, KiB MiB GiB in 1024s. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|kB|KB|MB|GB|KiB|MiB|GiB)$/.exec(text)
  if (match === null) return undefined
  const [, amount, unit = ''] = match
  const bytes = Math.round(Number(amount) * (BYTES[unit] ?? Number.NaN))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest exact form, for messages: `1500` → `1500ms`, `90000` → `90s`. */
export function formatDuration(durationMs: number): string {
  const unit = ['d', 'h', 'm', 's'].find((u) => durationMs % (MILLISECONDS[u] ?? 1) === 0) ?? 'ms'
  return `${durationMs === 0 ? 0 : durationMs / (MILLISECONDS[unit] ?? 1)}${unit}`
}

export function formatSize(bytes: number): string {
  const unit = ['GiB', 'GB', 'MiB', 'MB', 'KiB', 'kB'].find((u) => bytes % (BYTES[u] ?? 1) === 0)
  return bytes === 0 || unit === undefined ? `${bytes} B` : `${bytes / (BYTES[unit] ?? 1)} ${unit}`
}

/** Nobody writes a duration in more characters. */
const TEXT_LIMIT = 40

const MILLISECONDS: { readonly [unit: string]: number } = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const BYTES: { readonly [unit: string]: number } = {
  B: 1,
  kB: 1_000,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
}
