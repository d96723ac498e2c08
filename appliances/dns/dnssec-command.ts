// The command `dnssec`: looks into the key folder, and leaves requests there for the running server.
import type { Command } from '../../shared/appliance/appliance.ts'
import { EXIT } from '../../shared/cli/cli.ts'
import { canonicalName, formatName, parseName, type Name } from '../../shared/dns/name.ts'
import { formatRdata } from '../../shared/dns/rdata.ts'
import { TYPE } from '../../shared/dns/record-types.ts'
import { algorithmOf } from '../../shared/dnssec/algorithms.ts'
import { dsRdata } from '../../shared/dnssec/dnskey.ts'
import { timeText, type ZoneKey } from './core/dnssec/key-file.ts'
import { isEntryKey, keyId } from './core/dnssec/key-roll.ts'
import { KeyFolder } from './key-folder.ts'

const USAGE = `Usage: cairn-dns dnssec WORD KEY_FOLDER ZONE [TAG]

A zone's keys, and what is asked of them, are those of all views that have the zone.

  status      keys, their times, and what the parent was seen with
  ds          the DS records for the parent
  roll-ksk    begin to replace the key that the parent points to
  roll-zsk    begin to replace the key that signs the zone
  seen TAG    the parent has the DS of this key (where no parents are configured to look at)
  insecure    ask the parent to remove its DS records, then unsign
  gone        the parent has no DS any more (where no parents are configured to look at)
  secure      stay signed after all, or sign again by the same keys

The server takes a request up within a minute, or when it gets SIGHUP.
`

export const dnssecCommand: Command = {
  summary: 'status, ds, roll-ksk, roll-zsk, seen, insecure, gone, secure: see "dnssec help"',
  async run(args) {
    const [word = 'help', path, zone, tag] = args
    if (word === 'help') return say(USAGE)
    const name = zone === undefined ? undefined : parseName(zone)
    if (path === undefined || name?.ok !== true || !WORDS.has(word)) return misused()
    const folder = new KeyFolder(path)
    const origin = canonicalName(name.value)
    if (word === 'status') {
      const serials = folder
        .views(origin)
        .map(
          (view) => ` view ${view} ${new KeyFolder(path, view).state(origin).serial ?? 'none yet'}`,
        )
      return say(status(origin, serials, folder))
    }
    if (word === 'ds') return say(dsText(origin, folder.keys(origin)))
    if (word === 'seen' && !/^\d{1,5}$/.test(tag ?? '')) return misused()
    folder.leaveRequest(origin, word === 'seen' ? `seen ${tag}` : word.replace('-', ' '))
    return say('Left for the server, which takes it up within a minute or at SIGHUP\n')
  },
}

const WORDS = new Set([
  'status',
  'ds',
  'roll-ksk',
  'roll-zsk',
  'seen',
  'insecure',
  'gone',
  'secure',
])

function status(origin: Name, ofViews: readonly string[], folder: KeyFolder): string {
  const { serial, roll } = folder.state(origin)
  const serials = [` ${serial ?? 'none yet'}`, ...ofViews]
  const lines = [`${formatName(origin)} serial${serials.join(',')}`]
  for (const key of folder.keys(origin)) {
    const times = Object.entries(key.times).map(([event, at]) => `${event} ${timeText(at)}`)
    const seen = roll.seen[keyId(key)]
    const kind = isEntryKey(key) ? 'entry' : 'zone'
    const parent = seen === undefined ? '' : `, at the parent since ${timeText(seen)}`
    lines.push(
      `${key.tag} ${algorithmOf(key.algorithm)!.name} ${kind}: ${times.join(', ')}${parent}`,
    )
  }
  if (roll.asked.length > 0) lines.push(`asked to roll: ${roll.asked.join(', ')}`)
  if (roll.leavingSince !== undefined)
    lines.push(`leaving DNSSEC since ${timeText(roll.leavingSince)}`)
  if (roll.dsGoneSince !== undefined) lines.push(`no DS since ${timeText(roll.dsGoneSince)}`)
  return `${lines.join('\n')}\n`
}

function dsText(origin: Name, keys: readonly ZoneKey[]): string {
  const entries = keys.filter((key) => isEntryKey(key) && key.times.delete === undefined)
  return entries
    .map((key) => {
      const rdata = formatRdata(TYPE.DS, dsRdata(origin, key.dnskey))
      return `${formatName(origin)} IN DS ${rdata}\n`
    })
    .join('')
}

function say(text: string): number {
  process.stdout.write(text)
  return EXIT.OK
}

function misused(): number {
  process.stderr.write(USAGE)
  return EXIT.USAGE
}
