// Large TCP packets cut into segments, and segments put together: each undoes the other, and checksums are right.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Checksum, fold } from '../../../../appliances/vpn/core/data/checksum.ts'
import { Coalescer, type Offload } from '../../../../appliances/vpn/core/data/coalescer.ts'
import { OFFLOAD_OCTETS, Segments } from '../../../../appliances/vpn/core/data/segments.ts'
import {
  hasRightChecksums,
  pseudoHeader,
  slowChecksum,
  tcpPacket,
  type TcpPacket,
} from '../../../support/tcp-packets.ts'

const FLAGS = { acknowledge: 16, push: 8, fin: 1, reduced: 0x80 } as const

const shape = fc.record({
  version: fc.constantFrom(4 as const, 6 as const),
  port: fc.integer({ min: 1, max: 65_535 }),
  id: fc.integer({ min: 0, max: 65_535 }),
  isUncut: fc.boolean(),
  sequence: fc.integer({ min: 0, max: 0xffff_ffff }),
  acknowledged: fc.integer({ min: 0, max: 0xffff_ffff }),
  window: fc.integer({ min: 0, max: 65_535 }),
  options: fc
    .uint8Array({ minLength: 0, maxLength: 40 })
    .map((octets) => octets.subarray(0, octets.length & ~3)),
})

/** As the device gives and takes it. */
function withOffload(packet: Uint8Array, offload: Offload): Uint8Array {
  const { type, headerOctets, segmentOctets, transportAt } = offload
  const header = new Uint8Array(OFFLOAD_OCTETS)
  if (type !== 0)
    header.set([
      1,
      type,
      ...[headerOctets, segmentOctets, transportAt, 16].flatMap((n) => [n & 255, n >>> 8]),
    ])
  return Buffer.concat([header, packet])
}

/** Cut, each into a place of its own in one memory. */
function cut(octets: Uint8Array): Uint8Array[] {
  const segments = new Segments()
  expect(segments.take(octets)).toBe(true)
  return Array.from({ length: segments.count }, (_, i) => {
    const out = new Uint8Array(24 + segments.octetsOf(i) + 8)
    segments.write(i, out, 24)
    expect(out.subarray(0, 24).every((octet) => octet === 0)).toBe(true)
    expect(out.subarray(-8).every((octet) => octet === 0)).toBe(true)
    return out.subarray(24, out.length - 8)
  })
}

/** What a device is given for the packets. */
function coalesced(packets: readonly Uint8Array[]): Uint8Array[] {
  const written: Uint8Array[] = []
  const coalescer = new Coalescer((pieces, count, offload) => {
    written.push(withOffload(Buffer.concat(pieces.slice(0, count)), offload))
  })
  for (const packet of packets) coalescer.add(new Uint8Array(packet))
  coalescer.flush()
  return written
}

test('the sum is that of RFC 1071, wherever the octets stand', () => {
  const checksum = new Checksum()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (octets, offset) => {
      const memory = new Uint8Array(offset + octets.length)
      memory.set(octets, offset)
      const sum = checksum.sum(memory, offset, memory.length)
      expect(~sum & 0xffff).toBe(slowChecksum(octets))
      const view = memory.subarray(offset)
      expect(checksum.sum(view, 0, view.length)).toBe(sum)
    }),
    { numRuns: 500 },
  )
  expect(checksum.sum(new Uint8Array(65_536).fill(0xff), 0, 65_536)).toBe(0xffff)
  expect(fold(0xffff_ffff)).toBe(0xffff)
})

