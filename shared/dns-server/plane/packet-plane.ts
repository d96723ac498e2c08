// Answers UDP from threads of its own, one socket each for every address: sockets, workers, and what they leave to this
// thread. What the workers answer from is handed in. A worker that ends without being told to is a fault that ends the process.
import { Worker } from 'node:worker_threads'
import type { Log } from '../../log/log.ts'
import { isPermitted } from '../../native/permission.ts'
import { openUdpSystem, type UdpSocket, type UdpSystem } from '../../native/udp-socket.ts'
import type { Endpoint } from '../../net/endpoint.ts'
import { listenFault } from '../../net/listen-fault.ts'
import { Bug } from '../../result/result.ts'
import { TALLY_OCTETS } from '../core/answer-tally.ts'
import { DEFERRED, type Defer } from '../core/defer.ts'
import type { Handle } from '../handle.ts'
import { RECEIVE_BUFFER_BYTES } from '../udp-listener.ts'
import type { UdpPort, UdpPorts } from '../udp-ports.ts'
import { readDeferred, SockaddrClient, type DeferredRequest } from './deferred-requests.ts'
import { CONTROL, LOOK_MS, type FromWorker, type WorkerStart } from './plane-messages.ts'

/** What packet workers need of the machine; undefined where FFI or threads are refused. */
export async function openPlaneSystem(): Promise<UdpSystem | undefined> {
  return isPermitted('worker') ? await openUdpSystem() : undefined
}

/** What workers answer from, and who keeps it up to date. */
export interface PlaneSource<Given, News> {
  /** Before the workers start; `tell` reaches all of them. */
  start(tell: (news: News) => void): void
  /** For the answerer of a worker that starts now: what can be cloned. */
  given(): Given
  stop(): void
}

export type PlaneOptions<Given, News> = {
  readonly system: UdpSystem
  readonly workers: number
  /** The first file of a worker: it calls `runPacketWorker`. */
  readonly workerFile: URL
  /** Largest UDP answer. */
  readonly udpLimitOctets: number
  /** Requests that may wait for this thread; their clients ask again when more are dropped. */
  readonly waitingLimit: number
  readonly source: PlaneSource<Given, News>
  /** Answers what workers cannot, and leaves what takes more than that to `defer`. */
  readonly handle: Handle
  readonly defer: Defer
  /** Takes the tally of each worker. */
  readonly counts: { add(memory: ArrayBufferLike): void }
  readonly log: Log
  /** A worker ended: nobody answers its clients. */
  readonly fail: (error: Error) => void
}

export class PacketPlane<Given, News> implements UdpPorts {
  readonly #options: PlaneOptions<Given, News>
  readonly #out: Buffer
  readonly #control = new SharedArrayBuffer(CONTROL.words * 4)
  readonly #words = new Int32Array(this.#control)
  /** One for each worker, of every address. */
  readonly #opened = new Set<readonly UdpSocket[]>()
  readonly #workers: Worker[] = []
  readonly #ended: Promise<void>[] = []
  readonly #closing = new AbortController()

  constructor(options: PlaneOptions<Given, News>) {
    this.#options = options
    this.#out = Buffer.alloc(options.udpLimitOctets)
  }

  get workers(): number {
    return this.#workers.length
  }

  async open(endpoint: Endpoint): Promise<UdpPort> {
    const { system, workers } = this.#options
    const sockets: UdpSocket[] = []
    let at = endpoint
    for (let nth = 0; nth < workers; nth++) {
      const socket = system.open({
        endpoint: at,
        receiveBufferBytes: RECEIVE_BUFFER_BYTES,
        isShared: workers > 1,
        waitMs: LOOK_MS,
      })
      if (!socket.ok) {
        for (const each of sockets) each.close()
        const { call, code } = socket.error
        throw listenFault(endpoint, Object.assign(new Error(`${call}: ${code}`), { code }))
      }
      sockets.push(socket.value)
      at = { ...endpoint, port: socket.value.port }
    }
    this.#opened.add(sockets)
    return {
      port: at.port,
      discard: () => {
        this.#opened.delete(sockets)
        for (const each of sockets) each.close()
      },
    }
  }

  async start(): Promise<void> {
    const { source, workers } = this.#options
    source.start((news) => this.#tellAll(news))
    await Promise.all(Array.from({ length: workers }, (_, nth) => this.#startWorker(nth)))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#options.source.stop()
    Atomics.store(this.#words, CONTROL.stop, 1)
    await Promise.all(this.#ended)
    for (const sockets of this.#opened) for (const each of sockets) each.close()
    this.#opened.clear()
  }

  #tellAll(news: News): void {
    for (const worker of this.#workers) worker.postMessage(news)
    Atomics.add(this.#words, CONTROL.news, 1)
  }

  async #startWorker(nth: number): Promise<void> {
    const sockets = [...this.#opened].map((each) => each[nth]!)
    const counts = new SharedArrayBuffer(TALLY_OCTETS)
    this.#options.counts.add(counts)
    const workerData: WorkerStart<Given> = {
      sockets: sockets.map(({ fd, isIpv6 }) => ({ fd, isIpv6 })),
      control: this.#control,
      counts,
      outOctets: this.#options.udpLimitOctets,
      waitingLimit: this.#options.waitingLimit,
      given: this.#options.source.given(),
    }
    const worker = new Worker(this.#options.workerFile, {
      workerData,
      name: `packets-${nth}`,
      // Not the process's own flags: some are refused for threads, and those that count hold for all of them. It would
      // say once more that FFI is young.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    this.#workers.push(worker)
    const { fail } = this.#options
    worker.on('error', (cause) => fail(cause instanceof Error ? cause : new Bug(String(cause))))
    this.#ended.push(
      new Promise((done) => {
        worker.on('exit', () => {
          if (!this.#closing.signal.aborted) fail(new Bug(`Packet worker ${nth} ended`))
          done()
        })
      }),
    )
    await new Promise<void>((done) => {
      worker.on('exit', done)
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') done()
        else this.#hear(message, sockets)
      })
    })
  }

  #hear(message: Exclude<FromWorker, { kind: 'ready' }>, sockets: readonly UdpSocket[]): void {
    if (message.kind === 'fault') {
      Atomics.sub(this.#words, CONTROL.waiting, 1)
      const packet = Buffer.from(message.packet).toString('hex')
      this.#options.log.error('answer-fault', { packet, why: message.why })
      return
    }
    for (const request of readDeferred(message.octets)) {
      Atomics.sub(this.#words, CONTROL.waiting, 1)
      this.#answer(request, sockets)
    }
  }

  #answer(request: DeferredRequest, sockets: readonly UdpSocket[]): void {
    const { packet, to, control } = request
    const { signal } = this.#closing
    const { handle, defer } = this.#options
    const socket = sockets[request.socket]!
    const client = new SockaddrClient(to)
    const length = handle(packet, client, this.#out)
    if (length > 0) socket.send(this.#out.subarray(0, length), to, control)
    if (length !== DEFERRED) return
    void defer(packet, client, {
      signal,
      send: async (answer) => {
        if (!signal.aborted) socket.send(answer, to, control)
      },
    })
  }
}
