// The lines of a list with their numbers, without a copy of the whole.

/** Much longer than any line that says something; a piece is a string for as long as it is looked at. */
const PIECE_OCTETS = 65_536
const NEWLINE = 10

/** One character an octet: what is not ASCII is refused where it is more than a comment. Lines count from 1. */
export function* eachLine({
  buffer,
  byteOffset,
  length,
}: Uint8Array): Generator<readonly [text: string, line: number]> {
  const octets = Buffer.from(buffer, byteOffset, length)
  // Some editors begin a file with U+FEFF.
  let start = octets.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0
  let line = 1
  while (start < octets.length) {
    const cut = octets.lastIndexOf(NEWLINE, start + PIECE_OCTETS - 1)
    const next = cut >= start ? cut : octets.indexOf(NEWLINE, start)
    const end = next < 0 ? octets.length : next + 1
    const piece = octets.toString('latin1', start, end)
    for (let at = 0; at < piece.length; line++) {
      const stop = piece.indexOf('\n', at)
      yield [piece.slice(at, stop < 0 ? piece.length : stop), line]
      at = stop < 0 ? piece.length : stop + 1
    }
    start = end
  }
}

const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf)
