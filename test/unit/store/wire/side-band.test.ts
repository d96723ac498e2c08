import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeAllPackets } from '../../../../store/wire/pkt-line.ts'
import { SIDE_BAND_64K_BYTES, SIDE_BAND_BYTES, SideBand } from '../../../../store/wire/side-band.ts'

/** What a client reads: the bytes of each band, and the size of each packet. */
function read(stream: readonly Uint8Array[]): { bands: Map<number, Buffer>; sizes: number[] } {
  const packets = decodeAllPackets(Buffer.concat(stream))
  if (!packets.ok) throw new Error(packets.error.kind)
  const bands = new Map<number, Buffer>()
  const sizes: number[] = []
  for (const packet of packets.value) {
    if (packet.kind !== 'data') continue
    const band = packet.bytes[0]!
    bands.set(band, Buffer.concat([bands.get(band) ?? Buffer.alloc(0), packet.bytes.subarray(1)]))
    sizes.push(packet.bytes.length)
  }
  return { bands, sizes }
}

describe('the side-band', () => {
  test('carries data of any size in full packets', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3000 })), (sizes) => {
        const band = new SideBand(SIDE_BAND_BYTES)
        const pieces = sizes.map((size, n) => Buffer.alloc(size, n))
        const stream = [...pieces.flatMap((piece) => [...band.data(piece)]), ...band.rest()]
        const { bands, sizes: packetSizes } = read(stream)
        expect(bands.get(1) ?? Buffer.alloc(0)).toEqual(Buffer.concat(pieces))
        expect(packetSizes.slice(0, -1).every((size) => size === SIDE_BAND_BYTES + 1)).toBe(true)
      }),
    )
  })

  test('never makes a packet larger than git reads', () => {
    const { sizes } = read([...new SideBand().data(Buffer.alloc(SIDE_BAND_64K_BYTES * 2))])
    expect(sizes.map((size) => size + 4)).toEqual([65_520, 65_520])
  })

  test('sends text behind the data given before it, and cuts long text', () => {
    const band = new SideBand(SIDE_BAND_BYTES)
    const stream = [
      ...band.data(Buffer.from('pack')),
      ...band.text('x'.repeat(2500)),
      ...band.failure('broken'),
    ]
    const { bands, sizes } = read(stream)
    expect([...bands.keys()]).toEqual([1, 2, 3])
    expect(bands.get(2)).toHaveLength(2500)
    expect(Math.max(...sizes)).toBe(SIDE_BAND_BYTES + 1)
  })
})
