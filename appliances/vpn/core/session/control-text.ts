// Control messages through TLS: texts with a zero octet at their end, PUSH_REPLY split over several where it is long.

/** Octets of one message, its zero included. */
const MESSAGE_LIMIT = 1024
/** Unfinished text that is kept. */
const PENDING_LIMIT = 4096

/** Splits what comes of TLS into messages. */
export class ControlTexts {
  #pending = ''

  /** Undefined when a message is longer than any may be. */
  take(octets: Uint8Array): readonly string[] | undefined {
    const parts = (this.#pending + Buffer.from(octets).toString('utf8')).split('\0')
    this.#pending = parts.pop()!
    if (this.#pending.length > PENDING_LIMIT) return undefined
    // Some peers end lines as well as messages.
    return parts.map((part) => part.replace(/[\r\n]+$/, '')).filter((part) => part !== '')
  }
}

export function encodeText(text: string): Uint8Array {
  return Buffer.from(`${text}\0`)
}

/** Whether a message is what it seems to be when it is printed. */
export function isPrintable(text: string): boolean {
  return !/[\u0000-\u001f\u007f]/.test(text)
}

/** PUSH_REPLY messages for `options`, in order; each but the last says that more comes. */
export function pushReplies(options: readonly string[]): readonly string[] {
  const room = MESSAGE_LIMIT - 'PUSH_REPLY,push-continuation 2'.length - 1
  const parts: string[][] = [[]]
  let used = 0
  for (const option of options) {
    const octets = Buffer.byteLength(option) + 1
    if (used + octets > room && used > 0) {
      parts.push([])
      used = 0
    }
    parts.at(-1)!.push(option)
    used += octets
  }
  if (parts.length === 1) return [['PUSH_REPLY', ...parts[0]!].join(',')]
  return parts.map((part, i) => {
    const more = `push-continuation ${i === parts.length - 1 ? 1 : 2}`
    return ['PUSH_REPLY', ...part, more].join(',')
  })
}
