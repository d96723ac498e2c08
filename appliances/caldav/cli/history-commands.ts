// The commands `history` and `restore`: who changed what in a calendar or address book of a clone, and the way back.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { Fatal } from '../../../shared/result/result.ts'
import type { Oid, PathChange, Snapshot } from '../../../store/index.ts'
import type { Page } from '../core/history/change-walk.ts'
import { attachmentFolder } from '../core/attach/attachment.ts'
import { wordsOf } from '../core/history/fields.ts'
import {
  changesIn,
  countsText,
  deletedIn,
  minuteText,
  returnTo,
  toldReturn,
  versionsOf,
  type PageAsked,
  type ObjectChange,
  type Place,
  type Stamp,
} from '../core/history/past.ts'
import { missingAttachments } from '../core/history/restore-attachments.ts'
import { failed } from './failure.ts'
import { Misuse } from './misuse.ts'
import type { BulkTerminal } from './object-intake.ts'
import { openClone, stateNamed, type Clone } from './revision.ts'

const TERMINAL: BulkTerminal = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}

export const historyCommand: Command = {
  summary: 'who changed what in a calendar or an address book, and what was deleted',
  get help() {
    return HELP
  },
  run: (args) => runHistory(args, TERMINAL),
}

export const restoreCommand: Command = {
  summary: 'bring an event, a contact or a whole calendar of a clone back to what it was',
  get help() {
    return HELP
  },
  run: (args) => runRestore(args, TERMINAL),
}

/** Gives the exit code. */
export async function runHistory(args: readonly string[], terminal: BulkTerminal): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: HISTORY_OPTIONS,
      allowPositionals: true,
    })
    const [target, ...more] = positionals
    if (target === undefined || more.length > 0)
      throw new Misuse('history needs one calendar, address book, event or contact')
    const limit = Number(values.limit ?? LIMIT)
    if (!Number.isInteger(limit) || limit < 1)
      throw new Misuse(`--limit: expected a number from 1, found ${values.limit!}`)
    const { place, file } = targetOf(target)
    const isDeleted = values.deleted === true
    if (isDeleted && file !== undefined)
      throw new Misuse('--deleted is of a calendar or an address book')
    const clone = openClone(values.dir ?? '.')
    const told = isDeleted
      ? deletedTexts(place, limit, clone)
      : file === undefined
        ? changeTexts(place, limit, clone)
        : versionTexts(place, file, limit, clone)
    let count = 0
    for await (const text of told) {
      count++
      terminal.out(text)
    }
    if (count > 0) return EXIT.OK
    throw new Fatal(
      isDeleted
        ? `Nothing of ${target} was deleted that is not there again`
        : `No commit has ${target}`,
    )
  } catch (cause) {
    return failed('history', cause, terminal)
  }
}

async function* deletedTexts(place: Place, limit: number, clone: Clone): AsyncGenerator<string> {
  const head = clone.look.snapshot(clone.head)!
  const uids = new Map(
    head.list(place.folder).map((entry) => [wordsOf(place.kind, head.get(entry)!).uid, entry.path]),
  )
  const pages = (asked: PageAsked) => deletedIn(place, head, uids, asked, clone.reading)
  for await (const each of all(pages, limit, clone.head))
    yield `${stampText(each)}: deleted "${each.title}"
  cairn-caldav restore ${quoted(`${place.folder}/${each.name}`)} ${each.version.slice(0, 10)}
`
}

async function* changeTexts(place: Place, limit: number, clone: Clone): AsyncGenerator<string> {
  const pages = (asked: PageAsked) => changesIn(place, asked, clone.reading)
  for await (const each of all(pages, limit, clone.head)) {
    const left = each.count - each.changes.length
    const lines = [
      stampText(each),
      ...(each.isSettings ? ['  settings changed'] : []),
      ...each.changes.map((change) => `  ${changeText(change)}`),
      ...(left > 0 ? [`  and ${left} more`] : []),
    ]
    yield `${lines.join('\n')}\n`
  }
}

async function* versionTexts(
  place: Place,
  file: string,
  limit: number,
  clone: Clone,
): AsyncGenerator<string> {
  const pages = (asked: PageAsked) => versionsOf(place, file, asked, clone.reading)
  for await (const each of all(pages, limit, clone.head))
    yield `${stampText(each)}: ${changeText({ ...each, name: file })}\n`
}

