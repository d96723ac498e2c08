// Frame streams (farsightsec.github.io/fstrm), what dnstap is carried in: a length before each payload, and control frames
// behind a length of zero.

export const CONTROL = { ACCEPT: 1, START: 2, STOP: 3, READY: 4, FINISH: 5 } as const

const CONTENT_TYPE = 'protobuf:dnstap.Dnstap'
const FIELD_CONTENT_TYPE = 1
/** As the reference implementation has it. */
const CONTROL_LIMIT_OCTETS = 512

export function dataFrame(payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(4 + payload.length)
  frame.writeUInt32BE(payload.length, 0)
  frame.set(payload, 4)
  return frame
}

/** READY and START say that dnstap follows, STOP says nothing more. */
export function controlFrame(type: number): Buffer {
  const hasContent = type === CONTROL.READY || type === CONTROL.START || type === CONTROL.ACCEPT
  const content = Buffer.from(hasContent ? CONTENT_TYPE : '')
  const length = hasContent ? 12 + content.length : 4
  const frame = Buffer.alloc(8 + length)
  frame.writeUInt32BE(length, 4)
  frame.writeUInt32BE(type, 8)
  if (!hasContent) return frame
  frame.writeUInt32BE(FIELD_CONTENT_TYPE, 12)
  frame.writeUInt32BE(content.length, 16)
  frame.set(content, 20)
  return frame
}

/** The control frame that `bytes` begin with: its type and length; 'bad' when it is none, or accepts another content. */
export function readControlFrame(
  bytes: Buffer,
): { readonly type: number; readonly length: number } | 'more' | 'bad' {
  if (bytes.length < 8) return 'more'
  const size = bytes.readUInt32BE(4)
  if (bytes.readUInt32BE(0) !== 0 || size < 4 || size > CONTROL_LIMIT_OCTETS) return 'bad'
  const length = 8 + size
  if (bytes.length < length) return 'more'
  const contents: string[] = []
  for (let at = 12; at < length;) {
    if (at + 8 > length) return 'bad'
    const end = at + 8 + bytes.readUInt32BE(at + 4)
    if (end > length) return 'bad'
    if (bytes.readUInt32BE(at) === FIELD_CONTENT_TYPE)
      contents.push(bytes.toString('latin1', at + 8, end))
    at = end
  }
  if (contents.length > 0 && !contents.includes(CONTENT_TYPE)) return 'bad'
  return { type: bytes.readUInt32BE(8), length }
}
