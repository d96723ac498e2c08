// The server's side of a push: the commands it asks for and the report it gets. gitprotocol-pack(5), "Pushing Data".
// Not offered: push certificates (signed pushes), shallow updates, other hash algorithms.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { isOid, ZERO_OID, type Oid } from '../object/oid.ts'
import { parseCapabilities, type Capabilities } from './capabilities.ts'
import { decodePackets, encodePacket, FLUSH, type Packet } from './pkt-line.ts'
import { SideBand } from './side-band.ts'

/** ZERO_OID as `old` creates the ref, as `new` deletes it. */
export type Command = { readonly name: string; readonly old: Oid; readonly new: Oid }

export type PushRequest = {
  readonly commands: readonly Command[]
  readonly capabilities: Capabilities
  /** `git push -o …`, as given. */
  readonly options: readonly string[]
  /** Empty when only refs are deleted. */
  readonly pack: Uint8Array
}

export type PushError =
  | { readonly kind: 'malformed'; readonly what: string }
  | { readonly kind: 'too-many'; readonly what: 'commands' | 'push options' }
  | { readonly kind: 'unsupported'; readonly what: string }

export const COMMAND_LIMIT = 1_000
export const PUSH_OPTION_LIMIT = 64

/** The one text per error that a person with a git client reads. */
export function pushErrorText(error: PushError): string {
  switch (error.kind) {
    case 'malformed':
      return `receive-pack: malformed ${error.what}`
    case 'too-many':
      return `receive-pack: too many ${error.what} in one push`
    case 'unsupported':
      return `receive-pack: ${error.what} is not supported`
  }
}

/** Splits a whole push into its parts; undefined when the client asks for nothing (it only tries the connection). */
export function decodePush(body: Uint8Array): Result<PushRequest, PushError> | undefined {
  const head = decodePackets(body)
  if (head === undefined) return malformed('command list')
  if (head.packets.length === 0) return undefined
  const commands: Command[] = []
  let capabilities: Capabilities | undefined
  for (const packet of head.packets) {
    const text = textOf(packet)
    if (text === undefined) return malformed('command')
    if (text.startsWith('shallow ')) continue
    if (text.startsWith('push-cert')) return unsupported('a signed push')
    const nul = text.indexOf('\0')
    const line = nul < 0 ? text : text.slice(0, nul)
    if (nul >= 0) capabilities ??= parseCapabilities(text.slice(nul + 1))
    const command = parseCommand(line)
    if (command === undefined) return malformed('command')
    if (commands.length >= COMMAND_LIMIT) return err({ kind: 'too-many', what: 'commands' })
    commands.push(command)
  }
  capabilities ??= new Map()
  const format = capabilities.get('object-format')?.[0] ?? 'sha1'
  if (format !== 'sha1') return unsupported(`object format ${format}`)
  if (!capabilities.has('push-options')) {
    return ok({ commands, capabilities, options: [], pack: body.subarray(head.end) })
  }
  const tail = decodePackets(body, head.end)
  const options = tail?.packets.map(textOf)
  if (tail === undefined || options === undefined) return malformed('push options')
  if (options.length > PUSH_OPTION_LIMIT) return err({ kind: 'too-many', what: 'push options' })
  const texts = options.filter((text) => text !== undefined)
  if (texts.length < options.length) return malformed('push option')
  return ok({ commands, capabilities, options: texts, pack: body.subarray(tail.end) })
}

export type Report = {
  /** `ok`, or why nothing could be unpacked. */
  readonly unpack: string
  /** Per ref, in the order of the commands; without a reason it was done. */
  readonly refs: readonly { readonly name: string; readonly refused?: string }[]
  /** Lines for the person, shown as `remote: …`. */
  readonly lines: readonly string[]
}

/** The answer to a push, as the client's capabilities have it: in the side-band, bare, or none at all. */
export function* encodeReport(capabilities: Capabilities, report: Report): Generator<Uint8Array> {
  const status = capabilities.has('report-status') || capabilities.has('report-status-v2')
  const packets = status ? statusPackets(report) : []
  if (!capabilities.has('side-band-64k')) return yield* packets
  const band = new SideBand()
  if (report.lines.length > 0) yield* band.text(`${report.lines.join('\n')}\n`)
  for (const packet of packets) yield* band.data(packet)
  yield* band.rest()
  yield FLUSH
}

function statusPackets(report: Report): Uint8Array[] {
  const lines = report.refs.map(({ name, refused }) =>
    encodePacket(refused === undefined ? `ok ${name}\n` : `ng ${name} ${oneLine(refused)}\n`),
  )
  return [encodePacket(`unpack ${oneLine(report.unpack)}\n`), ...lines, FLUSH]
}

/**
 * A push that cannot even be read, told so that git prints it: in band 3, since every client that is not twenty years
 * old asks for the side-band and none can be heard on it here.
 */
export function* encodePushFailure(text: string): Generator<Uint8Array> {
  yield* new SideBand().failure(`${oneLine(text)}\n`)
  yield FLUSH
}

function parseCommand(line: string): Command | undefined {
  const old = line.slice(0, 40)
  const fresh = line.slice(41, 81)
  const name = line.slice(82)
  if (!isOid(old) || !isOid(fresh) || line[40] !== ' ' || line[81] !== ' ' || name === '')
    return undefined
  if (old === ZERO_OID && fresh === ZERO_OID) return { name, old, new: ZERO_OID }
  return { name, old, new: fresh }
}

/** Text without its newline; undefined when it is no UTF-8 or no data. */
function textOf(packet: Packet): string | undefined {
  if (packet.kind !== 'data') return undefined
  try {
    return UTF8.decode(packet.bytes).replace(/\n$/, '')
  } catch {
    // Not UTF-8: refused by the caller as malformed.
    return undefined
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ')
}

function malformed(what: string): { ok: false; error: PushError } {
  return { ok: false, error: { kind: 'malformed', what } }
}

function unsupported(what: string): { ok: false; error: PushError } {
  return { ok: false, error: { kind: 'unsupported', what } }
}
