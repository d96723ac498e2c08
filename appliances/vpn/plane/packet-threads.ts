// Packet workers of a gateway: the sockets and the device that they and this thread share, their start and end, and what goes
// to and fro. A worker that ends without being told to is a fault that ends the process.
import { Worker } from 'node:worker_threads'
import type { Log } from '../../../shared/log/log.ts'
import { isPermitted } from '../../../shared/native/permission.ts'
import { openTunQueues, type Tun, type TunSettings } from '../../../shared/native/tun.ts'
import { openUdpSystem, type UdpSocket, type UdpSystem } from '../../../shared/native/udp-socket.ts'
import type { Endpoint } from '../../../shared/net/endpoint.ts'
import { listenFault } from '../../../shared/net/listen-fault.ts'
import { Bug } from '../../../shared/result/result.ts'
import type { GatewayConfig } from '../config.ts'
import { Segments } from '../core/data/segments.ts'
import type { Gateway, OtherThreads } from '../core/gateway/gateway.ts'
import type { Remote, UdpAddress } from '../core/gateway/remote.ts'
import { dealByPeer, ownerOfPeer } from '../core/plane/deal.ts'
import {
  MAIN,
  type DropReason,
  type PlaneNews,
  type PlaneSettings,
} from '../core/plane/data-plane.ts'
import type { PacketLoop } from '../loop/packet-loop.ts'
import { openUdpSocket } from '../network/batched-udp.ts'
import { UdpRemotes } from '../network/udp-remotes.ts'
import type { Port } from '../network/udp-port.ts'
import type { TakeSegments, TunnelDevice } from '../tunnel/device.ts'
import { deviceFault, TunDevice } from '../tunnel/tun-device.ts'
import { PacketPost, readPost } from './packet-post.ts'
import type { FromWorker, ToWorker, TravellingNews, WorkerStart } from './thread-messages.ts'

/** The worker's own bundle, put here by the build (tools/bundle.ts); from source it is a file. */
declare const PACKET_WORKER_CODE: string | undefined

export type PacketThreadsParts = {
  readonly loop: PacketLoop
  readonly settings: PlaneSettings
  readonly nowMs: () => number
  readonly dropped: (reason: DropReason, count: number) => void
  readonly log: Log
  readonly fail: (cause: Error) => void
}

/** Undefined where the main thread does all: the log says why when that was not asked for. */
export async function openPacketThreads(
  { listen, simulate, workers }: GatewayConfig,
  loop: PacketLoop | undefined,
  parts: Omit<PacketThreadsParts, 'loop'>,
): Promise<PacketThreads | undefined> {
  // A simulated device is the main thread's, and so are connections by TCP.
  if (workers === 0 || simulate || !listen.some(({ transport }) => transport === 'udp'))
    return undefined
  const refused = (why: string): undefined => {
    parts.log.info('packet-workers-refused', { asked: workers, why })
  }
  const system = isPermitted('worker') ? await openUdpSystem() : undefined
  if (loop === undefined || system === undefined)
    return refused('Node runs without --allow-ffi and --allow-worker')
  if (workers > 1 && !canDeal(system))
    return refused('the kernel does not deal out packets of one port by their content')
  const hasStreams = listen.some(({ transport }) => transport === 'tcp')
  return new PacketThreads(system, workers, hasStreams, { ...parts, loop })
}

function canDeal(system: UdpSystem): boolean {
  const socket = openUdpSocket(system, { host: '127.0.0.1', port: 0 }, true)
  if (!socket.ok) return false
  const can = system.deal(socket.value, dealByPeer(2))
  socket.value.close()
  return can
}

