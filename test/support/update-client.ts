// A client that sends many signed updates at once over connections of its own, for tests of load.
import { connect, type Socket } from 'node:net'
import { FrameReader } from '../../shared/dns-server/core/tcp-frames.ts'
import type { Key } from '../../shared/tsig/key.ts'
import { TsigSigner } from '../../shared/tsig/tsig-signer.ts'

/** Unanswered requests of one connection: the server reads no more than this ahead. */
const IN_FLIGHT = 16

export class UpdateClient {
  readonly #socket: Socket
  readonly #key: Key
  readonly #waiting = new Map<number, (rcode: number | undefined) => void>()
  #isGone = false

  private constructor(socket: Socket, key: Key) {
    this.#socket = socket
    this.#key = key
    const frames = new FrameReader()
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk)
      for (let answer = frames.next(); answer !== undefined; answer = frames.next()) {
        const id = answer.readUInt16BE(0)
        this.#waiting.get(id)?.(answer[3]! & 0xf)
        this.#waiting.delete(id)
      }
    })
    // A server that is killed resets its connections: 'close' says all there is to know.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#isGone = true
      for (const done of this.#waiting.values()) done(undefined)
    })
  }

  static async open(port: number, key: Key): Promise<UpdateClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const client = new UpdateClient(socket, key)
    await new Promise<void>((done) => socket.once('connect', done).once('close', done))
    return client
  }

  /** The rcode; undefined when the server went away before it answered. Ids must differ while they wait. */
  async send(packet: Uint8Array): Promise<number | undefined> {
    if (this.#isGone) return undefined
    const signed = new TsigSigner(this.#key).sign(packet, Math.floor(Date.now() / 1000))
    const answered = new Promise<number | undefined>((done) =>
      this.#waiting.set((packet[0]! << 8) | packet[1]!, done),
    )
    this.#socket.write(Buffer.concat([Buffer.of(signed.length >> 8, signed.length), signed]))
    return await answered
  }

  /** All of them, so many at a time; `answered` hears of each. */
  async sendAll<T>(
    items: readonly T[],
    packetOf: (item: T) => Uint8Array,
    answered: (item: T, rcode: number | undefined) => void,
  ): Promise<void> {
    const left = items.values()
    const work = async () => {
      for (const item of left) answered(item, await this.send(packetOf(item)))
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, work))
  }

  close(): void {
    this.#socket.destroy()
  }
}
