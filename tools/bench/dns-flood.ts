// Random packets at a name server: noise, and real messages that were bent, as fast as one socket sends them.
import { createSocket } from 'node:dgram'
import { Random } from '../../test/fuzz/harness.ts'
import { ORIGIN } from './dns-zone.ts'

const BATCH = 256
const PACKET_LIMIT_OCTETS = 600

/** Resolves with how many were sent. */
export async function floodServer(port: number, packets: number, seed = 1): Promise<number> {
  const random = new Random(seed)
  const socket = createSocket({ type: 'udp4', sendBufferSize: 4 * 1024 * 1024 })
  await new Promise<void>((resolve) => socket.connect(port, '127.0.0.1', resolve))
  // What comes back is of no interest, and an ICMP error about a packet is not the end.
  socket.on('error', () => {})
  let sent = 0
  while (sent < packets) {
    const batch = Math.min(BATCH, packets - sent)
    await Promise.all(
      Array.from(
        { length: batch },
        () => new Promise<void>((done) => socket.send(bentPacket(random), () => done())),
      ),
    )
    sent += batch
  }
  socket.close()
  return sent
}

/** Half of them noise; the others a query with a few octets changed, so that they get further in. */
export function bentPacket(random: Random): Buffer {
  if (random.below(2) === 0) return noise(random, random.below(PACKET_LIMIT_OCTETS))
  const packet = Buffer.concat([QUERY, noise(random, random.below(16))])
  for (let left = random.below(6); left > 0; left--)
    packet[random.below(packet.length)] = random.below(256)
  return packet
}

function noise(random: Random, octets: number): Buffer {
  return Buffer.from(Array.from({ length: octets }, () => random.below(256)))
}

/** `h12.bench.test A` with EDNS, DO and a cookie. */
const QUERY = Buffer.concat([
  Buffer.from('123401000001000000000001', 'hex'),
  Buffer.from(
    `\x03h12${ORIGIN.split('.')
      .map((label) => String.fromCharCode(label.length) + label)
      .join('')}\0`,
    'latin1',
  ),
  Buffer.from('00010001', 'hex'),
  Buffer.from('000029100000008000000c000a00080102030405060708', 'hex'),
])
