// Entries of a zone file to records: owner, TTL, class and type in their places, and what `$ORIGIN`, `$TTL` and
// `$GENERATE` do to them (RFC 1035 §5.1, RFC 2308 §4).
import { parseName, type Name } from '../dns/name.ts'
import { CLASS, classNumber, isMetaType, TYPE, typeNumber } from '../dns/record-types.ts'
import { parseRdata } from '../dns/rdata.ts'
import { err, ok, type Result } from '../result/result.ts'
import { parseTtl, TTL_LIMIT_SECONDS } from '../dns/ttl-text.ts'
import { EntryContext, type EntryState } from './entry-context.ts'
import { PlainEntry } from './plain-entry.ts'
import { OwnerFilterDraft, type OwnerFilter } from './owner-filter.ts'
import type { RecordSink } from './record-sink.ts'
import {
  fillTemplate,
  parseRange,
  parseTemplate,
  type GenerateRange,
  type Template,
} from './zone-text-generate.ts'
import { ZoneLexer, type WordForm } from './zone-text-lexer.ts'

export type EntryProblem = {
  readonly severity: 'error' | 'warning'
  /** Counted like a record's. */
  readonly line: number
  readonly message: string
}

export type IncludeRequest = {
  readonly name: string
  /** Undefined: the current one. */
  readonly origin: Name | undefined
  readonly line: number
}

const MESSAGE_LIMIT = 240

/** Reads the entries of a text, one chunk of them after another. */
export class EntryReader {
  readonly #lexer: ZoneLexer
  readonly #sink: RecordSink | undefined
  readonly #context = new EntryContext()
  readonly #plain = new PlainEntry(this.#context)
  #chunkLine = 0
  #entryLine = 0
  #records = 0
  #generated = 0
  #hasDirective = false
  #problems: EntryProblem[] = []
  #missing: Set<number> | undefined
  readonly #owners = new OwnerFilterDraft()
  /** Of the entry that is read: its first word. */
  #ownerAt = 0
  #ownerEnd = 0

  /** `sink` gets every record. */
  constructor(text: Buffer, sink: RecordSink | undefined) {
    this.#lexer = new ZoneLexer(text, 0, 1)
    this.#sink = sink
  }

  /** What is counted and listed from here on is that of one chunk, whose first entry begins at `at`. */
  begin(at: number, line: number, state: EntryState): void {
    this.#lexer.at = at
    this.#lexer.line = line
    this.#context.enter(state)
    this.#chunkLine = line
    this.#records = 0
    this.#generated = 0
    this.#hasDirective = false
    this.#problems = []
    this.#missing = undefined
    this.#owners.clear()
  }

  get at(): number {
    return this.#lexer.at
  }

  get isAtEnd(): boolean {
    return this.#lexer.isAtEnd
  }

  get line(): number {
    return this.#lexer.line
  }

  get state(): EntryState {
    return this.#context.state
  }

  get recordCount(): number {
    return this.#records
  }

  /** How many of them `$GENERATE` made. */
  get generatedCount(): number {
    return this.#generated
  }

  /** Whether anything but records and comments was read. */
  get hasDirective(): boolean {
    return this.#hasDirective
  }

  get problems(): readonly EntryProblem[] {
    return this.#problems.length === 0 ? NO_PROBLEMS : this.#problems
  }

  /** Types of which records may be missing, for what could not be read; ANY when nobody knows which. */
  get missing(): ReadonlySet<number> {
    return this.#missing ?? NOTHING
  }

  /** Of the records' owners. */
  get owners(): OwnerFilter {
    return this.#owners.finish()
  }

  /** 'blank' for an entry without words. The caller reads what an `$INCLUDE` asks for. */
  readEntry(): 'blank' | 'entry' | IncludeRequest {
    const lexer = this.#lexer
    this.#entryLine = lexer.line
    const next = this.#plain.read(lexer.text, lexer.at)
    if (next >= 0) {
      lexer.at = next
      lexer.line += this.#plain.lines
      if (lexer.text[next - 1] === NEWLINE) lexer.line++
      this.#emit()
      return 'entry'
    }
    lexer.beginEntry()
    const isIndented = lexer.isIndented
    const start = lexer.at
    const first = lexer.next('plain')
    let include: IncludeRequest | undefined
    const problemsBefore = this.#problems.length
    if (first !== undefined) {
      if (first.charCodeAt(0) === DOLLAR) include = this.#readDirective(first, isIndented)
      else if (isIndented) this.#readRecord(undefined, first)
      else {
        this.#ownerAt = start
        this.#ownerEnd = lexer.at
        this.#readRecord(first, lexer.next('plain'))
      }
    }
    this.#settleFault(problemsBefore)
    return first === undefined ? 'blank' : (include ?? 'entry')
  }

