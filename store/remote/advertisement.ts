// What a remote says first: its refs and what it can do. gitprotocol-pack(5), "Reference Discovery", versions 0 and 1.
import { err, ok, type Result } from '../../shared/result/result.ts'
import { isOid, ZERO_OID, type Oid } from '../object/oid.ts'
import { isValidRefName } from '../refs/ref-name.ts'
import { parseCapabilities, type Capabilities } from '../wire/capabilities.ts'
import { decodeAllPackets, encodePacket, FLUSH } from '../wire/pkt-line.ts'
import type { RemoteError } from './transport.ts'

export type Advertisement = {
  /** Full names; without HEAD and peeled tags. */
  readonly refs: ReadonlyMap<string, Oid>
  /** As given, for `encodeAdvertisement`. */
  readonly capabilityText: string
  readonly capabilities: Capabilities
}

/** The whole advertisement, up to and with its flush. */
export function decodeAdvertisement(bytes: Uint8Array): Result<Advertisement, RemoteError> {
  const packets = decodeAllPackets(bytes)
  if (!packets.ok) return garbage('its list of refs is cut short or no packet lines')
  const [first] = packets.value
  const opening = first?.kind === 'data' ? Buffer.from(first.bytes).toString('utf8') : ''
  if (opening.startsWith('ERR ')) return err(errorLine(opening))
  if (packets.value.at(-1)?.kind !== 'flush') return garbage('its list of refs is cut short')
  const refs = new Map<string, Oid>()
  let capabilityText: string | undefined
  for (const [n, packet] of packets.value.slice(0, -1).entries()) {
    if (packet.kind !== 'data') return garbage('its list of refs has a hole')
    const line = Buffer.from(packet.bytes).toString('utf8').replace(/\n$/, '')
    if (n === 0 && line === 'version 1') continue
    if (line.startsWith('version ')) return garbage(`it answers in protocol ${printable(line)}`)
    if (line.startsWith('shallow ')) continue
    const nul = line.indexOf('\0')
    if (nul >= 0) capabilityText ??= line.slice(nul + 1).trim()
    const text = nul < 0 ? line : line.slice(0, nul)
    const oid = text.slice(0, 40)
    const name = text.slice(41)
    if (!isOid(oid) || text[40] !== ' ') return garbage(`"${printable(line)}" is no ref`)
    if (name === 'HEAD' || name.endsWith('^{}') || oid === ZERO_OID) continue
    // A remote may have names we would never make; what we do not understand we leave there.
    if (isValidRefName(name)) refs.set(name, oid)
  }
  const text = capabilityText ?? ''
  const capabilities = parseCapabilities(text)
  const format = capabilities.get('object-format')?.[0] ?? 'sha1'
  if (format !== 'sha1') return garbage(`its objects are ${printable(format)}, ours are sha1`)
  return ok({ refs, capabilityText: text, capabilities })
}

/** An advertisement of our own making, with the preface of smart HTTP. */
export function encodeAdvertisement(
  service: string,
  refs: Iterable<readonly [string, Oid]>,
  capabilityText: string,
): Uint8Array {
  const lines: Uint8Array[] = [encodePacket(`# service=${service}\n`), FLUSH]
  let suffix = `\0${capabilityText}`
  for (const [name, oid] of refs) {
    lines.push(encodePacket(`${oid} ${name}${suffix}\n`))
    suffix = ''
  }
  return Buffer.concat([...lines, FLUSH])
}

/** A line `ERR …`: the remote's way to say no before anything else. */
export function errorLine(line: string): RemoteError {
  const why = printable(line.slice('ERR '.length))
  const missing = /not found|does not exist|not appear to be a git repository|no such/i
  if (missing.test(why)) return { kind: 'no-repository', why }
  const denied = /denied|permission|not authorized|unauthorized|access/i
  return denied.test(why) ? { kind: 'denied', why } : { kind: 'answer', status: 0, why }
}

/** One line, at most 200 characters, without what moves a terminal's cursor. */
export function printable(text: string): string {
  return text
    .slice(0, 200)
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
}

function garbage(why: string): { ok: false; error: RemoteError } {
  return err({ kind: 'garbage', why })
}
