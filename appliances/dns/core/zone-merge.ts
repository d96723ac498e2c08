// Two sides of a zone file to one: by lines, with the serial set apart. Both sides raise it with every change, so it
// would be a conflict each time; the merged zone gets the next one after the newer of the two (RFC 1982).
import type { Merge } from '../../../store/index.ts'
import { isNewerSerial } from './soa-serial.ts'

/** `mergeLines` merges what is left: three texts with the same serial. A file without an SOA is only text. */
export function zoneMerge(mergeLines: Merge): Merge {
  return (input) => {
    const { path, base } = input
    const ours = latin1(input.ours)
    const theirs = latin1(input.theirs)
    const ourSerial = findSerial(ours)
    const theirSerial = findSerial(theirs)
    if (ourSerial === undefined || theirSerial === undefined) return mergeLines(input)
    const newer = isNewerSerial(theirSerial.serial, ourSerial.serial) ? theirSerial : ourSerial
    const before = base && latin1(base)
    const baseSerial = before === undefined ? undefined : findSerial(before)
    const isRaised = baseSerial === undefined || newer.serial !== baseSerial.serial
    const serial = isRaised ? (newer.serial + 1) % SERIAL_SPACE : newer.serial
    return mergeLines({
      path,
      base: before && baseSerial ? withSerial(before, baseSerial, serial) : base,
      ours: withSerial(ours, ourSerial, serial),
      theirs: withSerial(theirs, theirSerial, serial),
    })
  }
}

type SerialPlace = { readonly at: number; readonly length: number; readonly serial: number }

/** The serial of the first SOA record, where it is written as plain digits. Does not judge the rest of the text. */
function findSerial(text: string): SerialPlace | undefined {
  let words: { at: number; word: string }[] = []
  let depth = 0
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const word = match[0]
    if (word === '(') depth++
    else if (word === ')') depth--
    else if (word === '\n') {
      if (depth > 0) continue
      words = []
      depth = 0
    } else if (!word.startsWith(';')) {
      words.push({ at: match.index, word })
      const found = serialOf(text, words)
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** `[owner] [ttl] [class] SOA mname rname serial`, when the last word just read is the serial. */
function serialOf(
  text: string,
  words: readonly { at: number; word: string }[],
): SerialPlace | undefined {
  const [first] = words
  if (first === undefined || first.word.startsWith('$')) return undefined
  const hasOwner = first.at === 0 || text[first.at - 1] === '\n'
  const rest = hasOwner ? words.slice(1) : words
  const type = rest.findIndex(({ word }) => !/^(?:\d\w*|IN)$/i.test(word))
  if (type < 0 || rest[type]!.word.toUpperCase() !== 'SOA' || rest.length !== type + 4)
    return undefined
  const { at, word } = rest[type + 3]!
  return /^\d{1,10}$/.test(word) ? { at, length: word.length, serial: Number(word) } : undefined
}

function withSerial(text: string, place: SerialPlace, serial: number): Uint8Array {
  const end = place.at + place.length
  return Buffer.from(text.slice(0, place.at) + String(serial) + text.slice(end), 'latin1')
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

const SERIAL_SPACE = 2 ** 32
const TOKEN = /;[^\n]*|[()\n]|"(?:[^"\\]|\\.)*"|(?:\\.|[^\s;()"\\])+/gs
