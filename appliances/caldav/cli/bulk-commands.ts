// The commands `import` and `export`: files of other programs into a clone, and a calendar of a clone as one file.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { joinCalendars } from '../core/bulk/calendar-parts.ts'
import { isArgumentError, Misuse } from './misuse.ts'
import { filesIn, ObjectIntake, type BulkTerminal, type ObjectKind } from './object-intake.ts'
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
  run: (args) => Promise.resolve(runExport(args, TERMINAL)),
}

/** Gives the exit code; 78 when something was left out. */
export function runImport(args: readonly string[], terminal: BulkTerminal): number {
  return guarded('import', terminal, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: IMPORT_OPTIONS,
      allowPositionals: true,
    })
    if (values.robur !== undefined) {
      if (positionals.length > 0) throw new Misuse('--robur takes one folder, and no other words')
      return importRobur(values.robur, values.dir ?? '.', terminal)
    }
    const [target, ...sources] = positionals
    if (target === undefined || sources.length === 0)
      throw new Misuse('import needs TARGET and FILES')
    const { folder, kind } = targetOf(target, values.dir)
    const intake = new ObjectIntake(kind, folder, terminal)
    for (const file of sources.flatMap((source) => filesIn(source, kind))) intake.take(file)
    const { taken, left } = intake
    terminal.out(`${taken} taken into ${folder}${left === 0 ? '' : `, ${left} left out`}\n`)
    return left === 0 ? EXIT.OK : EXIT.CONFIG
  })
}

/** Gives the exit code. */
export function runExport(args: readonly string[], terminal: BulkTerminal): number {
  return guarded('export', terminal, () => {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    })
    const [target, ...more] = positionals
    if (target === undefined || more.length > 0)
      throw new Misuse('export needs one calendar or address book')
    const { folder, kind } = targetOf(target, values.dir)
    if (!existsSync(folder)) throw new Fatal(`${folder} is not there`)
    const texts = filesIn(folder, kind).map((file) => readFileSync(file, 'utf8'))
    if (kind === 'addressbook') for (const text of texts) terminal.out(text)
    else for (const chunk of joinCalendars(texts, target.split('/').at(-1))) terminal.out(chunk)
    return EXIT.OK
  })
}

function guarded(word: string, terminal: BulkTerminal, run: () => number): number {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof Misuse || isArgumentError(cause)) {
      terminal.err(
        `cairn-caldav ${word}: ${(cause as Error).message}\nTry: cairn-caldav ${word} --help\n`,
      )
      return EXIT.USAGE
    }
    if (!(cause instanceof Fatal)) throw cause
    terminal.err(`${cause.message}\n`)
    return EXIT.CONFIG
  }
}

type Target = { readonly folder: string; readonly kind: ObjectKind }

/** `calendars/alice/work`, as in the branch. */
function targetOf(target: string, dir = '.'): Target {
  const [, area, rest] = /^(calendars|addressbooks)\/([^/]+\/[^/]+)\/?$/.exec(target) ?? []
  if (area === undefined || rest!.split('/').includes('..'))
    throw new Misuse(`"${target}" is not calendars/<user>/<calendar> or addressbooks/<user>/<book>`)
  const folder = join(dir, area, rest!)
  return { folder, kind: area === 'calendars' ? 'calendar' : 'addressbook' }
}

const OPTIONS = { dir: { type: 'string' } } as const
const IMPORT_OPTIONS = { ...OPTIONS, robur: { type: 'string' } } as const

const HELP = `Usage: cairn-caldav import calendars/USER/CALENDAR FILE|FOLDER... [--dir CLONE]
       cairn-caldav import addressbooks/USER/BOOK FILE|FOLDER... [--dir CLONE]
       cairn-caldav import --robur FOLDER [--dir CLONE]
       cairn-caldav export calendars/USER/CALENDAR [--dir CLONE] > calendar.ics

Works in a clone of the branch (the current folder, or --dir); commit and push what it changes. A file with many events
becomes a file for each. Folders are searched for .ics or .vcf: a calendar of Radicale, Xandikos or any other program that
keeps an object a file is taken by its folder. To export as it was: git checkout COMMIT first.

With --robur a checked-out branch of robur's caldav is taken whole: its users and groups, and each calendar with its name,
colour, order, components and rights, to the user who owns it. Passwords cannot be taken over: set them by user passwd.
`
