// The commands `import` and `export`: files of other programs into a clone, and a calendar of a clone as one file.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { joinCalendars } from '../core/bulk/calendar-parts.ts'
import { failed } from './failure.ts'
import { Misuse } from './misuse.ts'
import {
  EXTENSIONS,
  filesIn,
  ObjectIntake,
  type BulkTerminal,
  type ObjectKind,
} from './object-intake.ts'
import { openClone, stateNamed } from './revision.ts'
import { importRobur } from './robur-import.ts'

const TERMINAL: BulkTerminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}

export const importCommand: Command = {
  summary: 'take .ics and .vcf files into a clone, an object a file',
  get help() {
    return HELP
  },
  run: (args) => Promise.resolve(runImport(args, TERMINAL)),
}

export const exportCommand: Command = {
  summary: 'print a calendar or an address book of a clone as one file',
  get help() {
    return HELP
  },
  run: (args) => runExport(args, TERMINAL),
}

/** Gives the exit code; 78 when something was left out. */
export function runImport(args: readonly string[], terminal: BulkTerminal): number {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: IMPORT_OPTIONS,
      allowPositionals: true,
    })
    if (values.robur !== undefined) {
      if (positionals.length > 0) throw new Misuse('--robur takes one folder, and no other words')
      return importRobur(values.robur, values.dir ?? '.', terminal, values.replace)
    }
    const [target, ...sources] = positionals
    if (target === undefined || sources.length === 0)
      throw new Misuse('import needs TARGET and FILES')
    const { folder, kind } = targetOf(target, values.dir)
    const intake = new ObjectIntake(kind, folder, terminal, values.replace)
    for (const file of sources.flatMap((source) => filesIn(source, kind))) intake.take(file)
    const { taken, left } = intake
    terminal.out(`${taken} taken into ${folder}${left === 0 ? '' : `, ${left} left out`}\n`)
    return left === 0 ? EXIT.OK : EXIT.CONFIG
  } catch (cause) {
    return failed('import', cause, terminal)
  }
}

/** Gives the exit code. */
export async function runExport(args: readonly string[], terminal: BulkTerminal): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: EXPORT_OPTIONS,
      allowPositionals: true,
    })
    const [target, ...more] = positionals
    if (target === undefined || more.length > 0)
      throw new Misuse('export needs one calendar or address book')
    const { folder, path, kind } = targetOf(target, values.dir)
    const texts =
      values.at === undefined
        ? textsIn(folder, kind)
        : await textsAt(values.at, values.dir ?? '.', path, kind)
    if (kind === 'addressbook') for (const text of texts) terminal.out(text)
    else for (const chunk of joinCalendars(texts, path.split('/').at(-1))) terminal.out(chunk)
    return EXIT.OK
  } catch (cause) {
    return failed('export', cause, terminal)
  }
}

function textsIn(folder: string, kind: ObjectKind): readonly string[] {
  if (!existsSync(folder)) throw new Fatal(`${folder} is not there`)
  return filesIn(folder, kind).map((file) => readFileSync(file, 'utf8'))
}

/** As it was in a commit or at a time. */
async function textsAt(
  when: string,
  dir: string,
  path: string,
  kind: ObjectKind,
): Promise<readonly string[]> {
  const { snapshot } = await stateNamed(when, openClone(dir))
  if (snapshot.entry(path) === undefined) throw new Fatal(`${path} was not there at ${when}`)
  return snapshot
    .list(path)
    .filter((entry) => entry.path.endsWith(EXTENSIONS[kind]))
    .map((entry) => Buffer.from(snapshot.get(entry) ?? []).toString('utf8'))
}

type Target = {
  /** On this machine. */
  readonly folder: string
  /** In the branch. */
  readonly path: string
  readonly kind: ObjectKind
}

/** `calendars/alice/work`, as in the branch. */
export function targetOf(target: string, dir = '.'): Target {
  const [, area, rest] = /^(calendars|addressbooks)\/([^/]+\/[^/]+)\/?$/.exec(target) ?? []
  if (area === undefined || rest!.split('/').includes('..'))
    throw new Misuse(`"${target}" is not calendars/<user>/<calendar> or addressbooks/<user>/<book>`)
  const path = `${area}/${rest!}`
  return { folder: join(dir, path), path, kind: area === 'calendars' ? 'calendar' : 'addressbook' }
}

const OPTIONS = { dir: { type: 'string' } } as const
const EXPORT_OPTIONS = { ...OPTIONS, at: { type: 'string' } } as const
const IMPORT_OPTIONS = {
  ...OPTIONS,
  robur: { type: 'string' },
  replace: { type: 'boolean' },
} as const

const HELP = `Usage: cairn-caldav import calendars/USER/CALENDAR FILE|FOLDER... [--replace] [--dir CLONE]
       cairn-caldav import addressbooks/USER/BOOK FILE|FOLDER... [--replace] [--dir CLONE]
       cairn-caldav import --robur FOLDER [--replace] [--dir CLONE]
       cairn-caldav export calendars/USER/CALENDAR [--at WHEN] [--dir CLONE] > calendar.ics

Works in a clone of the branch (the current folder, or --dir); commit and push what it changes. A file with many events
becomes a file for each. Folders are searched for .ics or .vcf: a calendar of Radicale, Xandikos or any other program that
keeps an object a file is taken by its folder. What is there stays: an object whose UID is there and says something else is
named and left out, or with --replace takes the place of that one. WHEN is a commit, a day (its end) or "2026-11-20 14:30".

With --robur a checked-out branch of robur's caldav is taken whole: its users and groups, and each calendar with its name,
colour, order, components and rights, to the user who owns it. Passwords cannot be taken over: set them by user passwd.
`
