import { describe, expect, test } from 'vitest'
import {
  decodeAllPackets,
  decodePackets,
  DELIM,
  encodePacket,
  FLUSH,
  PACKET_DATA_LIMIT_BYTES,
  PacketDecoder,
  RESPONSE_END,
  type Packet,
} from '../../../../store/wire/pkt-line.ts'

const data = (text: string): Packet => ({ kind: 'data', bytes: Buffer.from(text) })
const show = (packets: readonly Packet[]): string[] =>
  packets.map((p) => (p.kind === 'data' ? Buffer.from(p.bytes).toString() : p.kind))

describe('encoding', () => {
  test('the examples of the specification', () => {
    expect(Buffer.from(encodePacket('a\n')).toString()).toBe('0006a\n')
    expect(Buffer.from(encodePacket('a')).toString()).toBe('0005a')
    expect(Buffer.from(encodePacket('foobar\n')).toString()).toBe('000bfoobar\n')
    expect(Buffer.from(encodePacket('')).toString()).toBe('0004')
  })

  test('text counts in bytes, not characters', () => {
    expect(Buffer.from(encodePacket('ü')).toString()).toBe('0006ü')
  })

  test('the longest packet fits, one byte more is a fault of ours', () => {
    const longest = encodePacket(new Uint8Array(PACKET_DATA_LIMIT_BYTES))
    expect(Buffer.from(longest.subarray(0, 4)).toString()).toBe('fff0')
    expect(decodeAllPackets(longest).ok).toBe(true)
    expect(() => encodePacket(new Uint8Array(PACKET_DATA_LIMIT_BYTES + 1))).toThrow('65517 bytes')
  })
})

describe('a stream', () => {
  const stream = Buffer.concat([
    encodePacket('want x\n'),
    DELIM,
    encodePacket(''),
    FLUSH,
    encodePacket(Buffer.alloc(300, 'y')),
    RESPONSE_END,
  ])
  const whole = ['want x\n', 'delim', '', 'flush', 'y'.repeat(300), 'response-end']

  test('comes out the same, cut in two at every byte', () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const decoder = new PacketDecoder()
      const got: Packet[] = []
      for (const part of [stream.subarray(0, cut), stream.subarray(cut)]) {
        const packets = decoder.push(part)
        if (!packets.ok) throw new Error(packets.error.kind)
        got.push(...packets.value)
      }
      expect(show(got)).toEqual(whole)
      expect(decoder.end().ok).toBe(true)
    }
  })

  test('comes out the same byte by byte', () => {
    const decoder = new PacketDecoder()
    const got = [...stream].flatMap((byte) => {
      const packets = decoder.push(Uint8Array.of(byte))
      return packets.ok ? packets.value : []
    })
    expect(show(got)).toEqual(whole)
  })

  test('what is kept for later does not change with the chunk it came in', () => {
    const decoder = new PacketDecoder()
    const chunk = Buffer.from('0008ab')
    decoder.push(chunk)
    chunk.fill(0)
    expect(decoder.push(Buffer.from('cd'))).toEqual({ ok: true, value: [data('abcd')] })
  })

  test('lengths that are none are refused with their place', () => {
    for (const bad of ['0003', 'fff1', '00g0', '-001', '+004', ' 004', '0x04']) {
      const decoder = new PacketDecoder()
      decoder.push(encodePacket('first'))
      expect(decoder.push(Buffer.from(bad))).toEqual({
        ok: false,
        error: { kind: 'packet-bad-length', at: 9 },
      })
    }
  })

  test('upper-case digits are digits', () => {
    expect(decodeAllPackets(Buffer.from('000Aabcdef'))).toEqual({
      ok: true,
      value: [data('abcdef')],
    })
  })

  test('an end inside a packet is an error', () => {
    expect(decodeAllPackets(Buffer.from('0000000aab'))).toEqual({
      ok: false,
      error: { kind: 'packet-truncated', at: 4 },
    })
  })

  test('the number of packets is bounded', () => {
    const decoder = new PacketDecoder(3)
    expect(decoder.push(Buffer.from('0004'.repeat(3))).ok).toBe(true)
    expect(decoder.push(Buffer.from('0000'))).toEqual({
      ok: false,
      error: { kind: 'packet-too-many' },
    })
  })
})

describe('a section', () => {
  test('ends at its flush; what is behind is the next one or a pack', () => {
    const body = Buffer.from('0006a\n000100000005b0000PACK')
    const first = decodePackets(body)
    expect(first && show(first.packets)).toEqual(['a\n', 'delim'])
    expect(first?.end).toBe(14)
    const second = decodePackets(body, first?.end)
    expect(second && show(second.packets)).toEqual(['b'])
    expect(body.subarray(second?.end).toString()).toBe('PACK')
  })

  test('a flush alone is an empty one', () => {
    expect(decodePackets(FLUSH)).toEqual({ packets: [], end: 4 })
  })

  test('without a flush, or with garbage before it, there is none', () => {
    expect(decodePackets(new Uint8Array(0))).toBeUndefined()
    expect(decodePackets(Buffer.from('0006a\n'))).toBeUndefined()
    expect(decodePackets(Buffer.from('PACK0000'))).toBeUndefined()
    expect(decodePackets(FLUSH, 4)).toBeUndefined()
  })
})
