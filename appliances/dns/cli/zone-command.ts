// The command `zone`: shows, edits, compares and checks zones of a clone, leaving comments and layout to their author, or at
// a server.
import { readFileSync, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { systemClock } from '../../../shared/clock/clock.ts'
import { nearest } from '../../../shared/config/key-path.ts'
import { formatName, parentName, type Name } from '../../../shared/dns/name.ts'
import { formatProblem, hasErrors, type Problem } from '../../../shared/result/problem.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { changeToDelete, changeToSet, withNextSerial } from '../core/branch/zone-edit-request.ts'
import { DEFAULT_VIEW, zoneFileName, zoneFolder } from '../core/branch/zone-files.ts'
import { loadBranch, viewsIn } from '../core/branch/branch-zones.ts'
import { loadZones, type ServedZone } from '../core/branch/zone-set.ts'
import { BranchKeys } from '../core/keys/branch-keys.ts'
import type { RecordChange } from '../core/text/edit-plan.ts'
import { recordLines } from '../core/text/record-lines.ts'
import { editZoneText } from '../core/text/zone-text-edit.ts'
import { zoneDifference } from '../core/zone/zone-difference.ts'
import type { Zone } from '../core/zone/zone.ts'
import { zoneOfRecords } from '../core/zone/zone-change.ts'
import { importToServer, openAtServer, ownChange } from './server-verbs.ts'
import { ZoneFolder } from './zone-folder.ts'
import { HELP } from './zone-help.ts'
import { printBetween, printLog, type HistoryOptions } from './zone-history.ts'
import { lines, printChange, recordsOf, type Terminal } from './zone-output.ts'
import { ZoneServer } from './zone-server.ts'
import { dataOf, Misuse, nameOf, ttlOf, typeOf } from './zone-words.ts'

export const zoneCommand: Command = {
  summary: 'show, edit, compare and check zones, in a clone or at a server',
  get help() {
    return HELP
  },
  run: async (args) =>
    runZone(args, {
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
      stdin: () => readFileSync(0),
      wallMs: () => systemClock.wallMs(),
      hasColour: process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '',
    }),
}

/** Gives the exit code. */
export async function runZone(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    })
    const [verb = '', ...words] = positionals
    const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
    if (run === undefined) throw new Misuse(unknownVerb(verb))
    if (values.server !== undefined && !AT_SERVERS.includes(verb))
      throw new Misuse(`${verb} works on a clone: leave --server out`)
    return await run(words.map(octets), { ...values, dir: values.dir ?? '.', terminal })
  } catch (cause) {
    if (cause instanceof Misuse || isArgumentError(cause)) {
      terminal.err(`cairn-dns zone: ${(cause as Error).message}\nTry: cairn-dns zone --help\n`)
      return EXIT.USAGE
    }
    if (!(cause instanceof Fatal)) throw cause
    terminal.err(`${cause.message}\n`)
    return EXIT.CONFIG
  }
}

type Options = {
  readonly dir: string
  readonly ttl?: string
  readonly type?: string
  readonly add?: boolean
  readonly 'keep-serial'?: boolean
  readonly view?: string
  readonly server?: string
  readonly key?: string
  readonly tls?: string
  readonly limit?: string
  readonly terminal: Terminal
}

function check([dir, ...files]: readonly string[], { dir: here, terminal }: Options): number {
  const folder = new ZoneFolder(dir ?? here)
  const { zones, problems } = loadBranch(folder, viewsIn(folder))
  const all = [...problems, ...BranchKeys.load(folder).problems]
  const wanted = new Set(files)
  for (const { paths, includes } of [...zones].flatMap((set) => [...set]))
    if ([...paths, ...includes].some((path) => files.includes(path)))
      for (const path of [...paths, ...includes]) wanted.add(path)
  const told = files.length === 0 ? all : all.filter(({ file }) => wanted.has(file ?? ''))
  terminal.err(told.map((problem) => `${formatProblem(problem)}\n`).join(''))
  if (hasErrors(told)) return EXIT.CONFIG
  if (files.length === 0) terminal.out(`${zones.size} zones, no errors\n`)
  return EXIT.OK
}

