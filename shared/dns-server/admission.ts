// Who may hold a connection, and how long without saying anything: one book for TCP, TLS and HTTPS together.
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../clock/clock.ts'
import type { Log } from '../log/log.ts'
import type { DnsLimits } from './handle.ts'

const SWEEP_MS = 1000

/** A connection from accept to close. */
export class OpenStream {
  readonly socket: Socket
  readonly #clock: Clock
  lastMessageMs: number

  constructor(socket: Socket, clock: Clock) {
    this.socket = socket
    this.#clock = clock
    this.lastMessageMs = clock.monotonicMs()
  }

  /** A message is complete, or an answer left. */
  touch(): void {
    this.lastMessageMs = this.#clock.monotonicMs()
  }
}

export class Admission {
  readonly #limits: DnsLimits
  readonly #clock: Clock
  readonly #log: Log
  readonly #open = new Set<OpenStream>()
  readonly #perClient = new Map<string, number>()
  #sweep: Timer | undefined

  constructor(limits: DnsLimits, clock: Clock, log: Log) {
    this.#limits = limits
    this.#clock = clock
    this.#log = log
    this.#sweepLater()
  }

  get size(): number {
    return this.#open.size
  }

  /** Counts the connection until it closes; undefined when there are too many, and it is gone already. */
  enter(socket: Socket): OpenStream | undefined {
    // A reset is how clients end; 'close' follows and tidies up.
    socket.on('error', ignore)
    if (this.#open.size >= this.#limits.tcpConnections) return this.#refuse(socket)
    const open = new OpenStream(socket, this.#clock)
    this.#open.add(open)
    socket.once('close', () => this.#open.delete(open))
    return open
  }

  /** Counts it for its client, who may be another than the one it came from; false when it is gone. */
  admit({ socket }: OpenStream, address: string): boolean {
    const held = this.#perClient.get(address) ?? 0
    if (held >= this.#limits.tcpConnectionsPerClient) {
      this.#refuse(socket)
      return false
    }
    this.#perClient.set(address, held + 1)
    socket.once('close', () => {
      const left = (this.#perClient.get(address) ?? 1) - 1
      if (left === 0) this.#perClient.delete(address)
      else this.#perClient.set(address, left)
    })
    return true
  }

  close(): void {
    this.#sweep?.cancel()
  }

  destroyAll(): void {
    for (const { socket } of this.#open) socket.destroy()
  }

  #refuse(socket: Socket): undefined {
    const client = socket.remoteAddress ?? ''
    this.#log.debug('tcp-refused', { client, connections: this.#open.size })
    socket.destroy()
    return undefined
  }

  #sweepLater(): void {
    this.#sweep = this.#clock.after(SWEEP_MS, () => {
      const oldest = this.#clock.monotonicMs() - this.#limits.tcpIdleMs
      for (const { socket, lastMessageMs } of this.#open)
        if (lastMessageMs < oldest) socket.destroy()
      this.#sweepLater()
    })
  }
}

function ignore(): void {
  // A connection's end is all there is to do about it.
}
