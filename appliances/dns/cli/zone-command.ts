// The command `zone`: shows, edits and checks the zone files of a clone, leaving comments and layout to their author.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { systemClock } from '../../../shared/clock/clock.ts'
import { nearest } from '../../../shared/config/key-path.ts'
import {
  canonicalName,
  formatName,
  parentName,
  parseName,
  type Name,
} from '../../../shared/dns/name.ts'
import type { Record } from '../../../shared/dns/record.ts'
import { parseTtl, TTL_LIMIT_SECONDS } from '../../../shared/dns/ttl-text.ts'
import { formatProblem, hasErrors, type Problem } from '../../../shared/result/problem.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { changeToDelete, changeToSet, withNextSerial } from '../core/branch/zone-edit-request.ts'
import { DEFAULT_VIEW, zoneFileName, zoneFolder } from '../core/branch/zone-files.ts'
import { loadBranch, viewsIn } from '../core/branch/branch-zones.ts'
import { loadZones, type ServedZone } from '../core/branch/zone-set.ts'
import { BranchKeys } from '../core/keys/branch-keys.ts'
import type { RecordChange } from '../core/text/edit-plan.ts'
import { recordLines } from '../core/text/record-lines.ts'
import { parseRecordData, parseRecordType } from '../core/text/record-words.ts'
import { editZoneText } from '../core/text/zone-text-edit.ts'
import { zoneDifference } from '../core/zone/zone-difference.ts'
import type { Zone } from '../core/zone/zone.ts'
import { ZoneFolder } from './zone-folder.ts'

export type Terminal = {
  out(text: string): void
  err(text: string): void
  stdin(): Uint8Array
  /** Milliseconds since 1970, for serials that are dates. */
  wallMs(): number
}

export const zoneCommand: Command = {
  summary: 'show, edit, compare and check the zone files of a clone',
  get help() {
    return HELP
  },
  run: async (args) =>
    runZone(args, {
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
      stdin: () => readFileSync(0),
      wallMs: () => systemClock.wallMs(),
    }),
}

/** Gives the exit code. */
export function runZone(args: readonly string[], terminal: Terminal): number {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    })
    const [verb = '', ...words] = positionals
    const run = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
    if (run === undefined) throw new Misuse(unknownVerb(verb))
    return run(words.map(octets), { ...values, dir: values.dir ?? '.', terminal })
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
  readonly terminal: Terminal
}

/** Wrong words on the command line. */
class Misuse extends Error {}

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

function show([zoneText, nameText, ...more]: readonly string[], options: Options): number {
  if (zoneText === undefined || more.length > 0) throw new Misuse('show needs ZONE [NAME]')
  const { zone } = openZone(options, zoneText)
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
function exportZone([zoneText, ...more]: readonly string[], options: Options): number {
  if (zoneText === undefined || more.length > 0) throw new Misuse('export needs ZONE')
  const { zone } = openZone(options, zoneText)
  options.terminal.out(lines(recordLines(recordsOf(zone))))
  return EXIT.OK
}

function set([nameText, typeText, ...data]: readonly string[], options: Options): number {
  if (nameText === undefined || typeText === undefined || data.length === 0)
    throw new Misuse('set needs NAME TYPE DATA')
  const owner = nameOf(nameText)
  const open = openZone(options, nameText)
  const type = typeOf(typeText)
  const rdata = dataOf(type, data, open.zone)
  const ttlSeconds = options.ttl === undefined ? undefined : ttlOf(options.ttl)
  const keepsOthers = options.add === true
  const change = changeToSet(open.zone, { owner, type, rdata }, { ttlSeconds, keepsOthers })
  if (change !== undefined) return apply(open, change, options)
  options.terminal.out('It is so already\n')
  return EXIT.OK
}

function remove([nameText, typeText, ...data]: readonly string[], options: Options): number {
  if (nameText === undefined) throw new Misuse('delete needs NAME [TYPE [DATA]]')
  const open = openZone(options, nameText)
  const type = typeText === undefined ? undefined : typeOf(typeText)
  const rdata = type === undefined || data.length === 0 ? undefined : dataOf(type, data, open.zone)
  const change = changeToDelete(open.zone, nameOf(nameText), { type, rdata })
  if (!change.ok) throw new Fatal(change.error)
  return apply(open, change.value, options)
}

/** A zone that is there already is edited to say what the file says; a new one is the file. */
function importZone([file, zoneText, ...more]: readonly string[], options: Options): number {
  if (file === undefined || zoneText === undefined || more.length > 0)
    throw new Misuse('import needs FILE ZONE, where - is standard input')
  const bytes = file === '-' ? options.terminal.stdin() : readFileOf(file)
  const origin = nameOf(zoneText)
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
    const open = { folder, zone: before.zone }
    if (change.added.length + change.removed.length > 0)
      return apply(open, change, { ...options, 'keep-serial': true })
    options.terminal.out('It is so already\n')
    return EXIT.OK
  }
  written.write()
  options.terminal.out(`${place}: ${recordsOf(zone).length} records\n`)
  return EXIT.OK
}