async function show(
  [zoneText, nameText, ...more]: readonly string[],
  options: Options,
): Promise<number> {
  if (zoneText === undefined || more.length > 0) throw new Misuse('show needs ZONE [NAME]')
  const { zone } = await openZone(options, zoneText)
  const name = nameText === undefined ? undefined : nameOf(nameText)
  const type = options.type === undefined ? undefined : typeOf(options.type)
  const records = recordsOf(zone).filter(
    (record) =>
      (name === undefined || record.owner === name) && (type === undefined || record.type === type),
  )
  if (records.length === 0) throw new Fatal(`No such records in ${formatName(zone.origin)}`)
  options.terminal.out(lines(recordLines(records)))
  return EXIT.OK
}

/** The zone's own text with what it includes left as `$INCLUDE`, or all its records. */
async function exportZone(
  [zoneText, ...more]: readonly string[],
  options: Options,
): Promise<number> {
  if (zoneText === undefined || more.length > 0) throw new Misuse('export needs ZONE')
  const { zone } = await openZone(options, zoneText)
  options.terminal.out(lines(recordLines(recordsOf(zone))))
  return EXIT.OK
}

async function set(
  [nameText, typeText, ...data]: readonly string[],
  options: Options,
): Promise<number> {
  if (nameText === undefined || typeText === undefined || data.length === 0)
    throw new Misuse('set needs NAME TYPE DATA')
  const owner = nameOf(nameText)
  const open = await openZone(options, nameText)
  const type = typeOf(typeText)
  const rdata = dataOf(type, data, open.zone)
  const ttlSeconds = options.ttl === undefined ? undefined : ttlOf(options.ttl)
  const keepsOthers = options.add === true
  const change = changeToSet(open.zone, { owner, type, rdata }, { ttlSeconds, keepsOthers })
  if (change !== undefined) return await open.apply(change)
  options.terminal.out('It is so already\n')
  return EXIT.OK
}

async function remove(
  [nameText, typeText, ...data]: readonly string[],
  options: Options,
): Promise<number> {
  if (nameText === undefined) throw new Misuse('delete needs NAME [TYPE [DATA]]')
  const open = await openZone(options, nameText)
  const type = typeText === undefined ? undefined : typeOf(typeText)
  const rdata = type === undefined || data.length === 0 ? undefined : dataOf(type, data, open.zone)
  const change = changeToDelete(open.zone, nameOf(nameText), { type, rdata })
  if (!change.ok) throw new Fatal(change.error)
  return await open.apply(change.value)
}

/** A zone that is there already is edited to say what the file says; a new one is the file. */
async function importZone(
  [file, zoneText, ...more]: readonly string[],
  options: Options,
): Promise<number> {
  if (file === undefined || zoneText === undefined || more.length > 0)
    throw new Misuse('import needs FILE ZONE, where - is standard input')
  const bytes = file === '-' ? options.terminal.stdin() : readFileOf(file)
  const origin = nameOf(zoneText)
  if (options.server !== undefined)
    return await importToServer(serverOf(options), { origin, file, bytes }, options.terminal)
  const path = `${zoneFolder(options.view ?? DEFAULT_VIEW)}/${
    formatName(origin)
      .slice(0, -1)
      .replaceAll('/', String.raw`\047`) || '@'
  }`
  const text = `${latin1(bytes)
    .replaceAll('\r\n', '\n')
    .replaceAll(/[ \t]+$/gm, '')
    .trimEnd()}\n`
  const folder = new ZoneFolder(options.dir)
  const before = loadZones(folder, undefined, options.view).zones.get(origin)
  const place = before?.paths[0] ?? path
  const written = folder.with(new Map([[place, Buffer.from(text, 'latin1')]]))
  const read = loadZones(written, undefined, options.view)
  const problems = read.problems.filter((problem) => problem.file === place)
  options.terminal.err(problems.map((problem) => `${formatProblem(problem)}\n`).join(''))
  const zone = read.zones.get(origin)?.zone
  if (zone === undefined) throw new Fatal(`Nothing was written: mend ${file} first`)
  if (before?.zone !== undefined) {
    const change = zoneDifference(before.zone, zone)
    if (change.added.length + change.removed.length > 0)
      return apply(folder, before.zone, change, { ...options, 'keep-serial': true })
    options.terminal.out('It is so already\n')
    return EXIT.OK
  }
  written.write()
  options.terminal.out(`${place}: ${recordsOf(zone).length} records\n`)
  return EXIT.OK
}

