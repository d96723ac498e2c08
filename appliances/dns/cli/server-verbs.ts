// What `zone set`, `delete` and `import` do at a running server.
import { EXIT } from '../../../shared/cli/cli.ts'
import { formatName, type Name } from '../../../shared/dns/name.ts'
import type { Record } from '../../../shared/dns/record.ts'
import { TYPE } from '../../../shared/dns/record-types.ts'
import { formatProblem, hasErrors } from '../../../shared/result/problem.ts'
import { Fatal } from '../../../shared/result/result.ts'
import type { RecordChange } from '../core/text/edit-plan.ts'
import { parseZoneText } from '../../../shared/zone-text/zone-text.ts'
import { buildZone } from '../core/zone/zone-build.ts'
import { zoneOfRecords } from '../core/zone/zone-change.ts'
import { zoneDifference } from '../core/zone/zone-difference.ts'
import { rrsetOf, type Zone } from '../core/zone/zone.ts'
import { isSameButSerial, printChange, type Terminal } from './zone-output.ts'
import type { ZoneServer } from './zone-server.ts'

/** The zone that `name` is in, to be shown and changed. */
export async function openAtServer(
  server: ZoneServer,
  name: Name,
  terminal: Terminal,
): Promise<{ readonly zone: Zone; apply(change: RecordChange): Promise<number> }> {
  const zone = await server.zoneOf(name)
  return { zone, apply: (change) => applyAtServer(server, zone, change, terminal) }
}

/** A zone that is there is made to say what the file says; one that is not is made, where the server takes that. */
export async function importToServer(
  server: ZoneServer,
  source: { readonly origin: Name; readonly file: string; readonly bytes: Uint8Array },
  terminal: Terminal,
): Promise<number> {
  const { origin, file, bytes } = source
  const text = parseZoneText({ text: bytes, file, origin })
  terminal.err(text.problems.map((problem) => `${formatProblem(problem)}\n`).join(''))
  if (hasErrors(text.problems)) throw new Fatal(`Nothing was changed: mend ${file} first`)
  const { zone } = buildZone(origin, text)
  const before = (await server.transfer(origin)) ?? zoneOfRecords(origin, [])
  const change = ownChange(before, zone)
  if (change.added.length + change.removed.length === 0) {
    terminal.out('It is so already\n')
    return EXIT.OK
  }
  return await applyAtServer(server, before, change, terminal)
}

/** Without what a server that signs makes itself, and without a serial that is not newer for its own sake. */
export function ownChange(before: Zone, after: Zone): RecordChange {
  const { added, removed } = zoneDifference(before, after)
  const hasKeys = after.apex !== undefined && rrsetOf(after.apex, TYPE.DNSKEY) !== undefined
  const skipsSoa = isSameButSerial(before, after)
  const isOwn = ({ type }: Record): boolean =>
    !MADE_BY_SIGNING.has(type) &&
    (hasKeys || !KEY_TYPES.has(type)) &&
    (!skipsSoa || type !== TYPE.SOA)
  return { added: added.filter(isOwn), removed: removed.filter(isOwn) }
}

async function applyAtServer(
  server: ZoneServer,
  zone: Zone,
  change: RecordChange,
  terminal: Terminal,
): Promise<number> {
  const parts = await server.update(zone, change)
  const after = (await server.transfer(zone.origin)) ?? zone
  printChange(terminal, zone, after, withSerialOf(after, change, zone))
  const how = parts === 1 ? '' : `, in ${parts} updates`
  terminal.out(`${server.text} serves ${formatName(zone.origin)} so now${how}\n`)
  return EXIT.OK
}

/** What was asked for, with the SOA where more of it changed than the serial. */
function withSerialOf(after: Zone, change: RecordChange, before: Zone): RecordChange {
  if (isSameButSerial(before, after)) return change
  const isSoa = ({ type }: Record): boolean => type === TYPE.SOA
  const whole = zoneDifference(before, after)
  const others = (records: readonly Record[]): readonly Record[] => records.filter((r) => !isSoa(r))
  return {
    added: [...whole.added.filter(isSoa), ...others(change.added)],
    removed: [...whole.removed.filter(isSoa), ...others(change.removed)],
  }
}

const MADE_BY_SIGNING: ReadonlySet<number> = new Set([
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.NSEC3,
  TYPE.NSEC3PARAM,
  TYPE.ZONEMD,
])
const KEY_TYPES: ReadonlySet<number> = new Set([TYPE.DNSKEY, TYPE.CDS, TYPE.CDNSKEY])