function diff([from, to, ...more]: readonly string[], { terminal }: Options): number {
  if (from === undefined || to === undefined || more.length > 0)
    throw new Misuse('diff needs two zone files')
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
  terminal.out(changeText(before!, after!, change))
  return EXIT.OK
}

type OpenZone = { readonly folder: ZoneFolder; readonly zone: Zone }

/** The zone that `nameText` is in. */
function openZone({ dir, view }: Options, nameText: string): OpenZone {
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
function apply({ folder, zone }: OpenZone, change: RecordChange, options: Options): number {
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
  terminal.out(changeText(zone, next, zoneDifference(zone, next)))
  terminal.out(`${[...edited.value.keys()].join(' ')} changed: commit and push to serve it\n`)
  return EXIT.OK
}

/** The serial apart, then what went and what came. */
function changeText(before: Zone, after: Zone, { added, removed }: RecordChange): string {
  const isOther = (record: Record): boolean =>
    record.owner !== before.origin || record.type !== SOA_TYPE
  const isSerialOnly = sameButSerial(before, after)
  const shown = (records: readonly Record[]): readonly string[] =>
    recordLines(isSerialOnly ? records.filter(isOther) : records)
  const serial =
    before.serial === after.serial ? '' : `serial ${before.serial} -> ${after.serial}\n`
  const gone = shown(removed).map((line) => `- ${line}`)
  return serial + lines([...gone, ...shown(added).map((line) => `+ ${line}`)])
}

function sameButSerial(before: Zone, after: Zone): boolean {
  const text = (zone: Zone): string => {
    const rdata = Buffer.from(zone.soa?.rdatas[0] ?? [])
    if (rdata.length >= SERIAL_FROM_END)
      rdata.fill(0, rdata.length - SERIAL_FROM_END, rdata.length - 16)
    return `${zone.soa?.ttlSeconds} ${rdata.toString('latin1')}`
  }
  return text(before) === text(after)
}

function recordsOf(zone: Zone): readonly Record[] {
  const records: Record[] = []
  for (const [, { name: owner, rrsets }] of zone.nodes.entries())
    for (const { type, ttlSeconds, rdatas } of rrsets)
      for (const rdata of rdatas) records.push({ owner, type, ttlSeconds, rdata })
  return records
}

function nameOf(text: string): Name {
  const name = parseName(text)
  if (!name.ok) throw new Misuse(`${text}: ${name.error}`)
  return canonicalName(name.value)
}

function typeOf(text: string): number {
  const type = parseRecordType(text.toUpperCase())
  if (!type.ok) throw new Misuse(type.error)
  return type.value
}

function dataOf(type: number, words: readonly string[], zone: Zone): Uint8Array {
  const rdata = parseRecordData(type, words, zone.origin)
  if (!rdata.ok) throw new Misuse(rdata.error)
  return rdata.value
}

function ttlOf(text: string): number {
  const ttl = parseTtl(text)
  if (ttl === undefined || ttl > TTL_LIMIT_SECONDS)
    throw new Misuse(`--ttl: expected a TTL such as 3600 or 1h30m, found ${text}`)
  return ttl
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

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('')
}

const VERBS: { readonly [verb: string]: (words: readonly string[], options: Options) => number } = {
  show,
  set,
  delete: remove,
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
} as const
const SOA_TYPE = 6
const SERIAL_FROM_END = 20
const SHOWN_LIMIT = 10

const HELP = `Shows, edits, compares and checks the zone files of a clone. Comments, order and columns stay as they are.

Usage: cairn-dns zone show ZONE [NAME] [--type TYPE]
       cairn-dns zone set NAME TYPE DATA... [--ttl TTL] [--add]
       cairn-dns zone delete NAME [TYPE [DATA...]]
       cairn-dns zone diff FILE FILE
       cairn-dns zone import FILE ZONE          (- reads standard input)
       cairn-dns zone export ZONE
       cairn-dns zone check [DIR [FILE...]]     (with files: the zones these are a part of)

Options:
  --dir DIR        the clone, . without it
  --view NAME      the zones of a view, in views/NAME/zones
  --ttl TTL        such as 300 or 1h; without it as the other records have it
  --add            keep the other records of that name and type
  --keep-serial    do not raise the SOA serial

Try it:
  cairn-dns zone set www.example.org A 192.0.2.7 --ttl 300
  cairn-dns zone set example.org MX 10 mail.example.org --add
  cairn-dns zone set _dmarc.example.org TXT 'v=DMARC1; p=none'
  cairn-dns zone delete old.example.org
  dig axfr example.org @old-server | cairn-dns zone import - example.org

Names in DATA are whole names; one without a dot is below the zone.
Exit codes: 0 fine, 64 bad usage, 78 errors in the zones, or nothing done for a reason that is told.
`
