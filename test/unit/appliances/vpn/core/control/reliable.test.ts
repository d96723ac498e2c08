import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  RECEIVE_WINDOW,
  Reliable,
  SEND_WINDOW,
} from '../../../../../../appliances/vpn/core/control/reliable.ts'
import { Random } from '../../../../../support/random-zone.ts'

const EMPTY = new Uint8Array(0)

describe('sending', () => {
  test('a window at a time, the rest as acknowledgements come', () => {
    const reliable = new Reliable()
    for (let i = 0; i < 10; i++) reliable.queue(4, Uint8Array.of(i))
    expect(reliable.due(0).map(({ messageId }) => messageId)).toEqual([0, 1, 2, 3, 4, 5])
    expect(reliable.due(0)).toEqual([])
    reliable.acknowledged([1], 10)
    expect(reliable.due(10).map(({ messageId }) => messageId)).toEqual([6])
    expect(SEND_WINDOW).toBe(6)
  })

  test('again well before 2 s, and then later and later', () => {
    const reliable = new Reliable()
    reliable.queue(7, EMPTY)
    reliable.due(0)
    const times: number[] = []
    for (let now = 0; now < 10_000; now += 10) if (reliable.due(now).length > 0) times.push(now)
    expect(times.slice(0, 3)).toEqual([400, 1200, 2800])
  })

  test('at once when three later ones have come', () => {
    const reliable = new Reliable()
    for (let i = 0; i < 6; i++) reliable.queue(4, Uint8Array.of(i))
    reliable.due(0)
    reliable.acknowledged([1, 2], 5)
    expect(reliable.due(5)).toEqual([])
    reliable.acknowledged([3], 6)
    expect(reliable.due(6).map(({ messageId }) => messageId)).toEqual([0])
  })

  test('a peer that acknowledges nothing costs a bounded backlog', () => {
    const reliable = new Reliable()
    let taken = 0
    while (reliable.queue(4, EMPTY)) taken++
    expect(taken).toBe(256)
  })
})

describe('receiving', () => {
  test('in order, each once, and acknowledged each time', () => {
    const reliable = new Reliable()
    expect(reliable.received(1, Uint8Array.of(1))).toEqual([])
    expect(reliable.received(0, Uint8Array.of(0)).map(([octet]) => octet)).toEqual([0, 1])
    expect(reliable.received(0, Uint8Array.of(9))).toEqual([])
    expect(reliable.takeAcks(true)).toEqual([1, 0])
    expect(reliable.hasAcks).toBe(false)
  })

  test('what is too far ahead is neither kept nor acknowledged', () => {
    const reliable = new Reliable()
    expect(reliable.received(RECEIVE_WINDOW, EMPTY)).toEqual([])
    expect(reliable.hasAcks).toBe(false)
  })
})

test('two ends over a network that loses, repeats and reorders deliver everything once and in order', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0 }), fc.integer({ min: 1, max: 60 }), (seed, count) => {
      const random = new Random(seed)
      const ends = [new Reliable(), new Reliable()] as const
      const got: number[][] = [[], []]
      for (let i = 0; i < count; i++) for (const end of ends) end.queue(4, Uint8Array.of(i))
      const air: {
        at: number
        to: 0 | 1
        id: number | undefined
        payload: Uint8Array
        acks: readonly number[]
      }[] = []
      let now = 0
      for (; now < 600_000 && !(ends[0].isQuiet && ends[1].isQuiet); now += 10) {
        for (const from of [0, 1] as const) {
          const put = (
            id: number | undefined,
            payload: Uint8Array,
            acks: readonly number[],
          ): void => {
            const copies = random.chance(30) ? 0 : random.chance(10) ? 2 : 1
            for (let i = 0; i < copies; i++)
              air.push({ at: now + random.below(150), to: from === 0 ? 1 : 0, id, payload, acks })
          }
          for (const { messageId, payload } of ends[from].due(now))
            put(messageId, payload, ends[from].takeAcks(false))
          while (ends[from].hasAcks) put(undefined, EMPTY, ends[from].takeAcks(true))
        }
        for (let i = air.length - 1; i >= 0; i--) {
          const packet = air[i]!
          if (packet.at > now) continue
          air.splice(i, 1)
          ends[packet.to].acknowledged(packet.acks, now)
          if (packet.id === undefined) continue
          for (const payload of ends[packet.to].received(packet.id, packet.payload))
            got[packet.to]!.push(payload[0]!)
        }
      }
      const all = Array.from({ length: count }, (_, i) => i)
      expect(got).toEqual([all, all])
    }),
    { numRuns: 60 },
  )
})
