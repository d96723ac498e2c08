// Entries of a zone file to records: owner, TTL, class and type in their places, and what `$ORIGIN`, `$TTL` and
// `$GENERATE` do to them (RFC 1035 §5.1, RFC 2308 §4).
import { formatName, parseName, ROOT, type Name } from '../../../../shared/dns/name.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import {
  CLASS,
  classNumber,
  isMetaType,
  TYPE,
  typeNumber,
} from '../../../../shared/dns/record-types.ts'
import { parseRdata } from '../../../../shared/dns/rdata.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { parseTtl, TTL_LIMIT_SECONDS } from '../../../../shared/dns/ttl-text.ts'
import { fillTemplate, parseRange, parseTemplate, type Template } from './zone-text-generate.ts'
import { ZoneLexer, type WordForm } from './zone-text-lexer.ts'

export type ParsedRecord = Record & {
  /** Of the entry's first line, counted from the first line of the chunk, which is 0. */
  readonly line: number
  readonly file: string
}

/** What an entry takes over from the entries before it. */
export type EntryState = {
  readonly origin: Name
  /** Undefined before the first record. */
  readonly owner: Name | undefined
  /** Of `$TTL`, or of a SOA without any; undefined before that. */
  readonly defaultTtl: number | undefined
  /** The last one written out; undefined once there is a default, which then rules (RFC 2308 §4). */
  readonly lastTtl: number | undefined
  /** What a broken entry left unsaid: records that lean on it are read for their own mistakes, and left out. */
  readonly lost: 'owner' | 'origin' | undefined
}

/** Where to read on. */
export type EntryPlace = {
  readonly text: string
  readonly file: string
  /** Offset of an entry's first character, and its line. */
  readonly at: number
  readonly line: number
  readonly state: EntryState
}

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

/** Reads the entries of one chunk, one after another. */
export class EntryReader {
  readonly #lexer: ZoneLexer
  readonly #file: string
  #state: EntryState
  readonly #chunkLine: number
  #entryLine = 0
  readonly #records: ParsedRecord[] = []
  readonly #problems: EntryProblem[] = []
  #missing: Set<number> | undefined
  #generated = 0
  #ownerToken = ''
  #ownerOrigin: Name | undefined
  #originText = ''

  constructor(place: EntryPlace) {
    this.#lexer = new ZoneLexer(place.text, place.at, place.line)
    this.#file = place.file
    this.#state = place.state
    this.#chunkLine = place.line
    this.#setOriginText()
  }

  get at(): number {
    return this.#lexer.at
  }

  get line(): number {
    return this.#lexer.line
  }

  get state(): EntryState {
    return this.#state
  }

  /** How many of them `$GENERATE` made. */
  get generatedCount(): number {
    return this.#generated
  }

  /** All that was read, in order. */
  get records(): readonly ParsedRecord[] {
    return this.#records
  }

  get problems(): readonly EntryProblem[] {
    return this.#problems
  }

  /** Types of which records may be missing, for what could not be read; ANY when nobody knows which. */
  get missing(): ReadonlySet<number> {
    return this.#missing ?? NOTHING
  }

  /** 'blank' for an entry without words. The caller reads what an `$INCLUDE` asks for. */
  readEntry(): 'blank' | 'entry' | IncludeRequest {
    const lexer = this.#lexer
    lexer.beginEntry()
    this.#entryLine = lexer.line
    const isIndented = lexer.isIndented
    const first = lexer.next('plain')
    let include: IncludeRequest | undefined
    if (first !== undefined) {
      const recordsBefore = this.#records.length
      const problemsBefore = this.#problems.length
      if (first.charCodeAt(0) === DOLLAR) include = this.#readDirective(first, isIndented)
      else if (isIndented) this.#readRecord(undefined, first)
      else this.#readRecord(first, lexer.next('plain'))
      this.#settleFault(recordsBefore, problemsBefore)
    } else this.#settleFault(this.#records.length, this.#problems.length)
    return first === undefined ? 'blank' : (include ?? 'entry')
  }

