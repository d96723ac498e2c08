// The first file of a thread that waits for packets of a TUN device and does nothing else. See tun-device.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { openTunReader } from '../../../shared/native/tun.ts'
import { Bug } from '../../../shared/result/result.ts'
import type { TunBatch, TunWorkerStart } from './tun-messages.ts'

/** Octets and packets that go over at a time. */
const BATCH = { octets: 262_144, packets: 128 } as const
const PACKET_LIMIT = 65_536
/** How soon it sees that it is to stop. */
const WAIT_MS = 100

const { fd, stop } = workerData as TunWorkerStart
const reader = await openTunReader(fd)
if (reader === undefined || parentPort === null) throw new Bug('A tunnel thread without its means')
const stopped = new Int32Array(stop)
const packet = new Uint8Array(PACKET_LIMIT)
while (Atomics.load(stopped, 0) === 0) {
  if (!reader.wait(WAIT_MS)) continue
  const octets = new Uint8Array(BATCH.octets)
  const lengths: number[] = []
  let end = 0
  while (lengths.length < BATCH.packets && end + PACKET_LIMIT <= BATCH.octets) {
    const length = reader.read(packet)
    if (length === 0) break
    octets.set(packet.subarray(0, length), end)
    lengths.push(length)
    end += length
  }
  const batch: TunBatch = { octets, lengths }
  if (lengths.length > 0) parentPort.postMessage(batch, [octets.buffer])
}
