// The command `link`: public links of a calendar in a clone, made, listed and revoked; commit and push make it so.
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { formatProblem } from '../../../shared/result/problem.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { linkPath, linkToken } from '../core/publish/link-request.ts'
import { SettingsEdit } from '../core/library/settings-edit.ts'
import {
  isLinkName,
  readSettings,
  SETTINGS_FILES,
  type PublicLink,
} from '../core/library/settings.ts'
import { targetOf } from './bulk-commands.ts'
import { failed } from './failure.ts'
import { Misuse } from './misuse.ts'
import type { BulkTerminal } from './object-intake.ts'

const SECRET_BYTES = 32

export const linkCommand: Command = {
  summary: 'public links of a calendar: add, list, revoke',
  get help() {
    return HELP
  },
  run: (args) =>
    Promise.resolve(
      runLink(args, {
        out: (text) => process.stdout.write(text),
        err: (text) => process.stderr.write(text),
      }),
    ),
}

/** Gives the exit code. */
export function runLink(args: readonly string[], terminal: BulkTerminal): number {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    })
    const [verb = '', target, name, ...more] = positionals
    if (target === undefined || more.length > 0) throw new Misuse('Expected a calendar')
    const calendar = new CalendarFile(target, values.dir)
    if (verb === 'list' && name === undefined) {
      for (const link of calendar.links) terminal.out(`${link.name}\t${link.show}\n`)
      return EXIT.OK
    }
    if (name === undefined) throw new Misuse('Expected a name for the link')
    if (verb === 'revoke') return revoke(calendar, name, terminal)
    if (verb !== 'add') throw new Misuse(`Unknown "${verb}"`)
    const secret = randomBytes(SECRET_BYTES).toString('base64url')
    return add(calendar, name, secret, values, terminal)
  } catch (cause) {
    return failed('link', cause, terminal)
  }
}

function add(
  calendar: CalendarFile,
  name: string,
  secret: string,
  { busy = false, url }: { readonly busy?: boolean; readonly url?: string },
  terminal: BulkTerminal,
): number {
  if (!isLinkName(name)) throw new Misuse(`"${name}" is no name of a link`)
  if (calendar.links.some((link) => link.name === name)) throw new Fatal(`There is ${name} already`)
  const base = url === undefined ? undefined : baseOf(url)
  const show = busy ? 'busy' : 'all'
  calendar.change((settings) => settings.addLink({ name, show, token: linkToken(secret) }))
  if (base === undefined) terminal.out(`${linkPath(secret, '/')}\n`)
  else {
    const address = `${base.origin}${linkPath(secret, base.pathname)}`
    terminal.out(`${address}\n${address.replace(/^https?:/, 'webcal:')}\n`)
  }
  terminal.err('That is its address; it is not kept anywhere. Now: git commit -a && git push\n')
  return EXIT.OK
}

function revoke(calendar: CalendarFile, name: string, terminal: BulkTerminal): number {
  if (!calendar.links.some((link) => link.name === name)) throw new Fatal(`There is no ${name}`)
  calendar.change((settings) => settings.removeLinks((each) => each === name))
  terminal.err('Now: git commit -a && git push\n')
  return EXIT.OK
}

function baseOf(url: string): URL {
  const base = URL.parse(url.endsWith('/') ? url : `${url}/`)
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new Misuse(`"${url}" is not the address of a server: https://cal.example.org/`)
  return base
}

/** Its settings in the clone. */
class CalendarFile {
  readonly #file: string
  readonly #text: string
  readonly links: readonly PublicLink[]

  constructor(target: string, dir: string | undefined) {
    const { folder, kind } = targetOf(target, dir)
    if (kind !== 'calendar') throw new Misuse('Only calendars have public links')
    if (!existsSync(folder)) throw new Fatal(`${folder} is not there`)
    this.#file = join(folder, SETTINGS_FILES.calendar)
    this.#text = existsSync(this.#file) ? readFileSync(this.#file, 'utf8') : ''
    this.links = this.#read(this.#text)
  }

  change(edit: (settings: SettingsEdit) => void): void {
    const settings = new SettingsEdit('calendar', this.#text)
    edit(settings)
    this.#read(settings.text)
    writeFileSync(this.#file, settings.text)
  }

  #read(text: string): readonly PublicLink[] {
    const read = readSettings(Buffer.from(text), 'calendar', this.#file)
    if (!read.ok) throw new Fatal(read.error.map(formatProblem).join('\n'))
    return read.value.links
  }
}

const OPTIONS = {
  dir: { type: 'string' },
  busy: { type: 'boolean' },
  url: { type: 'string' },
} as const

const HELP = `Usage: cairn-caldav link add calendars/USER/CALENDAR NAME [--busy] [--url https://cal.example.org/] [--dir CLONE]
       cairn-caldav link list calendars/USER/CALENDAR
       cairn-caldav link revoke calendars/USER/CALENDAR NAME

A public link lets anyone who has it read the calendar, without an account: as one .ics file that programs subscribe to.
It shows no people, alarms or attachments, and of events that are private only when they are; with --busy of all.
Works in a clone of the branch (the current folder, or --dir); commit and push what it changes. With --url the whole
address is printed, and the one for programs to subscribe.
`