test('segments are whole packets with right checksums, that together carry what the large one did; put together again they are that', () => {
  fc.assert(
    fc.property(
      shape,
      fc.integer({ min: 2, max: 60_000 }),
      fc.integer({ min: 500, max: 1460 }),
      fc.boolean(),
      (of, payloadOctets, segmentOctets, isPushed) => {
        const payload = Uint8Array.from({ length: payloadOctets }, (_, i) => (i * 7) ^ (i >>> 8))
        const flags = FLAGS.acknowledge | (isPushed ? FLAGS.push : 0)
        const large = tcpPacket({ ...of, flags, payload })
        const transportAt = of.version === 4 ? 20 : 40
        const headerOctets = large.length - payload.length
        const sum = 0xffff - slowChecksum(pseudoHeader(large))
        large.set([sum >>> 8, sum & 255], transportAt + 16)
        const type = of.version === 4 ? 1 : 4
        const offered = withOffload(large, { type, headerOctets, segmentOctets, transportAt })
        const segments = cut(offered)
        expect(segments).toHaveLength(Math.ceil(payloadOctets / segmentOctets))
        expect(segments.every(hasRightChecksums)).toBe(true)
        const carried = segments.map((segment) => segment.subarray(headerOctets))
        expect(Buffer.concat(carried).equals(payload)).toBe(true)
        for (const [i, segment] of segments.entries()) {
          const view = Buffer.from(segment)
          const sequence = (of.sequence + i * segmentOctets) % 2 ** 32
          expect(view.readUInt32BE(transportAt + 4)).toBe(sequence)
          const isLast = i === segments.length - 1
          const expected = isLast ? flags : FLAGS.acknowledge
          expect(view[transportAt + 13]).toBe(expected)
          if (of.version === 4) expect(view.readUInt16BE(4)).toBe((of.id + i) & 0xffff)
        }
        const again = coalesced(segments)
        if (segments.length === 1) expect(again).toHaveLength(1)
        else if (segments.length <= 64) {
          expect(again).toHaveLength(1)
          expect(Buffer.from(again[0]!).equals(offered)).toBe(true)
        }
        expect(again.flatMap(cut)).toEqual(segments)
      },
    ),
    { numRuns: 60 },
  )
})

test('FIN is said with the last segment alone, and CWR with the first', () => {
  const flags = FLAGS.acknowledge | FLAGS.fin | FLAGS.reduced
  const payload = new Uint8Array(2500)
  const large = tcpPacket({ ...PLAIN, flags, payload })
  const offload = { type: 1, headerOctets: 40, segmentOctets: 1000, transportAt: 20 }
  const seen = cut(withOffload(large, offload)).map((segment) => segment[33])
  expect(seen).toEqual([
    FLAGS.acknowledge | FLAGS.reduced,
    FLAGS.acknowledge,
    FLAGS.acknowledge | FLAGS.fin,
  ])
})

test('of any packets of several streams the device gets the same in the same order, right or wrong', () => {
  const step = fc.record({
    port: fc.integer({ min: 1, max: 12 }),
    octets: fc.constantFrom(0, 1, 99, 100, 100, 100, 100),
    isPushed: fc.constantFrom(false, false, false, true),
    isWrong: fc.constantFrom(false, false, false, false, true),
    isLost: fc.constantFrom(false, false, false, false, true),
    flags: fc.constantFrom(16, 16, 16, 16, 17, 2),
    version: fc.constantFrom(4 as const, 4 as const, 6 as const),
    window: fc.constantFrom(500, 500, 500, 501),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const next = new Map<string, { id: number; sequence: number }>()
      const packets: Uint8Array[] = []
      for (const { port, octets, isPushed, isWrong, isLost, flags, version, window } of steps) {
        const at = next.get(`${port} ${version}`) ?? { id: 65_530, sequence: 0xffff_ff00 }
        const payload = new Uint8Array(octets).fill(port)
        const of = { ...PLAIN, ...at, port, version, window, payload }
        const packet = tcpPacket({ ...of, flags: flags | (isPushed ? FLAGS.push : 0) })
        // Of the payload, or of the checksum where there is none.
        if (isWrong) packet[octets > 0 ? packet.length - 1 : packet.length - 4]! ^= 1
        next.set(`${port} ${version}`, {
          id: (at.id + 1) & 0xffff,
          sequence: (at.sequence + octets) % 2 ** 32,
        })
        if (!isLost) packets.push(packet)
      }
      const written = coalesced(packets)
      const out = written.flatMap(cut)
      expect(out).toHaveLength(packets.length)
      const byStream = (all: readonly Uint8Array[]): Map<string, string[]> => {
        const streams = new Map<string, string[]>()
        for (const packet of all) {
          const at = packet[0]! >>> 4 === 4 ? 20 : 40
          const key = `${at} ${packet[at]! * 256 + packet[at + 1]!}`
          streams.set(key, [...(streams.get(key) ?? []), Buffer.from(packet).toString('hex')])
        }
        return streams
      }
      const [expected, found] = [byStream(packets), byStream(out)]
      for (const [stream, all] of expected) expect(found.get(stream)).toEqual(all)
    }),
    { numRuns: 200 },
  )
})

