// A dnstap reader at a UNIX or TCP socket: the handshake of frame streams, and again after the reader went away.
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import type { Clock, Timer } from '../../../shared/clock/clock.ts'
import type { Log } from '../../../shared/log/log.ts'
import { CONTROL, controlFrame, readControlFrame } from '../core/tap/frame-stream.ts'
import { CLOSE_MS, HELD_LIMIT_BYTES, RETRY_MS, type Sink } from './sink.ts'

export class SocketSink implements Sink {
  readonly #target: NetConnectOpts
  readonly #clock: Clock
  readonly #log: Log
  #socket: Socket | undefined
  #isReady = false
  #retry: Timer | undefined

  constructor(target: NetConnectOpts, clock: Clock, log: Log) {
    this.#target = target
    this.#clock = clock
    this.#log = log
    this.#connect()
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket
    if (socket === undefined || !this.#isReady || socket.writableLength > HELD_LIMIT_BYTES)
      return false
    socket.write(bytes)
    return true
  }

  reopen(): void {
    // A socket is no file that could have been moved.
  }

  async close(): Promise<void> {
    this.#retry?.cancel()
    const socket = this.#socket
    this.#socket = undefined
    if (socket === undefined) return
    if (!this.#isReady) return void socket.destroy()
    await new Promise<void>((done) => {
      const cut = setTimeout(() => socket.destroy(), CLOSE_MS)
      socket.on('close', () => {
        clearTimeout(cut)
        done()
      })
      socket.end(controlFrame(CONTROL.STOP))
    })
  }

  #connect(): void {
    const socket = connect(this.#target)
    this.#socket = socket
    this.#isReady = false
    let held: Buffer = Buffer.alloc(0)
    socket.on('connect', () => socket.write(controlFrame(CONTROL.READY)))
    socket.on('data', (chunk: Buffer) => {
      // After the ACCEPT only a FINISH may come, and it is followed by the end.
      if (this.#isReady) return
      held = Buffer.concat([held, chunk])
      const control = readControlFrame(held)
      if (control === 'more') return
      if (control === 'bad' || control.type !== CONTROL.ACCEPT) {
        this.#log.error('dnstap', { why: 'the reader does not accept dnstap' })
        return void socket.destroy()
      }
      socket.write(controlFrame(CONTROL.START))
      this.#isReady = true
    })
    socket.on('error', (error) => this.#log.warn('dnstap', { why: error.message }))
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#isReady = false
      this.#retry = this.#clock.after(RETRY_MS, () => this.#connect())
    })
  }
}
