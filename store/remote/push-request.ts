// The client's side of a push: the commands it sends and the report it reads. gitprotocol-pack(5), "Pushing Data".
import { err, ok, type Result } from '../../shared/result/result.ts'
import { AGENT, type Capabilities } from '../wire/capabilities.ts'
import { decodeAllPackets, encodePacket, FLUSH, type Packet } from '../wire/pkt-line.ts'
import { errorLine, printable } from './advertisement.ts'
import type { PushReport, PushUpdate, RemoteError } from './transport.ts'

/** Lines of the remote's hooks that are kept. */
export const MESSAGE_LIMIT = 50

/** What stands before the pack. Asks only for what `theirs` offers. */
export function encodeCommands(updates: readonly PushUpdate[], theirs: Capabilities): Uint8Array {
  const wished = WISHES.filter((name) => theirs.has(name))
  if (theirs.has('object-format')) wished.push('object-format=sha1')
  // Some servers give up on an agent they did not ask for.
  if (theirs.has('agent')) wished.push(`agent=${AGENT}`)
  let suffix = `\0 ${wished.join(' ')}`
  const lines = updates.map((update) => {
    const line = encodePacket(`${update.old} ${update.new} ${update.name}${suffix}`)
    suffix = ''
    return line
  })
  return Buffer.concat([...lines, FLUSH])
}

/** The whole answer to a push. A remote that reports nothing is believed to have done it. */
export function decodeReport(
  answer: Uint8Array,
  theirs: Capabilities,
): Result<PushReport, RemoteError> {
  const packets = decodeAllPackets(answer)
  if (!packets.ok) return garbage('its report is cut short or no packet lines')
  const banded = theirs.has('side-band-64k')
  const demuxed = banded ? demux(packets.value) : ok({ data: answer, messages: [] })
  if (!demuxed.ok) return demuxed
  const { data, messages } = demuxed.value
  if (!theirs.has('report-status')) return ok({ refused: new Map(), messages })
  const report = decodeAllPackets(data)
  if (!report.ok) return garbage('its report is cut short')
  return readStatus(
    report.value.filter((packet) => packet.kind === 'data'),
    messages,
  )
}

function readStatus(
  packets: readonly { readonly bytes: Uint8Array }[],
  messages: readonly string[],
): Result<PushReport, RemoteError> {
  const [unpack, ...lines] = packets.map(({ bytes }) =>
    Buffer.from(bytes).toString('utf8').replace(/\n$/, ''),
  )
  if (unpack?.startsWith('ERR ') === true) return err(errorLine(unpack))
  if (unpack?.startsWith('unpack ') !== true) return garbage('its report does not say "unpack"')
  if (unpack !== 'unpack ok') {
    const reason = [printable(unpack), ...messages].join('; ')
    return err({ kind: 'refused', name: 'the pack', why: printable(reason) })
  }
  const refused = new Map<string, string>()
  for (const line of lines) {
    const [, name, why] = /^ng (\S+) ?(.*)$/s.exec(line) ?? []
    if (name !== undefined) refused.set(name, printable(why ?? ''))
    else if (!/^(ok|option) /.test(line)) return garbage(`"${printable(line)}" in its report`)
  }
  return ok({ refused, messages })
}

/** Band 1 put together, band 2 as lines; band 3 is the remote's last word. */
function demux(
  packets: readonly Packet[],
): Result<{ data: Uint8Array; messages: readonly string[] }, RemoteError> {
  const data: Uint8Array[] = []
  const text: Uint8Array[] = []
  for (const packet of packets) {
    if (packet.kind !== 'data') continue
    const { bytes } = packet
    if (bytes[0] === 1) data.push(bytes.subarray(1))
    else if (bytes[0] === 2) text.push(bytes.subarray(1))
    else if (bytes[0] === 3) {
      const why = printable(Buffer.from(bytes.subarray(1)).toString('utf8'))
      return err({ kind: 'answer', status: 0, why })
    } else {
      const line = Buffer.from(bytes).toString('utf8')
      return line.startsWith('ERR ') ? err(errorLine(line)) : garbage('an unknown side-band')
    }
  }
  const messages = Buffer.concat(text)
    .toString('utf8')
    .split(/[\r\n]+/)
    .map(printable)
    .filter((line) => line !== '')
  return ok({ data: Buffer.concat(data), messages: messages.slice(0, MESSAGE_LIMIT) })
}

function garbage(why: string): { ok: false; error: RemoteError } {
  return err({ kind: 'garbage', why })
}

const WISHES = ['report-status', 'side-band-64k', 'quiet', 'ofs-delta']