test('neighbours that differ in more than they may stay apart', () => {
  const first = { ...PLAIN, flags: FLAGS.acknowledge, payload: new Uint8Array(100) }
  const second = { ...first, id: 1, sequence: 100 }
  expect(coalesced([tcpPacket(first), tcpPacket(second)])).toHaveLength(1)
  const others: Partial<TcpPacket>[] = [
    { port: 2 },
    { version: 6 },
    { sequence: 99 },
    { acknowledged: 1 },
    { window: 1 },
    { flags: FLAGS.acknowledge | FLAGS.reduced },
    { options: Uint8Array.of(1, 1, 1, 1) },
    { payload: new Uint8Array(101) },
    { payload: new Uint8Array(0) },
    { id: 2 },
    { isUncut: true },
  ]
  for (const other of others)
    expect(coalesced([tcpPacket(first), tcpPacket({ ...second, ...other })])).toHaveLength(2)
  // Of packets that are never cut the identification says nothing.
  const [a, b] = [
    { ...first, isUncut: true },
    { ...second, isUncut: true, id: 77 },
  ]
  expect(coalesced([tcpPacket(a), tcpPacket(b)])).toHaveLength(1)
})

test('what is none of both kinds, or leads outside of the packet, is not taken', () => {
  const packet = tcpPacket({ ...PLAIN, flags: FLAGS.acknowledge, payload: new Uint8Array(3000) })
  const offload = { type: 1, headerOctets: 40, segmentOctets: 1000, transportAt: 20 }
  const good = withOffload(packet, offload)
  const takes = (change: (octets: Uint8Array) => void): boolean => {
    const octets = new Uint8Array(good)
    change(octets)
    return new Segments().take(octets)
  }
  expect(takes(() => {})).toBe(true)
  for (const type of [2, 3, 4, 5]) expect(takes((octets) => (octets[1] = type))).toBe(false)
  expect(takes((octets) => (octets[0] = 0))).toBe(false)
  expect(takes((octets) => octets.fill(0, 4, 6))).toBe(false)
  expect(takes((octets) => octets.fill(0xff, 6, 8))).toBe(false)
  expect(takes((octets) => octets.fill(0xff, 8, 10))).toBe(false)
  expect(takes((octets) => (octets[OFFLOAD_OCTETS + 32] = 0x40))).toBe(false)
  expect(new Segments().take(good.subarray(0, OFFLOAD_OCTETS))).toBe(false)
  expect(new Segments().take(good.subarray(0, OFFLOAD_OCTETS + 40))).toBe(false)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      const segments = new Segments()
      if (!segments.take(octets)) return
      for (let i = 0; i < segments.count; i++)
        segments.write(i, new Uint8Array(segments.octetsOf(i)), 0)
    }),
    { numRuns: 1000 },
  )
})

const PLAIN: Omit<TcpPacket, 'flags' | 'payload'> = {
  version: 4,
  port: 1,
  id: 0,
  isUncut: false,
  sequence: 0,
  acknowledged: 0,
  window: 500,
  options: new Uint8Array(),
}