export class PacketThreads implements OtherThreads {
  readonly #system: UdpSystem
  readonly #parts: PacketThreadsParts
  readonly #workers: Worker[] = []
  readonly #ended: Promise<void>[] = []
  /** One for each worker, of each port. */
  readonly #sockets: (readonly UdpSocket[])[] = []
  /** This thread sends by the first worker's socket. */
  readonly #remotes: UdpRemotes[] = []
  /** One for each worker. */
  readonly #queues: Tun[] = []
  /** Closes what the device does not. */
  #closed: () => void = () => {}
  readonly #post: PacketPost
  readonly #waiting: SharedArrayBuffer
  readonly #segments = new Segments()
  readonly #hasStreams: boolean
  #count: number
  #isClosing = false

  /** `hasStreams`: there are clients by TCP. */
  constructor(system: UdpSystem, count: number, hasStreams: boolean, parts: PacketThreadsParts) {
    this.#system = system
    this.#hasStreams = hasStreams
    this.#count = count
    this.#parts = parts
    this.#waiting = new SharedArrayBuffer(4 * (count + 1))
    this.#post = new PacketPost(parts.loop, this.#waiting, (to, octets) => this.#pass(to, octets))
  }

  /** How many there are. */
  get count(): number {
    return this.#count
  }

  /**
   * Before `openUdp`; `take` gets what comes for clients of this thread. Throws `Fatal` with what would help when there is no
   * device to be had.
   */
  async openDevice(settings: TunSettings, take: TakeSegments): Promise<TunnelDevice> {
    const { loop, log } = this.#parts
    // What a client of this thread sends goes in by a queue of this thread's, and so its answers come out there.
    const wanted = this.#hasStreams ? this.#count + 1 : this.#count
    const opened = await openTunQueues(settings, wanted)
    if (opened === undefined) throw new Bug('A device without FFI')
    if (!opened.ok) throw deviceFault(settings.name, opened.error)
    const queues = opened.value
    if (queues.length < this.#count) {
      const why = 'the device can have one queue alone: one worker has it'
      log.info('packet-workers-refused', { asked: this.#count, why })
      this.#count = 1
    }
    const own = queues[this.#count]
    const device = new TunDevice(own ?? queues[0]!, loop, own && take)
    this.#queues.push(...queues.slice(0, this.#count))
    this.#closed = () => {
      for (const queue of queues) if (queue.fd !== device.fd) queue.close()
    }
    return device
  }

  openUdp(endpoint: Endpoint): Port {
    const sockets: UdpSocket[] = []
    let at = endpoint
    for (let nth = 0; nth < this.#count; nth++) {
      const opened = openUdpSocket(this.#system, at, this.#count > 1)
      if (!opened.ok) {
        for (const each of sockets) each.close()
        const { call, code } = opened.error
        throw listenFault(endpoint, Object.assign(new Error(`${call}: ${code}`), { code }))
      }
      sockets.push(opened.value)
      at = { ...endpoint, port: opened.value.port }
    }
    const [first] = sockets
    if (this.#count > 1 && !this.#system.deal(first!, dealByPeer(this.#count)))
      throw new Bug('The kernel took a program before, and takes it no more')
    const { loop } = this.#parts
    const remotes = new UdpRemotes(this.#system, first!, this.#remotes.length, loop)
    loop.addSender(remotes)
    this.#remotes.push(remotes)
    this.#sockets.push(sockets)
    return {
      endpoint: at,
      close: () => {
        remotes.close()
        for (const each of sockets) each.close()
        return Promise.resolve()
      },
    }
  }

  /** Resolves when all take packets. Ports and device have to be there. */
  async start(gateway: Gateway): Promise<void> {
    const selves = Array.from({ length: this.#count }, (_, i) => i + 1)
    await Promise.all(selves.map((self) => this.#startWorker(self, gateway)))
  }

  /** Nothing is read or written by them any more. */
  async close(): Promise<void> {
    this.#isClosing = true
    for (const worker of this.#workers) this.#tell(worker, { kind: 'stop' })
    await Promise.all(this.#ended)
    this.#closed()
  }

  ownerOf(id: number, remote: Remote, takesPeerId: boolean): number {
    if (remote.address === undefined) return MAIN
    // DATA_V1 does not say whose it is, and may meet any of several.
    return takesPeerId || this.#count === 1 ? ownerOfPeer(id, this.#count) : MAIN
  }

  tell(owner: number | undefined, news: PlaneNews<Remote>): void {
    const message: ToWorker = { kind: 'news', news: travelling(news) }
    for (const [i, worker] of this.#workers.entries())
      if (owner === undefined || owner === i + 1) this.#tell(worker, message)
  }

  elsewhere(owner: number, { address }: Remote, packet: Uint8Array): boolean {
    return address !== undefined && this.#post.packet(owner, address, packet)
  }

  handOver(owner: number, segments: Segments): boolean {
    return this.#post.segments(owner, segments)
  }

  async #startWorker(self: number, gateway: Gateway): Promise<void> {
    const queue = this.#queues[self - 1]!
    const workerData: WorkerStart = {
      self,
      sockets: this.#sockets.map((each) => {
        const { fd, isIpv6 } = each[self - 1]!
        return { fd, isIpv6 }
      }),
      queue: { fd: queue.fd, name: queue.name },
      settings: this.#parts.settings,
      waiting: this.#waiting,
    }
    const worker = new Worker(workerFile(), {
      workerData,
      name: `packets-${self}`,
      // Not the process's own flags: some are refused for threads, and those that count hold for all of them. It would
      // say once more that FFI is young.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    this.#workers.push(worker)
    const { fail } = this.#parts
    worker.on('error', (cause) => fail(cause instanceof Error ? cause : new Bug(String(cause))))
    this.#ended.push(
      new Promise((done) => {
        worker.on('exit', () => {
          if (!this.#isClosing) fail(new Bug(`Packet worker ${self} ended`))
          done()
        })
      }),
    )
    await new Promise<void>((done) => {
      worker.on('exit', () => done())
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') done()
        else this.#hear(message, gateway)
      })
    })
  }

  #hear(message: Exclude<FromWorker, { kind: 'ready' }>, gateway: Gateway): void {
    const { loop, dropped } = this.#parts
    if (message.kind === 'dropped')
      for (const [reason, count] of message.counts) dropped(reason, count)
    else if (message.kind === 'moved')
      gateway.clientMoved(message.id, this.#remoteAt(message.address))
    else if (message.kind === 'left') gateway.clientLeft(message.id)
    else if (message.to === MAIN) {
      loop.together(() => this.#read(message.octets, gateway))
      this.#post.taken(MAIN)
    } else this.#pass(message.to, message.octets)
  }

  #read(octets: Uint8Array, gateway: Gateway): void {
    const { nowMs } = this.#parts
    readPost(octets, {
      packet: (address, packet) => gateway.receive(this.#remoteAt(address), packet, nowMs()),
      segments: (each) => {
        if (this.#segments.take(each)) gateway.fromTunnel(this.#segments, nowMs())
      },
    })
  }

  #pass(to: number, octets: Uint8Array<ArrayBuffer>): void {
    const message: ToWorker = { kind: 'packets', octets }
    this.#workers[to - 1]?.postMessage(message, [octets.buffer])
  }

  #tell(worker: Worker, message: ToWorker): void {
    worker.postMessage(message)
  }

  #remoteAt({ port, sockaddr, control }: UdpAddress): Remote {
    return this.#remotes[port]!.at(sockaddr, control)
  }
}

function travelling(news: PlaneNews<Remote>): TravellingNews {
  if (news.kind === 'peer')
    return { kind: 'peer', peer: { ...news.peer, where: news.peer.where.address } }
  return news.kind === 'moved' ? { ...news, where: news.where.address } : news
}

function workerFile(): URL {
  if (typeof PACKET_WORKER_CODE === 'undefined')
    return new URL('./packet-worker.ts', import.meta.url)
  return new URL(`data:text/javascript,${encodeURIComponent(PACKET_WORKER_CODE)}`)
}
