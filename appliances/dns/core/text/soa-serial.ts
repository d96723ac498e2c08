// SOA serials: what the next one is, and how to raise one in a file by changing nothing but its digits.
import { isNewerSerial } from '../../../../shared/dns/soa.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'

const SPACE = 0x1_0000_0000

/** Dates (YYYYMMDDnn) stay dates and take today's when that is newer; anything else counts on. `today` is in UTC. */
export function nextSerial(serial: number, today: { readonly wallMs: number }): number {
  const next = (serial + 1) % SPACE
  if (!isDateSerial(serial)) return next
  const day = new Date(today.wallMs).toISOString().slice(0, 10).replaceAll('-', '')
  const first = Number(day) * 100
  return isNewerSerial(first, serial) ? first : next
}

/** Whether a serial reads as a date of this or the last century with a counter: 2026010203. */
export function isDateSerial(serial: number): boolean {
  const month = Math.floor(serial / 10_000) % 100
  const day = Math.floor(serial / 100) % 100
  const year = Math.floor(serial / 1_000_000)
  return year >= 1980 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31
}

/**
 * The file with its SOA's serial replaced: `line` (1-based) is where the SOA entry begins. Every other octet stays.
 * Refuses when the serial is not written there as plain digits.
 */
export function replaceSerial(
  text: string,
  line: number,
  serial: number,
): Result<string, 'no-serial-token'> {
  let start = 0
  for (let left = line - 1; left > 0; left--) {
    start = text.indexOf('\n', start) + 1
    if (start === 0) return err('no-serial-token')
  }
  // An owner may be called "soa": a word at the very start of a line is never the type.
  let wanted = -1
  for (const { at, word } of words(text, start)) {
    if (wanted < 0 && at > start && word.toUpperCase() === 'SOA') wanted = WORDS_TO_SERIAL
    else if (wanted > 0) wanted--
    if (wanted !== 0) continue
    if (!/^[0-9]+$/.test(word)) break
    return ok(text.slice(0, at) + String(serial) + text.slice(at + word.length))
  }
  return err('no-serial-token')
}

/** Where the serial of the first SOA record stands, if it is plain digits. Does not judge the rest of the text. */
export function findSerial(text: string): SerialPlace | undefined {
  for (let start = 0; start < text.length;) {
    const entry = words(text, start)
    const seen: Word[] = []
    let step = entry.next()
    for (; step.done !== true; step = entry.next()) {
      if (seen.length === WORDS_LIMIT) continue
      seen.push(step.value)
      const found = serialOf(seen, start)
      if (found !== undefined) return found
    }
    start = step.value
  }
  return undefined
}

export type SerialPlace = { readonly at: number; readonly length: number; readonly serial: number }

type Word = { readonly at: number; readonly word: string }

/** `[owner] [ttl] [class] SOA mname rname serial`, when the last word just read is the serial. */
function serialOf(seen: readonly Word[], start: number): SerialPlace | undefined {
  const rest = seen[0]?.at === start ? seen.slice(1) : seen
  const type = rest.findIndex(({ word }) => !/^(?:\d\w*|IN)$/i.test(word))
  const found = rest[type + WORDS_TO_SERIAL]
  if (found === undefined || rest[type]?.word.toUpperCase() !== 'SOA') return undefined
  const { at, word } = found
  return /^\d{1,10}$/.test(word) ? { at, length: word.length, serial: Number(word) } : undefined
}

/** Words of one entry: up to a line end outside parentheses, without comments. Gives where the next entry begins. */
function* words(text: string, start: number): Generator<Word, number> {
  const token = /;[^\n]*|[()\n]|"(?:[^"\\]|\\.)*"|(?:\\.|[^\s;()"\\])+/gsu
  token.lastIndex = start
  let depth = 0
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const word = match[0]
    if (word === '(') depth++
    else if (word === ')') depth--
    else if (word === '\n') {
      if (depth <= 0) return token.lastIndex
    } else if (!word.startsWith(';')) yield { at: match.index, word }
  }
  return text.length
}

/** mname, rname, serial. */
const WORDS_TO_SERIAL = 3
/** Owner, TTL, class, type and as far as the serial: no need to look at more words of an entry. */
const WORDS_LIMIT = 4 + WORDS_TO_SERIAL
