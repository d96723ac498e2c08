// What threads send each other: all of it arrives as it was, in order, and what is too much is refused.
import { expect, onTestFinished, test } from 'vitest'
import { Segments } from '../../../../../appliances/vpn/core/data/segments.ts'
import { PacketLoop } from '../../../../../appliances/vpn/loop/packet-loop.ts'
import { PacketPost, readPost } from '../../../../../appliances/vpn/plane/packet-post.ts'

async function open() {
  const loop = (await PacketLoop.open((cause) => {
    throw cause
  }))!
  onTestFinished(() => loop.close())
  const sent: { to: number; octets: Uint8Array }[] = []
  const waiting = new SharedArrayBuffer(12)
  const post = new PacketPost(loop, waiting, (to, octets) => void sent.push({ to, octets }))
  const read = (octets: Uint8Array): string[] => {
    const said: string[] = []
    const hex = (part: Uint8Array): string => Buffer.from(part).toString('hex')
    readPost(octets, {
      packet: ({ port, sockaddr, control }, packet) =>
        said.push(`packet ${port} ${hex(sockaddr)} ${hex(control)} ${hex(packet)}`),
      segments: (each) => said.push(`segments ${hex(each)}`),
    })
    return said
  }
  return { loop, post, sent, read, waiting: new Int32Array(waiting) }
}

const address = (port: number) => ({
  port,
  sockaddr: Uint8Array.of(2, 0, 1),
  control: Uint8Array.of(9),
})

function whole(packet: Uint8Array): Segments {
  const segments = new Segments()
  segments.takeWhole(packet)
  return segments
}

test('packets of a round leave as one message for each thread, others at once', async () => {
  const { loop, post, sent, read, waiting } = await open()
  loop.together(() => {
    expect(post.packet(1, address(3), Uint8Array.of(1, 2))).toBe(true)
    expect(post.segments(2, whole(Uint8Array.of(0x45, 7)))).toBe(true)
    expect(post.packet(1, { ...address(0), control: new Uint8Array() }, new Uint8Array())).toBe(
      true,
    )
    expect(post.segments(1, whole(Uint8Array.of(0x60)))).toBe(true)
    expect(sent).toEqual([])
  })
  expect(sent.map(({ to }) => to)).toEqual([1, 2])
  expect(read(sent[0]!.octets)).toEqual([
    'packet 3 020001 09 0102',
    'packet 0 020001  ',
    `segments ${'00'.repeat(10)}60`,
  ])
  expect(read(sent[1]!.octets)).toEqual([`segments ${'00'.repeat(10)}4507`])
  expect([...waiting]).toEqual([0, 1, 1])
  post.packet(0, address(1), Uint8Array.of(5))
  expect(read(sent[2]!.octets)).toEqual(['packet 1 020001 09 05'])
})

test('the largest packets of a device go in several messages', async () => {
  const { loop, post, sent, read, waiting } = await open()
  const packets = Array.from({ length: 9 }, (_, i) => new Uint8Array(65_535).fill(i))
  loop.together(() => {
    for (const packet of packets) expect(post.segments(1, whole(packet))).toBe(true)
  })
  expect(sent.length).toBeGreaterThan(2)
  expect(waiting[1]).toBe(sent.length)
  const all = sent.flatMap(({ octets }) => read(octets))
  expect(all.map((each) => each.slice(-4))).toEqual(packets.map((_, i) => `0${i}0${i}`))
})

test('a thread that does not keep up is sent no more, until it has', async () => {
  const { post, sent } = await open()
  let taken = 0
  while (post.packet(1, address(0), Uint8Array.of(1)) && taken < 1000) taken++
  expect(taken).toBe(sent.length)
  expect(taken).toBeLessThan(1000)
  expect(post.packet(2, address(0), Uint8Array.of(1))).toBe(true)
  post.taken(1)
  expect(post.packet(1, address(0), Uint8Array.of(1))).toBe(true)
  expect(post.packet(1, address(0), Uint8Array.of(1))).toBe(false)
})