async function diff(words: readonly string[], options: Options): Promise<number> {
  const [first = '', second, ...more] = words
  const range = /^(.*?)\.\.(.*)$/.exec(first)
  if (more.length > 0 || first === '')
    throw new Misuse('diff needs REV..REV [ZONE], ZONE with --server, or two zone files')
  if (options.server !== undefined) {
    if (second !== undefined) throw new Misuse('diff with --server needs ZONE alone')
    const { zone } = openClone(options, first)
    const theirs = await serverOf(options).transfer(zone.origin)
    const before = theirs ?? zoneOfRecords(zone.origin, [])
    printChange(options.terminal, before, zone, ownChange(before, zone))
    return EXIT.OK
  }
  // A path may have dots as well, but is there.
  if (range !== null && !isFile(first)) {
    const [, from, to] = range
    const origin = second === undefined ? undefined : nameOf(second)
    printBetween({ from: from!, to: to! }, origin, historyOf(options))
    return EXIT.OK
  }
  if (second === undefined)
    throw new Misuse('diff needs REV..REV [ZONE], ZONE with --server, or two zone files')
  return diffFiles(first, second, options.terminal)
}

function log([zoneText, ...more]: readonly string[], options: Options): number {
  if (zoneText === undefined || more.length > 0) throw new Misuse('log needs ZONE')
  const limit = Number(options.limit ?? LOG_LIMIT)
  if (!Number.isInteger(limit) || limit < 1)
    throw new Misuse(`--limit: expected a number from 1, found ${options.limit!}`)
  printLog(nameOf(zoneText), limit, historyOf(options))
  return EXIT.OK
}

function historyOf({ dir, view, terminal }: Options): HistoryOptions {
  return { dir, view, terminal }
}

function diffFiles(from: string, to: string, terminal: Terminal): number {
  const named = [from, to].map((file) => zoneFileName(file.split('/').at(-1)!))
  const origin = named.find((name) => name.kind === 'zone')?.origin
  if (origin === undefined) throw new Misuse('Neither file is named like its zone')
  const [before, after] = [from, to].map((file) => {
    const path = formatName(origin).slice(0, -1) || '@'
    const alone = new Map([[`zones/${path}`, readFileOf(file)]])
    const read = loadZones(new ZoneFolder(file.split('/').slice(0, -1).join('/') || '.', alone))
    const zone = read.zones.get(origin)?.zone
    if (zone !== undefined) return zone
    const problem = read.problems.find(({ severity }) => severity === 'error')
    throw new Fatal(
      problem === undefined ? `${file} is no zone` : formatProblem({ ...problem, file }),
    )
  })
  const change = zoneDifference(before!, after!)
  printChange(terminal, before!, after!, change)
  return EXIT.OK
}

/** A zone in a clone or at a server. */
type OpenZone = {
  readonly zone: Zone
  /** Gives the exit code. */
  apply(change: RecordChange): Promise<number> | number
}

/** The zone that `nameText` is in. */
async function openZone(options: Options, nameText: string): Promise<OpenZone> {
  if (options.server !== undefined)
    return await openAtServer(serverOf(options), nameOf(nameText), options.terminal)
  const { folder, zone } = openClone(options, nameText)
  return { zone, apply: (change) => apply(folder, zone, change, options) }
}

function serverOf({ server, key, tls }: Options): ZoneServer {
  return new ZoneServer({ server: server!, key, tls })
}

