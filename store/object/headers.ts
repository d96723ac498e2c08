// The form commits and tags share: header lines, an empty line, the message. Lossless: joining gives back what was split.
//
// Text is latin1, one character per byte, because old commits are in any encoding.

/** Before the message: room for a merge of twenty thousand parents, or for many signed tags. */
export const HEADERS_LIMIT_BYTES = 1_000_000

export type Header = readonly [key: string, value: string]

export type HeadedObject = {
  /** In their order; the lines of a folded value are joined by \n. */
  readonly headers: readonly Header[]
  readonly message: Uint8Array
  /** The object ends with its headers, without even the empty line. Git takes it and never writes it. */
  readonly bare?: true
}

/** undefined when a line is no header, holds a NUL, or the last one does not end; and beyond HEADERS_LIMIT_BYTES. */
export function splitHeaders(bytes: Uint8Array): HeadedObject | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const blank = buffer.indexOf('\n\n')
  const end = blank < 0 ? buffer.length - 1 : blank
  if (end < 0 || end > HEADERS_LIMIT_BYTES || buffer[end] !== LINE_FEED) return undefined
  const text = buffer.toString('latin1', 0, end)
  if (text.includes('\0')) return undefined
  const headers: [key: string, value: string][] = []
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ')
    const last = headers.at(-1)
    if (space > 0) headers.push([line.slice(0, space), line.slice(space + 1)])
    else if (space === 0 && last !== undefined) last[1] += line.replace(' ', '\n')
    else return undefined
  }
  if (blank < 0) return { headers, message: Buffer.alloc(0), bare: true }
  return { headers, message: buffer.subarray(blank + 2) }
}

export function joinHeaders({ headers, message, bare }: HeadedObject): Uint8Array {
  const lines = headers.map(([key, value]) => `${key} ${value.replaceAll('\n', '\n ')}\n`)
  if (bare !== true) lines.push('\n')
  return Buffer.concat([Buffer.from(lines.join(''), 'latin1'), message])
}

const LINE_FEED = 0x0a
