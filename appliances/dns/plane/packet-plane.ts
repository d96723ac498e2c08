// Answers UDP from threads of its own, one socket each for every address: sockets, workers, the image that they read,
// and what they leave to this thread. A worker that ends without being told to is a fault that ends the process.
import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { Log } from '../../../shared/log/log.ts'
import { isPermitted } from '../../../shared/native/permission.ts'
import { openUdpSystem, type UdpSocket, type UdpSystem } from '../../../shared/native/udp-socket.ts'
import { formatAddress } from '../../../shared/net/address.ts'
import type { Endpoint } from '../../../shared/net/endpoint.ts'
import { listenFault } from '../../../shared/net/listen-fault.ts'
import { Bug } from '../../../shared/result/result.ts'
import type { Tallies } from '../answer-counts.ts'
import { TALLY_OCTETS } from '../core/answer/answer-tally.ts'
import { ImageWriter } from '../core/image/image-writer.ts'
import type { Publication, Published } from '../core/publication.ts'
import { DEFERRED, type Defer } from '../../../shared/dns-server/core/defer.ts'
import type { Handle } from '../../../shared/dns-server/handle.ts'
import { formatName, type Name } from '../../../shared/dns/name.ts'
import { SocketClient } from '../../../shared/dns-server/socket-client.ts'
import { RECEIVE_BUFFER_BYTES } from '../../../shared/dns-server/udp-listener.ts'
import type { UdpPort, UdpPorts } from '../../../shared/dns-server/udp-ports.ts'
import {
  CONTROL,
  LOOK_MS,
  type AnswerSettings,
  type FromWorker,
  type ToWorker,
  type WorkerStart,
} from './plane-messages.ts'

/** The worker's own bundle, put here by the build (tools/bundle.ts); from source it is a file. */
declare const PACKET_WORKER_CODE: string | undefined

/** What packet workers need of the machine; undefined where FFI or threads are refused. */
export async function openPlaneSystem(): Promise<UdpSystem | undefined> {
  return isPermitted('worker') ? await openUdpSystem() : undefined
}

export type PlaneOptions = {
  readonly system: UdpSystem
  readonly workers: number
  readonly settings: AnswerSettings
  readonly publication: Publication
  /** Answers what workers cannot, and leaves what takes more than that to `defer`. */
  readonly handle: Handle
  readonly defer: Defer
  /** Zones that workers leave to `handle`. */
  readonly isElsewhere: (origin: Name) => boolean
  readonly counts: Tallies
  readonly log: Log
  /** A worker ended: nobody answers its clients. */
  readonly fail: (error: Error) => void
}

export class PacketPlane implements UdpPorts {
  readonly #options: PlaneOptions
  readonly #image: ImageWriter
  readonly #out: Buffer
  readonly #control = new SharedArrayBuffer(CONTROL.words * 4)
  readonly #words = new Int32Array(this.#control)
  /** One for each worker, of every address. */
  readonly #opened = new Set<readonly UdpSocket[]>()
  readonly #workers: Worker[] = []
  readonly #ended: Promise<void>[] = []
  readonly #closing = new AbortController()
  #unsubscribe = (): void => {}

  constructor(options: PlaneOptions) {
    this.#options = options
    this.#image = new ImageWriter(randomBytes(4).readInt32LE(), options.isElsewhere)
    this.#out = Buffer.alloc(options.settings.udpLimitOctets)
  }

  /** For /status. */
  status(): unknown {
    const { octets, garbageOctets } = this.#image.size
    return {
      udp: 'packet workers',
      workers: this.#workers.length,
      image: { octets, garbageOctets },
    }
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
    const { publication, workers } = this.#options
    const served: Published[] = []
    for (const [origin, { zone }] of publication.entries())
      served.push({ origin, before: undefined, after: zone, isBroken: zone === undefined })
    this.#apply(served)
    this.#unsubscribe = publication.subscribe((published) => this.#apply(published))
    await Promise.all(Array.from({ length: workers }, (_, nth) => this.#startWorker(nth)))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#unsubscribe()
    Atomics.store(this.#words, CONTROL.stop, 1)
    await Promise.all(this.#ended)
    for (const sockets of this.#opened) for (const each of sockets) each.close()
    this.#opened.clear()
  }

  /** The newest first; for `CookieSecrets.attach`. */
  roll(secrets: readonly Uint8Array[]): void {
    this.#tellAll({ kind: 'secrets', secrets })
  }

  #apply(published: readonly Published[]): void {
    const { memory } = this.#image
    try {
      this.#image.apply(published)
    } catch (cause) {
      // Workers that answer from an image that is not what is published must not go on.
      this.#options.fail(cause instanceof Error ? cause : new Bug(String(cause)))
      return
    }
    if (this.#image.memory !== memory) this.#tellAll({ kind: 'image', image: this.#image.memory })
    const { log, isElsewhere } = this.#options
    for (const { origin } of published)
      if (this.#image.isLeft(origin) && !isElsewhere(origin))
        log.warn('zone-too-large', { zone: formatName(origin), why: 'one thread answers for it' })
  }

  #tellAll(message: ToWorker): void {
    for (const worker of this.#workers) worker.postMessage(message)
    Atomics.add(this.#words, CONTROL.news, 1)
  }

  async #startWorker(nth: number): Promise<void> {
    const sockets = [...this.#opened].map((each) => each[nth]!)
    const counts = new SharedArrayBuffer(TALLY_OCTETS)
    this.#options.counts.add(counts)
    const workerData: WorkerStart = {
      sockets: sockets.map(({ fd, isIpv6 }) => ({ fd, isIpv6 })),
      image: this.#image.memory,
      control: this.#control,
      counts,
      settings: this.#options.settings,
      threads: this.#options.workers,
    }
    const worker = new Worker(workerFile(), {
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
    Atomics.sub(this.#words, CONTROL.waiting, 1)
    if (message.kind === 'fault') {
      const packet = Buffer.from(message.packet).toString('hex')
      this.#options.log.error('answer-fault', { packet, why: message.why })
      return
    }
    const { packet, to, control, octets, port } = message
    const { signal } = this.#closing
    const { handle, defer } = this.#options
    const socket = sockets[message.socket]!
    const client = new SocketClient('udp', formatAddress(octets), port)
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

function workerFile(): URL {
  if (typeof PACKET_WORKER_CODE === 'undefined')
    return new URL('./packet-worker.ts', import.meta.url)
  return new URL(`data:text/javascript,${encodeURIComponent(PACKET_WORKER_CODE)}`)
}
