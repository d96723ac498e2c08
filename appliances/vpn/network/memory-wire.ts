// What stands between TLS and the control channel: octets in memory instead of a connection.
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { KEY_MATERIAL_OCTETS } from '../core/data/key-material.ts'
import type { Exporter } from '../core/session/tls-end.ts'

/** What TLS believes to be a connection. */
export class MemoryWire extends Duplex {
  readonly #output: (octets: Uint8Array) => void

  constructor(output: (octets: Uint8Array) => void) {
    super()
    this.#output = output
  }

  feed(octets: Uint8Array): void {
    if (!this.destroyed) this.push(octets)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#output(chunk)
    done()
  }
}

/** Writes each message in a TLS record of its own: Node puts together what waits. */
export class RecordWriter {
  #socket: TLSSocket | undefined
  readonly #waiting: Uint8Array[] = []
  #isWriting = false

  open(socket: TLSSocket): void {
    this.#socket = socket
    this.#next()
  }

  write(octets: Uint8Array): void {
    this.#waiting.push(octets)
    this.#next()
  }

  close(): void {
    this.#waiting.length = 0
    this.#socket?.removeAllListeners('data')
    this.#socket?.removeAllListeners('error').on('error', () => {})
    this.#socket?.destroy()
  }

  #next(): void {
    if (this.#isWriting || this.#socket === undefined) return
    const octets = this.#waiting.shift()
    if (octets === undefined) return
    this.#isWriting = true
    this.#socket.write(octets, () => {
      this.#isWriting = false
      this.#next()
    })
  }
}

/** Without context: an empty one would give other octets with TLS 1.2. */
export function exporterOf(socket: TLSSocket): Exporter {
  return (label) =>
    socket.exportKeyingMaterial(KEY_MATERIAL_OCTETS, label, undefined as unknown as Buffer)
}