/** Gives the exit code. */
export async function runRestore(args: readonly string[], terminal: BulkTerminal): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: RESTORE_OPTIONS,
      allowPositionals: true,
    })
    const [target, when, ...more] = positionals
    if (target === undefined || when === undefined || more.length > 0)
      throw new Misuse('restore needs what and WHEN')
    const dir = values.dir ?? '.'
    const { place, file } = targetOf(target)
    const clone = openClone(dir)
    if (!existsSync(join(dir, '.git')))
      throw new Fatal(`${dir} has no work tree: restore in a clone and push, or in the web page`)
    const then = await stateNamed(when, clone)
    const head = clone.look.snapshot(clone.head)!
    const wanted = file === undefined ? place.folder : `${place.folder}/${file}`
    if (then.snapshot.entry(wanted) === undefined)
      throw new Fatal(`${target} was not there at ${minuteText(then.seconds)}`)
    const changes = changesTo(then.snapshot, head, place, file)
    for (const change of toldReturn(place, changes, then.snapshot, head))
      terminal.out(`  ${changeText(change)}\n`)
    terminal.out(`${target}: ${countsText(changes) || 'is as it was then'}\n`)
    if (changes.length === 0 || values['dry-run'] === true) return EXIT.OK
    const attached = attachmentChanges(changes, then.snapshot, head)
    const all = [...changes, ...attached.flatMap(({ files }) => files)]
    const changed = all.find(({ path }) => !isAsCommitted(dir, path, head))
    if (changed !== undefined)
      throw new Fatal(`${join(dir, changed.path)} has changes that are in no commit`)
    for (const change of all) bring(dir, change, then.snapshot)
    const added = [wanted, ...attached.map(({ folder }) => folder)].map(quoted).join(' ')
    const moment = `${minuteText(then.seconds)} (${then.snapshot.commit!.slice(0, 7)})`
    terminal.out(
      `Now: git add -A ${added} && git commit -m ${quoted(`Restore ${wanted} to ${moment}`)} && git push\n`,
    )
    return EXIT.OK
  } catch (cause) {
    return failed('restore', cause, terminal)
  }
}

/** One that is gone comes back with its settings, of one that is there they stay. */
function changesTo(
  then: Snapshot,
  head: Snapshot,
  place: Place,
  file: string | undefined,
): readonly PathChange[] {
  if (file !== undefined) return then.diff(head, `${place.folder}/${file}`)
  return head.entry(place.folder) === undefined
    ? then.diff(head, place.folder)
    : returnTo(place, then, head)
}

/** Of what comes back: the attachments that went from the branch with it. */
function attachmentChanges(
  changes: readonly PathChange[],
  then: Snapshot,
  head: Snapshot,
): readonly { readonly folder: string; readonly files: readonly PathChange[] }[] {
  const back = changes.flatMap((change) =>
    change.kind === 'removed' ? [] : [then.get(change.after)!],
  )
  return [...missingAttachments(back, head, then)].map((ref) => {
    const folder = attachmentFolder(ref)
    return { folder, files: [...then.diff(head, folder)] }
  })
}

function isAsCommitted(dir: string, path: string, head: Snapshot): boolean {
  const at = join(dir, path)
  const committed = head.get(path)
  if (!existsSync(at)) return committed === undefined
  return committed !== undefined && readFileSync(at).equals(committed)
}

function bring(dir: string, change: PathChange, then: Snapshot): void {
  const at = join(dir, change.path)
  if (change.kind === 'removed') return rmSync(at)
  mkdirSync(dirname(at), { recursive: true })
  writeFileSync(at, then.get(change.after)!)
}

/** `limit` items, however many pages that takes. */
async function* all<T>(
  pages: (asked: PageAsked) => Promise<Page<T>>,
  limit: number,
  head: Oid,
): AsyncGenerator<T> {
  let left = limit
  for (let from: readonly Oid[] = [head]; from.length > 0 && left > 0;) {
    const { items, more } = await pages({ from, count: left })
    yield* items.slice(0, left)
    left -= items.length
    from = more
  }
}

function targetOf(target: string): { readonly place: Place; readonly file: string | undefined } {
  const [, area, name, file] = TARGET.exec(target) ?? []
  if (area === undefined || target.split('/').includes('..'))
    throw new Misuse(
      `"${target}" is not calendars/<user>/<calendar>[/<name>.ics] or addressbooks/…`,
    )
  const kind = area === 'calendars' ? 'calendar' : 'addressbook'
  return { place: { kind, folder: `${area}/${name!}` }, file }
}

/** `1a2b3c4 2026-11-25 14:03 UTC alice` */
function stampText({ commit, author, seconds }: Stamp): string {
  return `${commit.slice(0, 7)} ${minuteText(seconds)} ${author}`
}

function changeText({ kind, title, name, what }: ObjectChange): string {
  const words = what.length === 0 ? '' : `: ${what.join('; ')}`
  return `${kind} "${title}" ${name}${words}`
}

/** For a shell to take as one word. */
function quoted(text: string): string {
  return /^[\w./@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}

const LIMIT = 20
const TARGET = /^(calendars|addressbooks)\/([^/]+\/[^/]+)(?:\/([^/]+))?\/?$/
const HISTORY_OPTIONS = {
  dir: { type: 'string' },
  limit: { type: 'string' },
  deleted: { type: 'boolean' },
} as const
const RESTORE_OPTIONS = { dir: { type: 'string' }, 'dry-run': { type: 'boolean' } } as const

const HELP = `Usage: cairn-caldav history calendars/USER/CALENDAR[/NAME.ics] [--limit N] [--dir CLONE]
       cairn-caldav history calendars/USER/CALENDAR --deleted
       cairn-caldav restore calendars/USER/CALENDAR/NAME.ics WHEN [--dry-run] [--dir CLONE]
       cairn-caldav restore calendars/USER/CALENDAR WHEN [--dry-run] [--dir CLONE]

The same for addressbooks/USER/BOOK[/NAME.vcf]. history reads a clone (the current folder, or --dir) or the server's own
repository; the newest change comes first. WHEN is a commit as history shows it, a day (its end), or "2026-11-20 14:30" (in
this machine's zone; with Z in UTC).

restore writes into a clone: commit and push what it changed, and nothing is lost. Of a whole calendar that is there its
events go back and its settings stay; one that was deleted comes back with them. What was attached comes back too. Attendees are not told.
`