function openClone(
  { dir, view }: Options,
  nameText: string,
): { readonly folder: ZoneFolder; readonly zone: Zone } {
  const folder = new ZoneFolder(dir)
  if (folder.entry('')?.mode === undefined)
    throw new Fatal(`${dir} is no folder: give the clone with --dir`)
  const { zones, problems } = loadZones(folder, undefined, view)
  let served: ServedZone | undefined
  let at: Name | undefined = nameOf(nameText)
  for (; at !== undefined && served === undefined; at = parentName(at)) served = zones.get(at)
  if (served === undefined) {
    const known = [...zones].slice(0, SHOWN_LIMIT).map(({ origin }) => formatName(origin))
    const what =
      known.length === 0 ? 'there are none: is --dir a clone?' : `there are ${known.join(' ')}`
    throw new Fatal(`No zone for ${nameText} in ${dir}; ${what}`)
  }
  if (served.zone !== undefined) return { folder, zone: served.zone }
  const files = [...served.paths, ...served.includes]
  const own = problems.filter((p) => p.severity === 'error' && files.includes(p.file ?? ''))
  throw new Fatal(own.map(formatProblem).join('\n'))
}

/** Writes the files only when they make a zone without errors. */
function apply(folder: ZoneFolder, zone: Zone, change: RecordChange, options: Options): number {
  const { terminal } = options
  const wallMs = terminal.wallMs()
  const whole = options['keep-serial'] === true ? change : withNextSerial(zone, change, { wallMs })
  const all = [...loadBranch(folder, viewsIn(folder)).zones]
  const edited = editZoneText(zone.text!, whole, (file) => {
    return all.reduce((sum, set) => sum + set.includersOf(file).size, 0) > 1
  })
  if (!edited.ok) throw new Fatal(formatProblem(edited.error))
  const after = folder.with(edited.value)
  const read = loadZones(after, undefined, options.view)
  const next = read.zones.get(zone.origin)?.zone
  if (next === undefined) {
    const files = new Set(edited.value.keys())
    const wrong = read.problems.filter((p: Problem) => hasErrors([p]) && files.has(p.file ?? ''))
    throw new Fatal(`Nothing was written:\n${wrong.map(formatProblem).join('\n')}`)
  }
  after.write()
  printChange(terminal, zone, next, zoneDifference(zone, next))
  terminal.out(`${[...edited.value.keys()].join(' ')} changed: commit and push to serve it\n`)
  return EXIT.OK
}

function isFile(path: string): boolean {
  return statSync(Buffer.from(path, 'latin1'), { throwIfNoEntry: false })?.isFile() === true
}

function readFileOf(path: string): Uint8Array {
  try {
    return readFileSync(Buffer.from(path, 'latin1'))
  } catch (cause) {
    throw new Fatal(`${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause })
  }
}

function unknownVerb(verb: string): string {
  const known = Object.keys(VERBS)
  const near = nearest(verb, known)
  return verb === ''
    ? `What? One of ${known.join(', ')}`
    : `Unknown "${verb}"${near === undefined ? '' : `; the nearest known one is "${near}"`}`
}

function isArgumentError(cause: unknown): boolean {
  return (
    cause instanceof Error && 'code' in cause && String(cause.code).startsWith('ERR_PARSE_ARGS')
  )
}

function octets(word: string): string {
  return Buffer.from(word, 'utf8').toString('latin1')
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

const VERBS: {
  readonly [verb: string]: (words: readonly string[], options: Options) => Promise<number> | number
} = {
  show,
  set,
  delete: remove,
  log,
  diff,
  import: importZone,
  export: exportZone,
  check,
}
const OPTIONS = {
  dir: { type: 'string', short: 'd' },
  ttl: { type: 'string' },
  type: { type: 'string' },
  add: { type: 'boolean' },
  'keep-serial': { type: 'boolean' },
  view: { type: 'string' },
  server: { type: 'string' },
  key: { type: 'string' },
  tls: { type: 'string' },
  limit: { type: 'string' },
} as const
const AT_SERVERS: readonly string[] = ['show', 'set', 'delete', 'diff', 'import', 'export']
const LOG_LIMIT = 20
const SHOWN_LIMIT = 10
