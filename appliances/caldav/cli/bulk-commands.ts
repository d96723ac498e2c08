// The commands `import` and `export`: files of other programs into a clone, and a calendar of a clone as one file.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { formatProblem, hasErrors } from '../../../shared/result/problem.ts'
import { Fatal } from '../../../shared/result/result.ts'
import {
  joinCalendars,
  splitCalendar,
  splitCards,
  type SplitObject,
} from '../core/bulk/calendar-parts.ts'
import { readObject } from '../core/library/library.ts'
import { fileNameOf } from '../core/xml/path.ts'
import { isArgumentError, Misuse } from './misuse.ts'

export type BulkTerminal = { out(text: string): void; err(text: string): void }

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
      options: OPTIONS,
      allowPositionals: true,
    })
    const [target, ...sources] = positionals
    if (target === undefined || sources.length === 0)
      throw new Misuse('import needs TARGET and FILES')
    const { folder, kind, extension } = targetOf(target, values.dir)
    let taken = 0
    let left = 0
    for (const source of sources.flatMap((each) => filesIn(each, extension))) {
      const text = readFileSync(source, 'utf8')
      const objects = kind === 'calendar' ? splitCalendar(text) : splitCards(text)
      if (objects.length === 0) terminal.err(`${source}: nothing in it\n`)
      for (const object of objects) {
        const reading = readObject(kind, Buffer.from(object.text), source)
        if (hasErrors(reading.problems)) {
          left++
          terminal.err(
            reading.problems
              .map((problem) => `${formatProblem({ ...problem, key: object.uid })}\n`)
              .join(''),
          )
          continue
        }
        taken++
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, nameFor(object, extension)), object.text)
      }
    }
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
    const { folder, kind, extension } = targetOf(target, values.dir)
    if (!existsSync(folder)) throw new Fatal(`${folder} is not there`)
    const texts = filesIn(folder, extension).map((file) => readFileSync(file, 'utf8'))
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

type Target = {
  readonly folder: string
  readonly kind: 'calendar' | 'addressbook'
  readonly extension: '.ics' | '.vcf'
}

/** `calendars/alice/work`, as in the branch. */
function targetOf(target: string, dir = '.'): Target {
  const [, area, rest] = /^(calendars|addressbooks)\/([^/]+\/[^/]+)\/?$/.exec(target) ?? []
  if (area === undefined || rest!.split('/').includes('..'))
    throw new Misuse(`"${target}" is not calendars/<user>/<calendar> or addressbooks/<user>/<book>`)
  const folder = join(dir, area, rest!)
  return area === 'calendars'
    ? { folder, kind: 'calendar', extension: '.ics' }
    : { folder, kind: 'addressbook', extension: '.vcf' }
}

/** The file itself, or all below a folder; the state of other servers lies in files that begin with a dot. */
function filesIn(path: string, extension: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new Fatal(`${path} is not there`)
  if (!stat.isDirectory()) return [path]
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const at = join(path, entry.name)
      if (entry.isDirectory()) return filesIn(at, extension)
      return entry.isFile() && entry.name.endsWith(extension) ? [at] : []
    })
}

/** By the UID, so that a second import of the same changes nothing. */
function nameFor({ uid }: SplitObject, extension: string): string {
  const name = fileNameOf(`${uid}${extension}`, '')
  const isPlain = /^[A-Za-z0-9._@+=-]{1,120}$/.test(uid)
  if (name !== undefined && isPlain) return name
  return `${createHash('sha256').update(uid).digest('hex').slice(0, HASH_DIGITS)}${extension}`
}

const HASH_DIGITS = 40

const OPTIONS = { dir: { type: 'string' } } as const

const HELP = `Usage: cairn-caldav import calendars/USER/CALENDAR FILE|FOLDER... [--dir CLONE]
       cairn-caldav import addressbooks/USER/BOOK FILE|FOLDER... [--dir CLONE]
       cairn-caldav export calendars/USER/CALENDAR [--dir CLONE] > calendar.ics

Works in a clone of the branch (the current folder, or --dir); commit and push what it changes. A file with many events
becomes a file for each. Folders are searched for .ics or .vcf: a calendar of Radicale, Xandikos, robur's caldav or any
other program that keeps an object a file is taken by its folder. To export as it was: git checkout COMMIT first.
`
