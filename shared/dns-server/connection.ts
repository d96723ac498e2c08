// Messages behind their lengths on any byte stream (RFC 1035 §4.2.2, RFC 7766, RFC 7858): TCP, or TLS on top of it.
import type { Duplex } from 'node:stream'
import type { Client } from './core/client.ts'
import { DEFERRED, type Defer, type Reply } from './core/defer.ts'
import { FrameReader } from './core/tcp-frames.ts'
import type { OpenStream } from './admission.ts'
import type { Handle } from './handle.ts'

/** A client that does not read its answers is not read from beyond this. */
const UNSENT_LIMIT_BYTES = 256 * 1024
/** Requests of one connection that are being worked on; the next ones wait in the network. */
const DEFERRED_LIMIT = 16

/** One client's queries, answered in the order they came (RFC 7766 §6.2.1.1 allows any). */
export class Connection {
  readonly #stream: Duplex
  readonly #client: Client
  readonly #handle: Handle
  readonly #defer: Defer
  readonly #open: OpenStream
  readonly #reader = new FrameReader()
  readonly #gone = new AbortController()
  /** Queries that are still taken. */
  #left: number
  /** Requests that were deferred and are not answered yet. */
  #deferred = 0
  #isEnding = false

  constructor(
    stream: Duplex,
    client: Client,
    world: {
      readonly handle: Handle
      readonly defer: Defer
      readonly open: OpenStream
      /** Then the connection ends, and the client makes a new one. */
      readonly queriesLimit: number
    },
  ) {
    this.#stream = stream
    this.#client = client
    this.#handle = world.handle
    this.#defer = world.defer
    this.#open = world.open
    this.#left = world.queriesLimit
    stream.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk)
      this.#answer()
    })
    stream.on('drain', () => {
      stream.resume()
      this.#answer()
    })
    stream.on('end', () => {
      this.#isEnding = true
      this.#answer()
    })
    // A reset is how clients end; 'close' follows and tidies up.
    stream.on('error', ignore)
    stream.on('close', () => this.#gone.abort())
  }

  #answer(): void {
    const stream = this.#stream
    if (!stream.writable) return
    stream.cork()
    while (stream.writableLength < UNSENT_LIMIT_BYTES && this.#deferred < DEFERRED_LIMIT) {
      const message = this.#left > 0 ? this.#reader.next() : undefined
      if (message === undefined) {
        if ((this.#isEnding || this.#left === 0) && this.#deferred === 0) stream.end()
        break
      }
      this.#left--
      this.#open.touch()
      const length = this.#handle(message, this.#client, OUT)
      if (length === DEFERRED) this.#deferMessage(message)
      else if (length > 0) stream.write(framed(OUT.subarray(0, length)))
    }
    stream.uncork()
    if (stream.writableNeedDrain || this.#deferred === DEFERRED_LIMIT) stream.pause()
  }

  #deferMessage(message: Buffer): void {
    this.#deferred++
    const reply: Reply = { signal: this.#gone.signal, send: (answer) => this.#send(answer) }
    void this.#defer(Uint8Array.from(message), this.#client, reply).finally(() => {
      this.#deferred--
      this.#open.touch()
      if (!this.#stream.writableNeedDrain) this.#stream.resume()
      this.#answer()
    })
  }

  async #send(message: Uint8Array): Promise<void> {
    const stream = this.#stream
    if (!stream.writable) return
    this.#open.touch()
    if (stream.write(framed(message))) return
    await new Promise<void>((done) => {
      const settled = (): void => {
        stream.off('drain', settled).off('close', settled)
        done()
      }
      stream.on('drain', settled).on('close', settled)
    })
  }
}

/** Behind its length, as a stream carries it. */
function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(message.length + 2)
  bytes.writeUInt16BE(message.length, 0)
  bytes.set(message, 2)
  return bytes
}

function ignore(): void {
  // A connection's end is all there is to do about it.
}

/** `handle` is synchronous, so one buffer serves every connection. */
const OUT = Buffer.alloc(65_535)
