// Being told by Node's own event loop when a descriptor that Node knows nothing of has something to read: libuv's uv_poll_t,
// which the Node binary exports (docs.libuv.org/en/v1.x/poll.html). No thread, and nothing between epoll and the callback.
import type * as Ffi from 'node:ffi'
import { openFfi } from './ffi.ts'

/** Undefined where FFI is refused or this is no Linux we know. `failed` gets what a callback threw. */
export async function openReadyWatch(
  failed: (cause: Error) => void,
): Promise<ReadyWatch | undefined> {
  const ffi = await openFfi()
  return ffi && new ReadyWatch(ffi, failed)
}

export type Watched = {
  /** From then on nothing is called, and the descriptor may be closed. */
  stop(): void
}

export class ReadyWatch {
  readonly #ffi: typeof Ffi
  readonly #library: ReturnType<typeof openUv>
  readonly #loop: bigint
  readonly #failed: (cause: Error) => void
  /** By address. What is here is alive for libuv. */
  readonly #handles = new Map<bigint, Handle>()
  readonly #callbacks: { readonly ready: bigint; readonly closed: bigint }
  #allClosed: (() => void) | undefined
  /** Whether Node will have a callback of its own in this turn. */
  #isTurnFinished = false
  readonly #turnFinished = (): void => {
    this.#isTurnFinished = false
  }

  constructor(ffi: typeof Ffi, failed: (cause: Error) => void) {
    this.#ffi = ffi
    this.#failed = failed
    this.#library = openUv(ffi)
    this.#loop = ffi.getCurrentEventLoop()
    // Made once: a sandbox may refuse to make more.
    const { lib } = this.#library
    this.#callbacks = {
      ready: lib.registerCallback(READY, (at, status) => this.#ready(at as bigint, status)),
      closed: lib.registerCallback(CLOSED, (at) => this.#closed(at as bigint)),
    }
  }

  /** `ready` is called in each turn of the event loop in which there is something, also when the descriptor is broken. */
  add(fd: number, ready: () => void): Watched {
    const uv = this.#library.functions
    const memory = new Uint8Array(new ArrayBuffer(Number(uv.uv_handle_size(UV_POLL))))
    const at = this.#ffi.getRawPointer(memory)
    const code = uv.uv_poll_init(this.#loop, at, fd)
    if (code !== 0) throw new Error(`uv_poll_init: ${code}`)
    const handle: Handle = { memory, ready, isStopped: false, faults: 0 }
    this.#handles.set(at, handle)
    this.#start(at)
    return {
      stop: () => {
        if (handle.isStopped) return
        handle.isStopped = true
        uv.uv_close(at, this.#callbacks.closed)
      },
    }
  }

  /** When all that was added has been stopped. */
  async close(): Promise<void> {
    if (this.#handles.size > 0) await new Promise<void>((done) => (this.#allClosed = done))
    const { lib } = this.#library
    for (const callback of Object.values(this.#callbacks)) lib.unregisterCallback(callback)
  }

  #start(at: bigint): void {
    const code = this.#library.functions.uv_poll_start(at, UV_READABLE, this.#callbacks.ready)
    if (code !== 0) throw new Error(`uv_poll_start: ${code}`)
  }

  /** Must not throw: it is called from native code. */
  #ready(at: bigint, status: number): void {
    const handle = this.#handles.get(at)
    if (handle === undefined || handle.isStopped) return
    this.#finishTurn()
    try {
      handle.ready()
      handle.faults = status < 0 ? handle.faults + 1 : 0
      if (status >= 0 || handle.isStopped) return
      // libuv has stopped it. An error of a socket is gone when it was read; one that stays would turn for ever.
      if (handle.faults > FAULTS_LIMIT) throw new Error(`a descriptor is broken (${status})`)
      this.#start(at)
    } catch (cause) {
      this.#failed(cause as Error)
    }
  }

  /** Node does not know of a callback from native code: what promises were kept by it would wait for one that Node knows of. */
  #finishTurn(): void {
    if (this.#isTurnFinished) return
    this.#isTurnFinished = true
    setImmediate(this.#turnFinished)
  }

  #closed(at: bigint): void {
    this.#handles.delete(at)
    // Not from within the callback, which may be taken away then.
    if (this.#handles.size === 0 && this.#allClosed !== undefined) setImmediate(this.#allClosed)
  }
}

type Handle = {
  /** uv_poll_t, which libuv holds the address of. */
  readonly memory: Uint8Array
  readonly ready: () => void
  isStopped: boolean
  /** In a row. */
  faults: number
}

const UV_POLL = 8
const UV_READABLE = 1
const FAULTS_LIMIT = 8
const READY = { arguments: ['pointer', 'i32', 'i32'], return: 'void' } as const
const CLOSED = { arguments: ['pointer'], return: 'void' } as const

function openUv(ffi: typeof Ffi) {
  return ffi.dlopen(null, UV)
}

const UV = {
  uv_handle_size: { arguments: ['i32'], return: 'u64' },
  uv_poll_init: { arguments: ['pointer', 'pointer', 'i32'], return: 'i32' },
  uv_poll_start: { arguments: ['pointer', 'i32', 'pointer'], return: 'i32' },
  uv_close: { arguments: ['pointer', 'pointer'], return: 'void' },
} as const
