// A file that grows, or standard output.
import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs'
import type { Clock, Timer } from '../../../shared/clock/clock.ts'
import type { Log } from '../../../shared/log/log.ts'
import { CLOSE_MS, HELD_LIMIT_BYTES, RETRY_MS, type Sink } from './sink.ts'

export type FileFrame = {
  /** What every file begins and ends with; one that is there already is kept as FILE.1. Without, files are continued. */
  readonly head: Uint8Array
  readonly tail: Uint8Array
}

export class FileSink implements Sink {
  readonly #path: string
  readonly #frame: FileFrame | undefined
  readonly #clock: Clock
  readonly #log: Log
  #stream: WriteStream | undefined
  #retry: Timer | undefined

  constructor(path: string, frame: FileFrame | undefined, clock: Clock, log: Log) {
    this.#path = path
    this.#frame = frame
    this.#clock = clock
    this.#log = log
    this.#open()
  }

  write(bytes: Uint8Array): boolean {
    const stream = this.#stream
    if (stream === undefined || stream.writableLength > HELD_LIMIT_BYTES) return false
    stream.write(bytes)
    return true
  }

  reopen(): void {
    const stream = this.#stream
    if (stream === undefined) return
    // Ours has bytes that are not written yet only if it exists; a file that was moved or removed is another one.
    const opened = OPENED.get(stream)
    if (opened !== undefined && opened === inodeOf(this.#path)) return
    void finish(stream, this.#frame)
    this.#open()
  }

  async close(): Promise<void> {
    this.#retry?.cancel()
    const stream = this.#stream
    this.#stream = undefined
    if (stream !== undefined) await finish(stream, this.#frame)
  }

  #open(): void {
    const path = this.#path
    if (this.#frame !== undefined) this.#keepOld()
    const stream = createWriteStream(path, { flags: 'a', mode: 0o640 })
    this.#stream = stream
    stream.on('open', () => {
      const inode = inodeOf(path)
      if (inode !== undefined) OPENED.set(stream, inode)
    })
    stream.on('error', (error) => {
      if (this.#stream !== stream) return
      this.#log.error('tap-file', { file: path, why: error.message })
      this.#stream = undefined
      this.#retry = this.#clock.after(RETRY_MS, () => this.#open())
    })
    if (this.#frame !== undefined) stream.write(this.#frame.head)
  }

  #keepOld(): void {
    try {
      if (statSync(this.#path).size > 0) renameSync(this.#path, `${this.#path}.1`)
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      if (code !== 'ENOENT') this.#log.error('tap-file', { file: this.#path, why: message })
    }
  }
}

export class StdoutSink implements Sink {
  write(bytes: Uint8Array): boolean {
    const { stdout } = process
    if (stdout.writableLength > HELD_LIMIT_BYTES) return false
    stdout.write(bytes)
    return true
  }

  reopen(): void {
    // Whoever gave it to us rotates it.
  }

  async close(): Promise<void> {
    // It belongs to the process.
  }
}

/** Files as they were when they were opened. */
const OPENED = new WeakMap<WriteStream, number>()

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}

function finish(stream: WriteStream, frame: FileFrame | undefined): Promise<void> {
  return new Promise((done) => {
    const cut = setTimeout(() => stream.destroy(), CLOSE_MS)
    stream.on('close', () => {
      clearTimeout(cut)
      done()
    })
    stream.on('error', () => stream.destroy())
    stream.end(frame?.tail)
  })
}
