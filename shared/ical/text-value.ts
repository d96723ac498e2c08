// TEXT values (RFC 5545 section 3.3.11, RFC 6350 section 3.4): escapes, lists, and the fields of a structured value.

/** `\n` and `\N` a line break, `\;`, `\,` and `\\` themselves; any other backslash stands for itself. */
export function parseText(value: string): string {
  if (!value.includes('\\')) return value
  return value.replace(/\\([nN;,\\:"])/g, (_, mark: string) =>
    mark === 'n' || mark === 'N' ? '\n' : mark,
  )
}

export function formatText(text: string): string {
  return text.replace(/[\\;,]/g, '\\$&').replace(/\r?\n/g, '\\n')
}

/** The raw items of a list, `,` or `;` between them: escaped separators do not count. */
export function splitValues(value: string, separator: ',' | ';'): string[] {
  if (!value.includes(separator)) return [value]
  const items: string[] = []
  let start = 0
  for (let at = 0; at < value.length; at++) {
    const mark = value[at]
    if (mark === '\\') at++
    else if (mark === separator) {
      items.push(value.slice(start, at))
      start = at + 1
    }
  }
  items.push(value.slice(start))
  return items
}
