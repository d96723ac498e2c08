// Plain data as indented text that a person reads in a terminal.

/** Deeper parts are written as JSON on one line. */
export const DEPTH_LIMIT = 6

/** `key: value` lines; lists with dashes; what JSON leaves out is left out. No newline at the end. */
export function formatStatus(value: object): string {
  const data: unknown = JSON.parse(JSON.stringify(value))
  return lines(data, 0).join('\n')
}

function lines(value: unknown, depth: number): string[] {
  if (!isNested(value)) return [plain(value)]
  if (depth === DEPTH_LIMIT) return [JSON.stringify(value)]
  if (Array.isArray(value)) {
    return value.flatMap((entry: unknown) => {
      const [first = '', ...rest] = lines(entry, depth + 1)
      return [`- ${first}`, ...rest.map((line) => `  ${line}`)]
    })
  }
  return Object.entries(value).flatMap(([key, entry]) => {
    if (!isNested(entry)) return [`${plain(key)}: ${plain(entry)}`]
    if (Object.keys(entry).length === 0) return [`${plain(key)}: none`]
    return [`${plain(key)}:`, ...lines(entry, depth + 1).map((line) => `  ${line}`)]
  })
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** On one line, and harmless to a terminal. */
function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, ' ')
}
