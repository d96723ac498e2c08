// Exchanges over UDP by sockets that are no objects of Node's, which cost a fifth of the time, and may ask again. The
// event loop says when something came, and all of it is taken at once.
import {
  BROKEN,
  NOTHING,
  openConnectedUdp,
  type ConnectedUdp,
} from '../../shared/native/connected-udp.ts'
import { openReadyWatch, type ReadyWatch, type Watched } from '../../shared/native/ready-watch.ts'
import { sockaddrOf } from '../../shared/native/udp-socket.ts'
import { upstreamKey, type Upstream } from './core/iterate/upstream.ts'
import type { Random } from './core/random.ts'
import type { Arrivals, DatagramOpener, Datagrams, Send } from './upstream-sockets.ts'

/**
 * A port that had its answer asks the same server again, one question at a time, so often and for so long at most: less than a
 * question that nobody answers keeps its own open, so that a search for open ports gains no time (RFC 5452 §9.2).
 */
const USES_LIMIT = 16
const USED_MS = 1000
/** Ports that wait to be used again. */
const IDLE_LIMIT = 256
/** Looks between which the event loop has its turn. */
const LOOKS = 4
/** Upstreams whose address is kept as the system wants it. */
const PEERS_LIMIT = 4096

/** Undefined where FFI is refused, or this is no Linux we know. `fail` hears of a fault that ends the process. */
export async function openNativeDatagrams(
  fail: (cause: Error) => void,
): Promise<DatagramOpener | undefined> {
  const udp = await openConnectedUdp()
  if (udp === undefined) return undefined
  const watch = await openReadyWatch(fail)
  if (watch === undefined) {
    udp.close()
    return undefined
  }
  return (arrivals, random) => new NativeDatagrams(udp, watch, arrivals, random)
}

class NativeDatagrams implements Datagrams {
  readonly #udp: ConnectedUdp
  readonly #watch: ReadyWatch
  readonly #watched: Watched
  readonly #arrivals: Arrivals
  readonly #random: Random
  readonly #open = new Map<number, Port>()
  readonly #byDescriptor = new Map<number, Port>()
  readonly #peers = new Map<string, Peer>()
  /** Ports that wait to be used again. */
  #idle = 0
  #sweep: NodeJS.Timeout | undefined
  /** What arrives right now, while it is told. */
  #arriving: Port | undefined
  #isClosed = false

  constructor(udp: ConnectedUdp, watch: ReadyWatch, arrivals: Arrivals, random: Random) {
    this.#udp = udp
    this.#watch = watch
    this.#watched = watch.add(udp.fd, () => this.#take())
    this.#arrivals = arrivals
    this.#random = random
  }

  get size(): number {
    return this.#open.size
  }

  send({ exchange, upstream, packet }: Send): boolean {
    // A zone is a number here and a name there.
    if (upstream.address.includes('%')) return false
    const peer = this.#peer(upstream)
    const port = this.#sendAgain(peer, packet) ?? this.#sendAnew(peer, packet)
    if (port === undefined) {
      this.#arrivals.unreachable(exchange)
      return true
    }
    port.exchange = exchange
    port.heard = 0
    port.uses++
    this.#open.set(exchange, port)
    return true
  }

