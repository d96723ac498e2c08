import { beforeEach, describe, expect, test } from 'vitest'
import { ArenaEntry } from '../../../../../../appliances/resolver/core/arena/arena-entry.ts'
import { ArenaKey } from '../../../../../../appliances/resolver/core/arena/arena-key.ts'
import { ENTRY, keyWord } from '../../../../../../appliances/resolver/core/arena/arena-layout.ts'
import { ArenaReader } from '../../../../../../appliances/resolver/core/arena/arena-reader.ts'
import { ArenaWriter } from '../../../../../../appliances/resolver/core/arena/arena-writer.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { name } from '../../../../../support/zones.ts'

const RING_OCTETS = 65_536
const WORD = keyWord(TYPE.A, false, false)
const SECTIONS = Buffer.from('what is answered, of any length')
/** More than the ring holds. */
const MANY = 2000

let writer: ArenaWriter
let reader: ArenaReader
let key: ArenaKey
const taken = new ArenaEntry()

beforeEach(() => {
  writer = new ArenaWriter(RING_OCTETS, 7)
  reader = new ArenaReader(writer.memory)
  key = new ArenaKey(reader.seed)
})

function put(text: string, word = WORD, sections = SECTIONS): number {
  key.loadName(name(text))
  const entry = new ArenaEntry()
  const { words, octets } = entry
  words[ENTRY.key] = word
  words[ENTRY.nameOctets] = key.length
  words[ENTRY.sectionOctets] = sections.length
  words[ENTRY.places] = 1 << 16
  octets.set(key.octets.subarray(0, key.length), entry.nameAt)
  octets.set(sections, entry.sectionsAt)
  words[ENTRY.words] = Math.ceil((entry.sectionsAt + sections.length) / 4)
  return writer.put(key, entry)
}

/** The sections of what is there. */
function take(text: string, word = WORD): string | undefined {
  key.loadName(name(text))
  if (!reader.take(key, word, taken)) return undefined
  const { sectionsAt } = taken
  const end = sectionsAt + taken.words[ENTRY.sectionOctets]!
  return Buffer.from(taken.octets.subarray(sectionsAt, end)).toString()
}

describe('an answer', () => {
  test('is there for its name, type and flags alone', () => {
    put('www.example.org.')
    expect(take('www.example.org.')).toBe(String(SECTIONS))
    expect(take('ww.example.org.')).toBeUndefined()
    expect(take('www.example.org.', keyWord(TYPE.AAAA, false, false))).toBeUndefined()
    expect(take('www.example.org.', keyWord(TYPE.A, true, false))).toBeUndefined()
    expect(take('www.example.org.', keyWord(TYPE.A, false, true))).toBeUndefined()
  })

  test('is the newest one', () => {
    put('www.example.org.')
    put('www.example.org.', WORD, Buffer.from('another'))
    expect(take('www.example.org.')).toBe('another')
  })

  test('is gone when it is killed, and when all is cleared', () => {
    const position = put('a.')
    put('b.')
    writer.kill(position)
    expect(take('a.')).toBeUndefined()
    expect(take('b.')).toBe(String(SECTIONS))
    writer.clear()
    expect(take('b.')).toBeUndefined()
    put('b.')
    expect(take('b.')).toBe(String(SECTIONS))
  })

  test('that is written over is gone, and the memory stays what it was', () => {
    const { byteLength } = writer.memory
    const first = put('n0.')
    for (let n = 1; n < MANY; n++) put(`n${n}.`, WORD, Buffer.from(`answer ${n}`))
    expect(writer.holds(first)).toBe(false)
    expect(writer.memory.byteLength).toBe(byteLength)
    let there = 0
    for (let n = 1; n < MANY; n++) {
      const said = take(`n${n}.`)
      if (said === undefined) continue
      expect(said).toBe(`answer ${n}`)
      there++
    }
    expect(there).toBeGreaterThan(100)
    expect(take(`n${MANY - 1}.`)).toBe(`answer ${MANY - 1}`)
    // Another one stands there by now.
    writer.kill(first)
    expect(take(`n${MANY - 1}.`)).toBe(`answer ${MANY - 1}`)
  })

  test('of which a word is another one is not given', () => {
    put('www.example.org.')
    expect(take('www.example.org.')).toBe(String(SECTIONS))
    const count = taken.words[ENTRY.words]!
    const words = new Int32Array(writer.memory)
    const start = words.length - RING_OCTETS / 4
    for (let i = 0; i < count; i++) {
      if (i >= ENTRY.dead && i < ENTRY.times) continue
      for (const change of [1, 0x100, -1, 0x4000_0000]) {
        words[start + i]! ^= change
        expect(take('www.example.org.'), `word ${i}`).toBeUndefined()
        words[start + i]! ^= change
      }
    }
    expect(take('www.example.org.')).toBe(String(SECTIONS))
  })
})

test('the writer hears once that an answer was used', () => {
  const position = put('a.')
  expect(writer.wasUsed(position)).toBe(false)
  take('a.')
  reader.markUsed(taken)
  expect(writer.wasUsed(position)).toBe(true)
  expect(writer.wasUsed(position)).toBe(false)
})

test('of all readers one reports in a second', () => {
  put('a.')
  const other = new ArenaReader(writer.memory)
  const otherTaken = new ArenaEntry()
  take('a.')
  expect(other.take(key, WORD, otherTaken)).toBe(true)
  expect(reader.mayReport(taken, 5000)).toBe(true)
  expect(other.mayReport(otherTaken, 5001)).toBe(false)
  take('a.')
  expect(reader.mayReport(taken, 5999)).toBe(false)
  expect(reader.mayReport(taken, 6000)).toBe(true)
})

test('a name is read as it is asked, letters small', () => {
  const packet = Buffer.from('xx\x03WwW\x02De\0yy', 'latin1')
  expect(key.load(packet, 2, packet.length)).toBe(10)
  const asked = key.hash(WORD)
  key.loadName(name('www.de.'))
  expect(key.hash(WORD)).toBe(asked)
  expect(key.load(packet, 2, 9)).toBe(-1)
  expect(key.load(Buffer.from([64, ...Buffer.alloc(64, 97), 0]), 0, 66)).toBe(-1)
  const long = Buffer.concat([
    ...Array.from({ length: 4 }, () => Buffer.concat([Buffer.of(63), Buffer.alloc(63, 97)])),
    Buffer.of(0),
  ])
  expect(key.load(long, 0, long.length)).toBe(-1)
})