  #emit(): void {
    const { record } = this.#context
    this.#records++
    record.line = this.#entryLine - this.#chunkLine
    this.#owners.add(record.ownerNumber, record.ownerHash)
    this.#sink?.add(record)
  }

  /** A broken quote or parenthesis explains whatever else went wrong in the entry, which has given no record then. */
  #settleFault(problemsBefore: number): void {
    const { fault } = this.#lexer
    if (fault === undefined) return
    this.#problems.length = problemsBefore
    this.#problem('error', fault.message, fault.line)
    this.#miss(TYPE.ANY)
    this.#lose('owner')
  }

  /** Always ends behind the entry. */
  #readRecord(ownerToken: string | undefined, first: string | undefined): void {
    const hasOwner = ownerToken === undefined ? this.#hasLastOwner() : this.#readOwner(ownerToken)
    if (!hasOwner) {
      this.#lose('owner')
      this.#lexer.skipEntry()
      return
    }
    const head = this.#readHead(first)
    if (head === undefined) {
      this.#assumeTtl()
      return this.#lexer.skipEntry()
    }
    const tokens = this.#rest(wordForm(head.type))
    // A half-read entry gives half a record.
    if (this.#lexer.fault !== undefined || !this.#addRecord(head, tokens)) return
    if (NAME_LAST.has(head.type)) this.#warnWithoutDot(tokens.at(-1)!)
  }

  /** Of an entry that begins with a space; any name will do for a record that is left out. */
  #hasLastOwner(): boolean {
    const { hasOwner, lost } = this.#context
    if (!hasOwner && lost === undefined)
      this.#error('No owner: the first record must begin with a name')
    return hasOwner || lost !== undefined
  }

  #readOwner(token: string): boolean {
    const context = this.#context
    const name = parseName(unquote(token), context.origin)
    if (!name.ok) {
      this.#error(`Owner: ${name.error}`)
      return false
    }
    // Said once of the same word again and again.
    if (!this.#isOwnerRepeated()) this.#warnWithoutDot(token)
    this.#setOwner(name.value)
    context.ownerWordAt = this.#ownerAt
    context.ownerWordEnd = this.#ownerEnd
    if (context.lost === 'owner') context.lost = undefined
    return true
  }

  #setOwner(name: Name): void {
    const context = this.#context
    if (!context.hasOwner || !context.record.isOwnedBy(name)) context.record.setOwner(name)
    context.hasOwner = true
  }

  #isOwnerRepeated(): boolean {
    const { ownerWordAt: from, ownerWordEnd } = this.#context
    const { text } = this.#lexer
    const length = this.#ownerEnd - this.#ownerAt
    if (ownerWordEnd - from !== length) return false
    return text.compare(text, this.#ownerAt, this.#ownerEnd, from, ownerWordEnd) === 0
  }

  /** TTL and class in either order, then the type; undefined when they are wrong, which is then said. */
  #readHead(first: string | undefined): RecordHead | undefined {
    let ttl: number | undefined
    let hasClass = false
    for (let token = first; ; token = this.#lexer.next('plain')) {
      if (token === undefined) return this.#error('Record type is missing')
      const isTtl = ttl === undefined && isDigit(token.charCodeAt(0))
      if (isTtl) {
        ttl = this.#ttl(token)
        if (ttl === undefined) return undefined
        continue
      }
      if (!hasClass && (token === 'IN' || classNumber(token) === CLASS.IN)) {
        hasClass = true
        continue
      }
      const type = typeNumber(token)
      if (type !== undefined && !isMetaType(type)) return { ttl, type }
      if (type !== undefined) return this.#error(`No zone has records of type ${token}`)
      if (classNumber(token) !== undefined)
        return this.#error(
          hasClass ? `Class ${token} after a class` : `Class ${token}: only IN is served`,
        )
      return this.#error(`Unknown record type ${token}`)
    }
  }

  #addRecord(head: RecordHead, tokens: readonly string[]): boolean {
    const { type } = head
    const context = this.#context
    const rdata = parseRdata(type, tokens, context.origin)
    if (!rdata.ok) {
      this.#error(rdata.error, type)
      if (type === TYPE.SOA) this.#assumeTtl()
      return false
    }
    const ttlSeconds = this.#settleTtl(head, rdata.value)
    if (ttlSeconds === undefined) return false
    if (context.lost !== undefined) {
      this.#miss(type)
      return true
    }
    context.record.type = type
    context.record.ttlSeconds = ttlSeconds
    context.record.setRdata(rdata.value)
    this.#emit()
    return true
  }

  #settleTtl({ ttl, type }: RecordHead, rdata: Uint8Array): number | undefined {
    const context = this.#context
    const { defaultTtl, lastTtl } = context
    if (ttl !== undefined) {
      if (defaultTtl === undefined) context.lastTtl = ttl
      return ttl
    }
    const inherited = defaultTtl ?? lastTtl
    if (inherited !== undefined) return inherited
    if (type !== TYPE.SOA) {
      this.#error('No TTL: write one here, or $TTL before the records', type)
      return this.#assumeTtl()
    }
    const minimum = new DataView(rdata.buffer, rdata.byteOffset).getUint32(rdata.length - 4)
    if (minimum > TTL_LIMIT_SECONDS) {
      this.#error('No TTL, and the minimum is too large for one', type)
      return this.#assumeTtl()
    }
    this.#problem('warning', `No TTL: the SOA's minimum of ${minimum} s is taken`, this.#entryLine)
    context.defaultTtl = minimum
    return minimum
  }

  /** Where the TTL of what follows could not be read: that it has none was the fault of one entry, and is told once. */
  #assumeTtl(): undefined {
    const context = this.#context
    if (context.defaultTtl === undefined && context.lastTtl === undefined) context.defaultTtl = 0
  }

  #ttl(token: string): number | undefined {
    const ttl = parseTtl(token)
    if (ttl === undefined)
      return this.#error(`Expected a TTL such as 3600 or 1h30m, found ${token}`)
    if (ttl > TTL_LIMIT_SECONDS)
      return this.#error(`TTL ${token} is more than ${TTL_LIMIT_SECONDS} seconds`)
    return ttl
  }

  #readDirective(token: string, isIndented: boolean): IncludeRequest | undefined {
    const directive = token.toUpperCase()
    this.#hasDirective = true
    if (isIndented) this.#error(`${directive} must begin its line`)
    else if (directive === '$GENERATE') this.#readGenerate()
    else if (directive === '$ORIGIN') this.#readOrigin()
    else if (directive === '$TTL') this.#readTtl()
    else if (directive === '$INCLUDE') return this.#readInclude()
    else this.#error(`Unknown directive ${token}`)
    this.#lexer.skipEntry()
    return undefined
  }

  #readOrigin(): void {
    const [token, extra] = this.#rest('plain')
    const context = this.#context
    const { origin: before, lost } = context
    const origin = token === undefined ? err('needs a name') : parseName(token, before)
    if (extra !== undefined) this.#error(`Unexpected ${extra} after $ORIGIN`)
    if (token === undefined || !origin.ok || this.#lexer.fault !== undefined) {
      if (!origin.ok) this.#error(`$ORIGIN: ${origin.error}`)
      return this.#lose('origin')
    }
    this.#warnWithoutDot(token)
    const isFound = lost === 'origin' && token.endsWith('.')
    if (isFound) context.lost = undefined
    context.setOrigin(origin.value)
  }

  #readTtl(): void {
    const [token, extra] = this.#rest('plain')
    if (token === undefined) this.#error('$TTL needs a time')
    const ttl = token === undefined ? undefined : this.#ttl(token)
    if (extra !== undefined) this.#error(`Unexpected ${extra} after $TTL`)
    if (ttl === undefined) return this.#assumeTtl()
    this.#context.defaultTtl = ttl
    this.#context.lastTtl = undefined
  }

  #readInclude(): IncludeRequest | undefined {
    const [token, originToken, extra] = this.#rest('plain')
    if (token === undefined) return this.#error('$INCLUDE needs the name of a file')
    if (extra !== undefined) return this.#error(`Unexpected ${extra} after $INCLUDE`)
    const line = this.#entryLine - this.#chunkLine
    // What the words of a broken entry mean is anyone's guess.
    if (this.#lexer.fault !== undefined) return undefined
    if (originToken === undefined) return { name: unquote(token), origin: undefined, line }
    const origin = parseName(originToken, this.#context.origin)
    if (!origin.ok) return this.#error(`$INCLUDE: ${origin.error}`)
    return { name: unquote(token), origin: origin.value, line }
  }

  /** `range owner [ttl] [class] type data`; the data may be one quoted string with all its words, as BIND has it. */
  #readGenerate(): void {
    const rangeToken = this.#lexer.next('plain')
    const ownerToken = this.#lexer.next('plain')
    if (rangeToken === undefined) return this.#error('$GENERATE needs a range')
    const range = parseRange(rangeToken)
    if (!range.ok) return this.#error(`$GENERATE: ${range.error}`)
    if (ownerToken === undefined) return this.#error('$GENERATE needs an owner')
    const head = this.#readHead(this.#lexer.next('plain'))
    if (head === undefined) return
    const form = wordForm(head.type)
    const words = this.#rest(form)
    if (this.#lexer.fault !== undefined) return
    const isOneString = words.length === 1 && words[0]!.startsWith('"')
    const texts = isOneString ? [unquote(words[0]!).replaceAll('\\"', '"')] : words
    const templates: Template[] = []
    for (const text of [unquote(ownerToken), ...texts]) {
      const template = parseTemplate(text)
      if (!template.ok) return this.#error(`$GENERATE: ${template.error}`)
      templates.push(template.value)
    }
    const context = this.#context
    const owner = context.hasOwner ? context.record.ownerName() : undefined
    this.#generate(range.value, head, templates, isOneString)
    // What was generated does not become the owner of the next line.
    context.hasOwner = owner !== undefined
    if (owner !== undefined) context.record.setOwner(owner)
  }

  #generate(
    { start, stop, step }: GenerateRange,
    head: RecordHead,
    templates: readonly Template[],
    isOneString: boolean,
  ): void {
    const form = wordForm(head.type)
    const [ownerTemplate, ...wordTemplates] = templates
    for (let number = start; number <= stop; number += step) {
      const owner = parseName(fillTemplate(ownerTemplate!, number), this.#context.origin)
      if (!owner.ok) return this.#error(`$GENERATE for ${number}: ${owner.error}`)
      const filled = wordTemplates.map((template) => fillTemplate(template, number))
      const tokens = isOneString ? wordsOf(filled[0]!, form) : ok(filled)
      if (!tokens.ok) return this.#error(`$GENERATE for ${number}: ${tokens.error}`)
      this.#setOwner(owner.value)
      // One that fails stands for all of them.
      if (!this.#addRecord(head, tokens.value)) return
      this.#generated++
    }
  }

  #rest(form: WordForm): string[] {
    const tokens: string[] = []
    for (let token = this.#lexer.next(form); token !== undefined; token = this.#lexer.next(form))
      tokens.push(token)
    return tokens
  }

  /** `www.example.org` inside example.org nearly always lacks its dot. */
  #warnWithoutDot(token: string): void {
    const octets = Buffer.from(token, 'latin1')
    if (!this.#context.lacksDot(octets, 0, octets.length)) return
    const tail = this.#context.originTail.toString('latin1')
    this.#problem(
      'warning',
      `${token} has no final dot and means ${token}.${tail}.`,
      this.#entryLine,
    )
  }

  /** `missing` is the type of the record that is lost with it. */
  #error(message: string, missing: number = TYPE.ANY): undefined {
    this.#problem('error', message, this.#entryLine)
    this.#miss(missing)
  }

  #miss(type: number): void {
    this.#missing ??= new Set()
    this.#missing.add(type)
  }

  /** A lost origin is the greater loss: it takes the owners along. */
  #lose(what: 'owner' | 'origin'): void {
    const context = this.#context
    if (context.lost !== 'origin') context.lost = what
  }

  #problem(severity: EntryProblem['severity'], message: string, line: number): void {
    this.#problems.push({ severity, line: line - this.#chunkLine, message: readable(message) })
  }
}