  end(exchange: number): boolean {
    const port = this.#open.get(exchange)
    if (port === undefined) return false
    this.#open.delete(exchange)
    port.exchange = undefined
    // What ends with the first packet that came had its answer: nobody guesses at this port, and nothing more is on its way.
    const isClean = port === this.#arriving && port.heard === 1
    const isFresh = port.uses < USES_LIMIT && performance.now() - port.openedMs < USED_MS
    if (isClean && isFresh && this.#idle < IDLE_LIMIT) this.#keep(port)
    else this.#drop(port)
    return true
  }

  /** Whatever has come; what is left is for the next turn of the event loop. */
  #take(): void {
    const udp = this.#udp
    for (let looks = 0; looks < LOOKS && !this.#isClosed; looks++) {
      const count = udp.look()
      if (count === 0) break
      // A descriptor that was closed meanwhile may be another port by now: it has nothing yet, or its own answer.
      for (let i = 0; i < count && !this.#isClosed; i++) this.#receive(udp.ready(i))
    }
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#sweep)
    for (const fd of this.#byDescriptor.keys()) this.#udp.end(fd)
    this.#open.clear()
    this.#byDescriptor.clear()
    this.#watched.stop()
    void this.#watch.close().then(() => this.#udp.close())
  }

  #receive(fd: number): void {
    const port = this.#byDescriptor.get(fd)
    if (port === undefined) return
    const { exchange } = port
    // Nothing was asked from here: late, or a guess. The port has served.
    if (exchange === undefined) return this.#dropIdle(port)
    const octets = this.#udp.receive(fd)
    if (octets === NOTHING) return
    if (octets === BROKEN) return this.#arrivals.unreachable(exchange)
    // Connected: the kernel lets nobody else in.
    const packet = this.#udp.received.subarray(0, octets)
    port.heard++
    this.#arriving = port
    this.#arrivals.received(exchange, packet, port.peer.upstream)
    this.#arriving = undefined
  }

  #sendAnew(peer: Peer, packet: Uint8Array): Port | undefined {
    const fd = this.#udp.send(peer.sockaddr, packet)
    if (fd < 0) return undefined
    const port = { fd, peer, exchange: undefined, heard: 0, uses: 0, openedMs: performance.now() }
    this.#byDescriptor.set(fd, port)
    return port
  }

  #sendAgain(peer: Peer, packet: Uint8Array): Port | undefined {
    const { idle } = peer
    if (idle.length === 0) return undefined
    const nth = this.#random.below(idle.length)
    const port = idle[nth]!
    idle[nth] = idle.at(-1)!
    idle.pop()
    this.#idle--
    const isFresh = performance.now() - port.openedMs < USED_MS
    if (isFresh && this.#udp.sendAgain(port.fd, packet)) return port
    this.#drop(port)
    return undefined
  }

  #keep(port: Port): void {
    port.peer.idle.push(port)
    this.#idle++
    this.#sweep ??= setTimeout(() => this.#sweepIdle(), USED_MS).unref()
  }

  #dropIdle(port: Port): void {
    const { idle } = port.peer
    idle.splice(idle.indexOf(port), 1)
    this.#idle--
    this.#drop(port)
  }

  #drop({ fd }: Port): void {
    this.#byDescriptor.delete(fd)
    this.#udp.end(fd)
  }

  /** No port stays open for long, used or not. */
  #sweepIdle(): void {
    this.#sweep = undefined
    const staleMs = performance.now() - USED_MS
    for (const port of this.#byDescriptor.values())
      if (port.exchange === undefined && port.openedMs <= staleMs) this.#dropIdle(port)
    if (this.#idle > 0) this.#sweep = setTimeout(() => this.#sweepIdle(), USED_MS).unref()
  }

  #peer(upstream: Upstream): Peer {
    const key = upstreamKey(upstream)
    let peer = this.#peers.get(key)
    if (peer !== undefined) return peer
    const sockaddr = sockaddrOf({ host: upstream.address, port: upstream.port })
    peer = { upstream, sockaddr, idle: [] }
    // Ports that wait belong to a peer that is forgotten then, and go with the next sweep.
    if (this.#peers.size >= PEERS_LIMIT) this.#peers.clear()
    this.#peers.set(key, peer)
    return peer
  }
}

type Peer = {
  readonly upstream: Upstream
  readonly sockaddr: Uint8Array
  readonly idle: Port[]
}

/** A socket, and the random port that is the system's choice for it. */
type Port = {
  readonly fd: number
  readonly peer: Peer
  readonly openedMs: number
  /** Undefined while it waits to be used again. */
  exchange: number | undefined
  /** Packets since it was last sent from. */
  heard: number
  uses: number
}
