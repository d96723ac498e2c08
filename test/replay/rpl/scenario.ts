// The text of a scenario (.rpl, as Unbound's testbound and Deckard have it): configuration, servers by range of steps, steps.
import { parseEntry, type Entry } from './entry.ts'
import { Unsupported } from './unsupported.ts'

/** `text` is trimmed and without comments, `raw` as it stands. */
export type Line = { readonly number: number; readonly text: string; readonly raw?: string }

export type Range = {
  readonly from: number
  readonly to: number
  /** Normal text; none: any address. */
  readonly addresses: readonly string[]
  readonly entries: readonly Entry[]
}

export type Step = {
  readonly line: number
  readonly number: number
  readonly kind: string
  readonly words: readonly string[]
  readonly address?: string
  readonly entry?: Entry
}

export type Scenario = {
  readonly title: string
  readonly config: readonly Line[]
  readonly ranges: readonly Range[]
  readonly steps: readonly Step[]
}

export function parseScenario(text: string): Scenario {
  const lines = text
    .split('\n')
    .map((raw, i) => ({ number: i + 1, text: withoutComment(raw).trim(), raw }))
    .filter((line) => line.text !== '')
  const end = lines.findIndex((line) => line.text === 'CONFIG_END')
  const reader = new Reader(lines.slice(end + 1))
  let title = ''
  const ranges: Range[] = []
  const steps: Step[] = []
  for (let line = reader.next(); line !== undefined; line = reader.next()) {
    const [word = '', ...rest] = line.text.split(/\s+/)
    if (word === 'SCENARIO_BEGIN') title = rest.join(' ')
    else if (word === 'RANGE_BEGIN') ranges.push(readRange(reader, rest))
    else if (word === 'STEP') steps.push(readStep(reader, line, rest))
    else if (word === 'SCENARIO_END') break
    else throw new Unsupported(word, line.number)
  }
  return { title, config: lines.slice(0, Math.max(end, 0)), ranges, steps }
}

class Reader {
  readonly #lines: readonly Line[]
  #at = 0

  constructor(lines: readonly Line[]) {
    this.#lines = lines
  }

  next(): Line | undefined {
    return this.#lines[this.#at++]
  }

  peek(): string {
    return this.#lines[this.#at]?.text ?? ''
  }

  until(end: string): Line[] {
    const start = this.#at
    while (this.#at < this.#lines.length && this.#lines[this.#at]!.text !== end) this.#at++
    return this.#lines.slice(start, this.#at++)
  }
}

function readRange(reader: Reader, [from, to]: readonly string[]): Range {
  const addresses: string[] = []
  const entries: Entry[] = []
  for (let line = reader.next(); line !== undefined; line = reader.next()) {
    if (line.text === 'RANGE_END') break
    const [word = '', address = ''] = line.text.split(/\s+/)
    if (word === 'ADDRESS') addresses.push(address.toLowerCase())
    else if (word === 'ENTRY_BEGIN')
      entries.push(parseEntry(reader.until('ENTRY_END'), line.number))
    else throw new Unsupported(word, line.number)
  }
  return { from: Number(from), to: Number(to), addresses, entries }
}

function readStep(reader: Reader, { number: line }: Line, words: readonly string[]): Step {
  const [number, kind = '', ...rest] = words
  if (!KINDS.has(kind)) throw new Unsupported(`step ${kind}`, line)
  let address = /^ADDRESS$/.test(rest[0] ?? '') ? rest[1] : undefined
  if (reader.peek().startsWith('ADDRESS')) address = reader.next()!.text.split(/\s+/)[1]
  const hasEntry = reader.peek() === 'ENTRY_BEGIN'
  const start = hasEntry ? reader.next()!.number : 0
  return {
    line,
    number: Number(number),
    kind,
    words: rest,
    ...(address !== undefined && { address }),
    ...(hasEntry && { entry: parseEntry(reader.until('ENTRY_END'), start) }),
  }
}

/** `;` begins a comment outside of quotes; in a configuration `#` too, behind white space. */
function withoutComment(line: string): string {
  let isQuoted = false
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '"' && line[i - 1] !== '\\') isQuoted = !isQuoted
    else if (!isQuoted && line[i] === ';') return line.slice(0, i)
    else if (!isQuoted && line[i] === '#' && (i === 0 || /\s/.test(line[i - 1]!)))
      return line.slice(0, i)
  }
  return line
}

const KINDS: ReadonlySet<string> = new Set(
  'QUERY CHECK_ANSWER CHECK_OUT_QUERY REPLY TIMEOUT TIME_PASSES NOTHING TRAFFIC'.split(' '),
)