  /** A broken quote or parenthesis explains whatever else went wrong in the entry. */
  #settleFault(recordsBefore: number, problemsBefore: number): void {
    const { fault } = this.#lexer
    if (fault === undefined) return
    this.#records.length = recordsBefore
    this.#problems.length = problemsBefore
    this.#problem('error', fault.message, fault.line)
    this.#miss(TYPE.ANY)
    this.#lose('owner')
  }

  /** Always ends behind the entry. */
  #readRecord(ownerToken: string | undefined, first: string | undefined): void {
    const owner = ownerToken === undefined ? this.#lastOwner() : this.#owner(ownerToken)
    if (owner === undefined) {
      this.#lose('owner')
      this.#lexer.skipEntry()
      return
    }
    if (ownerToken !== undefined) this.#settleOwner(owner)
    const head = this.#readHead(first)
    if (head === undefined) {
      this.#assumeTtl()
      return this.#lexer.skipEntry()
    }
    const tokens = this.#rest(wordForm(head.type))
    // A half-read entry gives half a record.
    if (this.#lexer.fault !== undefined || !this.#addRecord(owner, head, tokens)) return
    if (NAME_LAST.has(head.type)) this.#warnWithoutDot(tokens.at(-1)!)
  }

  /** Of an entry that begins with a space; any name will do for a record that is left out. */
  #lastOwner(): Name | undefined {
    const { owner, lost } = this.#state
    if (owner !== undefined) return owner
    return lost === undefined
      ? this.#error('No owner: the first record must begin with a name')
      : ROOT
  }

  #settleOwner(owner: Name): void {
    const { lost } = this.#state
    if (owner === this.#state.owner && lost === undefined) return
    this.#state = { ...this.#state, owner, lost: lost === 'owner' ? undefined : lost }
  }

  #owner(token: string): Name | undefined {
    const { origin } = this.#state
    if (token === this.#ownerToken && origin === this.#ownerOrigin) return this.#state.owner
    const name = parseName(unquote(token), origin)
    if (!name.ok) {
      this.#error(`Owner: ${name.error}`)
      return undefined
    }
    this.#warnWithoutDot(token)
    this.#ownerToken = token
    this.#ownerOrigin = origin
    return name.value
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

  #addRecord(owner: Name, head: RecordHead, tokens: readonly string[]): boolean {
    const { type } = head
    const rdata = parseRdata(type, tokens, this.#state.origin)
    if (!rdata.ok) {
      this.#error(rdata.error, type)
      if (type === TYPE.SOA) this.#assumeTtl()
      return false
    }
    const ttlSeconds = this.#settleTtl(head, rdata.value)
    if (ttlSeconds === undefined) return false
    if (this.#state.lost !== undefined) {
      this.#miss(type)
      return true
    }
    const line = this.#entryLine - this.#chunkLine
    this.#records.push({ owner, type, ttlSeconds, rdata: rdata.value, line, file: this.#file })
    return true
  }

  #settleTtl({ ttl, type }: RecordHead, rdata: Uint8Array): number | undefined {
    const { defaultTtl, lastTtl } = this.#state
    if (ttl !== undefined) {
      if (defaultTtl === undefined && ttl !== lastTtl)
        this.#state = { ...this.#state, lastTtl: ttl }
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
    this.#state = { ...this.#state, defaultTtl: minimum }
    return minimum
  }

  /** Where the TTL of what follows could not be read: that it has none was the fault of one entry, and is told once. */
  #assumeTtl(): undefined {
    const { defaultTtl, lastTtl } = this.#state
    if (defaultTtl === undefined && lastTtl === undefined)
      this.#state = { ...this.#state, defaultTtl: 0 }
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
    const { origin: before, lost } = this.#state
    const origin = token === undefined ? err('needs a name') : parseName(token, before)
    if (extra !== undefined) this.#error(`Unexpected ${extra} after $ORIGIN`)
    if (token === undefined || !origin.ok || this.#lexer.fault !== undefined) {
      if (!origin.ok) this.#error(`$ORIGIN: ${origin.error}`)
      return this.#lose('origin')
    }
    this.#warnWithoutDot(token)
    const isFound = lost === 'origin' && token.endsWith('.')
    this.#state = { ...this.#state, origin: origin.value, lost: isFound ? undefined : lost }
    this.#setOriginText()
  }

  #readTtl(): void {
    const [token, extra] = this.#rest('plain')
    if (token === undefined) this.#error('$TTL needs a time')
    const ttl = token === undefined ? undefined : this.#ttl(token)
    if (extra !== undefined) this.#error(`Unexpected ${extra} after $TTL`)
    if (ttl === undefined) return this.#assumeTtl()
    this.#state = { ...this.#state, defaultTtl: ttl, lastTtl: undefined }
  }

  #readInclude(): IncludeRequest | undefined {
    const [token, originToken, extra] = this.#rest('plain')
    if (token === undefined) return this.#error('$INCLUDE needs the name of a file')
    if (extra !== undefined) return this.#error(`Unexpected ${extra} after $INCLUDE`)
    const line = this.#entryLine - this.#chunkLine
    // What the words of a broken entry mean is anyone's guess.
    if (this.#lexer.fault !== undefined) return undefined
    if (originToken === undefined) return { name: unquote(token), origin: undefined, line }
    const origin = parseName(originToken, this.#state.origin)
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
    const [ownerTemplate, ...wordTemplates] = templates
    const { start, stop, step } = range.value
    for (let number = start; number <= stop; number += step) {
      const owner = parseName(fillTemplate(ownerTemplate!, number), this.#state.origin)
      if (!owner.ok) return this.#error(`$GENERATE for ${number}: ${owner.error}`)
      const filled = wordTemplates.map((template) => fillTemplate(template, number))
      const tokens = isOneString ? wordsOf(filled[0]!, form) : ok(filled)
      if (!tokens.ok) return this.#error(`$GENERATE for ${number}: ${tokens.error}`)
      // One that fails stands for all of them.
      if (!this.#addRecord(owner.value, head, tokens.value)) return
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
    const tail = this.#originText
    if (
      this.#state.lost === 'origin' ||
      tail === '' ||
      token.length < tail.length ||
      token.endsWith('.')
    )
      return
    const end = token.slice(-tail.length)
    if (end !== tail && end.toLowerCase() !== tail) return
    if (token.length > tail.length && token.at(-tail.length - 1) !== '.') return
    this.#problem(
      'warning',
      `${token} has no final dot and means ${token}.${tail}.`,
      this.#entryLine,
    )
  }

  #setOriginText(): void {
    const { origin } = this.#state
    this.#originText = origin === ROOT ? '' : formatName(origin).slice(0, -1).toLowerCase()
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
    if (this.#state.lost !== 'origin' && this.#state.lost !== what)
      this.#state = { ...this.#state, lost: what }
  }

  #problem(severity: EntryProblem['severity'], message: string, line: number): void {
    this.#problems.push({ severity, line: line - this.#chunkLine, message: readable(message) })
  }
}

type RecordHead = { readonly ttl: number | undefined; readonly type: number }

function wordsOf(text: string, form: WordForm): Result<readonly string[], string> {
  const lexer = new ZoneLexer(text, 0, 0)
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