type RecordHead = { readonly ttl: number | undefined; readonly type: number }

function wordsOf(text: string, form: WordForm): Result<readonly string[], string> {
  const lexer = new ZoneLexer(Buffer.from(text, 'latin1'), 0, 0)
  const words: string[] = []
  for (let word = lexer.next(form); word !== undefined; word = lexer.next(form)) words.push(word)
  return lexer.fault === undefined ? ok(words) : err(lexer.fault.message)
}

/** How the words of a record of `type` are split. */
export function wordForm(type: number): WordForm {
  return type === TYPE.SVCB || type === TYPE.HTTPS ? 'key=value' : 'plain'
}

function unquote(token: string): string {
  return token.startsWith('"') ? token.slice(1, token.endsWith('"') ? -1 : undefined) : token
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

/** Texts of a zone file hold octets: here they become what the person sees, cut to a line and without controls. */
function readable(message: string): string {
  const cut = message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT)}...` : message
  const isAscii = /^[ -~]*$/.test(cut)
  if (isAscii) return cut
  const text = NOT_OCTETS.test(cut) ? cut : Buffer.from(cut, 'latin1').toString('utf8')
  return text.replaceAll(/\p{Cc}/gu, (c) => `\\${String(c.charCodeAt(0)).padStart(3, '0')}`)
}

// oxlint-disable-next-line no-control-regex -- all octets, controls too
const NOT_OCTETS = /[^\u0000-\u00ff]/
const DOLLAR = 0x24
const NEWLINE = 0x0a
const NO_PROBLEMS: readonly EntryProblem[] = []
const NOTHING: ReadonlySet<number> = new Set()

/** Types whose data ends in a host's name. */
const NAME_LAST: ReadonlySet<number> = new Set([
  TYPE.NS,
  TYPE.CNAME,
  TYPE.DNAME,
  TYPE.PTR,
  TYPE.MX,
  TYPE.SRV,
  TYPE.AFSDB,
  TYPE.NAPTR,
])
