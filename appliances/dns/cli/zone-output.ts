// What `zone` commands print: records in columns, and changes as lines that went and came.
import { SOA_FIELD } from '../../../shared/dns/soa.ts'
import type { Record } from '../../../shared/dns/record.ts'
import { TYPE } from '../../../shared/dns/record-types.ts'
import type { RecordChange } from '../core/text/edit-plan.ts'
import { recordLines } from '../core/text/record-lines.ts'
import type { Zone } from '../core/zone/zone.ts'

export type Terminal = {
  out(text: string): void
  err(text: string): void
  stdin(): Uint8Array
  /** Milliseconds since 1970, for serials that are dates. */
  wallMs(): number
  /** Whether changes are coloured. */
  readonly hasColour: boolean
}

export function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('')
}

export function recordsOf(zone: Zone): readonly Record[] {
  const records: Record[] = []
  for (const [, { name: owner, rrsets }] of zone.nodes.entries())
    for (const { type, ttlSeconds, rdatas } of rrsets)
      for (const rdata of rdatas) records.push({ owner, type, ttlSeconds, rdata })
  return records
}

/** The serial apart, then what went and what came. Either zone may be one without records. */
export function printChange(
  terminal: Terminal,
  before: Zone,
  after: Zone,
  { added, removed }: RecordChange,
): void {
  const isOther = (record: Record): boolean =>
    record.owner !== before.origin || record.type !== TYPE.SOA
  const isSerialOnly = isSameButSerial(before, after)
  const shown = (records: readonly Record[]): readonly string[] =>
    recordLines(isSerialOnly ? records.filter(isOther) : records)
  if (before.serial !== after.serial)
    terminal.out(`serial ${before.serial ?? 'none'} -> ${after.serial ?? 'none'}\n`)
  printRecords(terminal, shown(removed), shown(added))
}

export function printRecords(
  terminal: Terminal,
  removed: readonly string[],
  added: readonly string[],
): void {
  const [red, green, end] = terminal.hasColour ? ['\x1b[31m', '\x1b[32m', '\x1b[m'] : ['', '', '']
  terminal.out(lines(removed.map((line) => `${red}- ${line}${end}`)))
  terminal.out(lines(added.map((line) => `${green}+ ${line}${end}`)))
}

export function isSameButSerial(before: Zone, after: Zone): boolean {
  const text = (zone: Zone): string => {
    const rdata = Buffer.from(zone.soa?.rdatas[0] ?? [])
    const { serial, refresh } = SOA_FIELD
    if (rdata.length >= serial) rdata.fill(0, rdata.length - serial, rdata.length - refresh)
    return `${zone.soa?.ttlSeconds} ${rdata.toString('latin1')}`
  }
  return text(before) === text(after)
}
