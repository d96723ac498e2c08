// The program that deals packets of one port out to sockets, run by the kernel.
import { createSocket } from 'node:dgram'
import { expect, onTestFinished, test } from 'vitest'
import { OPCODE } from '../../../../../../appliances/vpn/core/control/opcode.ts'
import { dealByPeer, ownerOfPeer } from '../../../../../../appliances/vpn/core/plane/deal.ts'
import { UdpBatch } from '../../../../../../shared/native/udp-batch.ts'
import { openUdpSystem, type UdpSocket } from '../../../../../../shared/native/udp-socket.ts'

const IDS = [0, 1, 2, 3, 4, 255, 256, 65_536, 0x12_3456, 0xff_fffe]

test.each([
  ['127.0.0.1', 2],
  ['127.0.0.1', 3],
  ['::1', 3],
] as const)('at %s each of %i sockets gets what is of its peers', async (host, count) => {
  const system = (await openUdpSystem())!
  const sockets: UdpSocket[] = []
  for (let i = 0; i < count; i++) {
    const options = { receiveBufferBytes: 65_536, isShared: true, waitMs: 1 }
    const opened = system.open({ endpoint: { host, port: sockets[0]?.port ?? 0 }, ...options })
    if (!opened.ok) throw new Error(opened.error.call)
    sockets.push(opened.value)
  }
  const client = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  onTestFinished(() => {
    client.close()
    for (const socket of sockets) socket.close()
  })
  expect(system.deal(sockets[0]!, dealByPeer(count))).toBe(true)
  const send = (packet: Uint8Array): Promise<void> =>
    new Promise((done) => client.send(packet, sockets[0]!.port, host, () => done()))
  for (const id of IDS)
    await send(Uint8Array.of((OPCODE.dataV2 << 3) | 5, id >>> 16, id >>> 8, id, 1, 2, 3))
  // Where these go is the kernel's business, but they come; cut short, they are nobody's.
  for (const opcode of [OPCODE.dataV1, OPCODE.control, OPCODE.dataV2])
    await send(Uint8Array.of(opcode << 3, 9))
  const got = sockets.map((socket) => received(new UdpBatch(system, 2048, 8), socket))
  const ids = got.map((packets) =>
    packets
      .filter((packet) => packet.length === 7)
      .map((packet) => Buffer.from(packet).readUIntBE(1, 3)),
  )
  for (let i = 0; i < count; i++)
    expect(ids[i]).toEqual(IDS.filter((id) => ownerOfPeer(id, count) === i + 1))
  expect(got.flat().filter((packet) => packet.length === 2)).toHaveLength(3)
})

function received(batch: UdpBatch, socket: UdpSocket): readonly Uint8Array[] {
  const count = batch.receive(socket, false)
  return Array.from({ length: count }, (_, i) =>
    batch.memory.slice(batch.inAt(i), batch.inAt(i) + batch.lengthOf(i)),
  )
}
