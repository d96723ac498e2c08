// The first file of a packet worker: a thread with a socket of each UDP port and a queue of the tunnel device, which does the
// packet work of the clients it owns. Everything else it leaves to the main thread.
import { randomBytes } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../../shared/clock/clock.ts'
import { adoptTun } from '../../../shared/native/tun.ts'
import { openUdpSystem } from '../../../shared/native/udp-socket.ts'
import { Bug } from '../../../shared/result/result.ts'
import { isData, opcodeOf } from '../core/control/opcode.ts'
import { Segments } from '../core/data/segments.ts'
import type { Remote, UdpAddress } from '../core/gateway/remote.ts'
import { DataPlane, MAIN, type DropReason, type PlaneNews } from '../core/plane/data-plane.ts'
import { PacketLoop } from '../loop/packet-loop.ts'
import { BatchedUdp } from '../network/batched-udp.ts'
import type { UdpRemote } from '../network/udp-remotes.ts'
import { openSealing } from '../sealing.ts'
import { TunDevice } from '../tunnel/tun-device.ts'
import { PacketPost, readPost } from './packet-post.ts'
import type { FromWorker, ToWorker, TravellingNews, WorkerStart } from './thread-messages.ts'

/** How often it says what it dropped. */
const COUNTS_MS = 1000
/** A client that is at one place and then another is believed so often; the main thread is told each time. */
const MOVE_MS = 20
/** And so often that it is where the main thread would not have it. */
const MOVE_AGAIN_MS = 1000

/** Of a client that comes by no UDP port: it is another thread's. */
const NOWHERE: Remote = {
  name: '',
  octets: new Uint8Array(),
  isStream: true,
  room: (octets) => new Uint8Array(octets),
  send: () => {},
}

const { self, sockets, queue, settings, waiting } = workerData as WorkerStart
const main = parentPort
const nowMs = (): number => systemClock.wallMs()
/** Ends this thread, and so the gateway. */
const fail = (cause: Error): void =>
  void setImmediate(() => {
    throw cause
  })
const loop = await PacketLoop.open(fail)
const system = await openUdpSystem()
const tun = await adoptTun(queue.fd, queue.name)
if (main === null || loop === undefined || system === undefined || tun === undefined)
  throw new Bug('A packet worker without its means')
const say = (message: FromWorker): void => main.postMessage(message)
const sealing = await openSealing()

const drops = new Map<DropReason, number>()
const dropped = (reason: DropReason): void => void drops.set(reason, (drops.get(reason) ?? 0) + 1)
const counting = setInterval(() => {
  if (drops.size === 0) return
  say({ kind: 'dropped', counts: drops })
  drops.clear()
}, COUNTS_MS)

const post = new PacketPost(loop, waiting, (to, octets) =>
  main.postMessage({ kind: 'packets', to, octets } satisfies FromWorker, [octets.buffer]),
)
/** The main thread has seen the packet that is at hand, and gave it back. */
let isGivenBack = false
/** Where clients were last said to be, and when. */
const reported = new Map<number, { readonly name: string; readonly atMs: number }>()

const plane = new DataPlane(self, settings, {
  toTunnel: (packet) => device.send(packet),
  openAead: sealing.openAead,
  random: randomBytes,
  dropped,
  // Whoever owns it, and what it does not know: the main thread does.
  elsewhere: (_, { address }, packet) =>
    !isGivenBack && address !== undefined && post.packet(MAIN, address, packet),
  handOver: (owner, segments) => post.segments(owner, segments),
  moved(id, { name, address }) {
    const before = reported.get(id)
    const restMs = before?.name === name ? MOVE_AGAIN_MS : MOVE_MS
    if (address === undefined || nowMs() - (before?.atMs ?? 0) < restMs) return false
    reported.set(id, { name, atMs: nowMs() })
    say({ kind: 'moved', id, address })
    return true
  },
  left: (id) => say({ kind: 'left', id }),
})
const device = new TunDevice(tun, loop, (segments) => plane.fromTunnel(segments, nowMs()))
const receive = (remote: UdpRemote, packet: Uint8Array): void => {
  if (isData(opcodeOf(packet))) plane.receive(remote, packet, nowMs())
  else if (!post.packet(MAIN, remote.address, packet)) dropped('limited')
}
const ports = sockets.map(({ fd, isIpv6 }, nth) => {
  const socket = system.adopt(fd, isIpv6)
  return new BatchedUdp(system, socket, nth, loop, { receive, failed: fail })
})
const remoteAt = ({ port, sockaddr, control }: UdpAddress): UdpRemote =>
  ports[port]!.remotes.at(sockaddr, control)

function arrived(news: TravellingNews): PlaneNews<Remote> {
  const remoteOf = (where: UdpAddress | undefined): Remote =>
    where === undefined ? NOWHERE : remoteAt(where)
  if (news.kind === 'peer')
    return { kind: 'peer', peer: { ...news.peer, where: remoteOf(news.peer.where) } }
  return news.kind === 'moved' ? { ...news, where: remoteOf(news.where) } : news
}

const handed = new Segments()
const reader = {
  packet(address: UdpAddress, packet: Uint8Array): void {
    plane.receive(remoteAt(address), packet, nowMs())
  },
  segments(octets: Uint8Array): void {
    if (handed.take(octets)) plane.fromTunnel(handed, nowMs())
  },
}

main.on('message', (message: ToWorker) => {
  if (message.kind === 'news') {
    const { news } = message
    if (news.kind === 'gone') reported.delete(news.id)
    loop.together(() => plane.hear(arrived(news), nowMs()))
  } else if (message.kind === 'packets') {
    isGivenBack = true
    loop.together(() => readPost(message.octets, reader))
    isGivenBack = false
    post.taken(self)
  } else {
    clearInterval(counting)
    main.close()
    // What it read and wrote is the main thread's to close.
    void loop.close()
  }
})
say({ kind: 'ready' })
