// Records in the lines of a section, as in a zone file without an origin.
import { chunkRecords, zoneText } from '../../support/zones.ts'
import { chunksOf } from '../../../shared/zone-text/zone-text.ts'
import type { MessageRecord } from '../../../shared/dns/message.ts'
import { CLASS } from '../../../shared/dns/record-types.ts'
import type { Line } from './scenario.ts'
import { Unsupported } from './unsupported.ts'

export function chunkRecordsOf(lines: readonly Line[]): MessageRecord[] {
  if (lines.length === 0) return []
  const text = zoneText('.', `$TTL 3600\n${joined(lines.map((line) => line.text))}\n`)
  const [fault] = text.problems.filter(({ severity }) => severity === 'error')
  if (fault !== undefined)
    throw new Unsupported(fault.message, lines[0]!.number + (fault.line ?? 2) - 2)
  const records: MessageRecord[] = []
  for (const place of chunksOf(text.part))
    for (const { owner, type, ttlSeconds, rdata } of chunkRecords(place))
      records.push({ owner, type, class: CLASS.IN, ttlSeconds, rdata })
  return records
}

/** Parentheses, also those within a word, go: what they hold becomes one line. */
function joined(lines: readonly string[]): string {
  let depth = 0
  let text = ''
  for (const line of lines) {
    text += depth > 0 ? ' ' : '\n'
    for (const word of line.split(/("[^"]*")/)) {
      if (!word.startsWith('"')) for (const c of word) depth += c === '(' ? 1 : c === ')' ? -1 : 0
      text += word.startsWith('"') ? word : word.replace(/[()]/g, ' ')
    }
  }
  return text
}
