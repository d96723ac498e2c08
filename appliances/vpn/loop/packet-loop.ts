// Takes packets from sockets and the tunnel device in rounds while there are any: a source gives a batch, then all send
// what came of it. Node's event loop says which source has some.
import {
  openReadyWatch,
  type ReadyWatch,
  type Watched,
} from '../../../shared/native/ready-watch.ts'

export interface PacketSender {
  /** Sends what waits to be sent together. */
  flush(): void
}

export interface PacketSource extends PacketSender {
  readonly fd: number
  /** Takes a batch; whether there was anything. */
  drain(): boolean
}

/** Rounds between which the event loop has its turn. */
const ROUNDS = 4

export class PacketLoop {
  readonly #watch: ReadyWatch
  readonly #fail: (cause: Error) => void
  /** Those that only send have nothing to watch. */
  readonly #senders = new Map<PacketSender, Watched | undefined>()
  #isInRound = false

  private constructor(watch: ReadyWatch, fail: (cause: Error) => void) {
    this.#watch = watch
    this.#fail = fail
  }

  /** Undefined where FFI is refused, or this is no Linux we know. */
  static async open(fail: (cause: Error) => void): Promise<PacketLoop | undefined> {
    const watch = await openReadyWatch(fail)
    return watch && new PacketLoop(watch, fail)
  }

  /** What is put up meanwhile leaves at the end of the round; at other times nobody else sends it. */
  get isInRound(): boolean {
    return this.#isInRound
  }

  /** As in a round: packets that came another way. */
  together(act: () => void): void {
    const isOutermost = !this.#isInRound
    this.#isInRound = true
    try {
      act()
    } finally {
      if (isOutermost) {
        this.#isInRound = false
        this.#flush()
      }
    }
  }

  add(source: PacketSource): void {
    this.#senders.set(
      source,
      this.#watch.add(source.fd, () => this.#turn(source)),
    )
  }

  addSender(sender: PacketSender): void {
    this.#senders.set(sender, undefined)
  }

  /** Its descriptor may be closed afterwards. */
  remove(sender: PacketSender): void {
    this.#senders.get(sender)?.stop()
    this.#senders.delete(sender)
  }

  async close(): Promise<void> {
    for (const sender of this.#senders.keys()) this.remove(sender)
    await this.#watch.close()
  }

  #turn(source: PacketSource): void {
    for (let count = 0; count < ROUNDS && this.#senders.has(source); count++)
      if (!this.#round(source)) break
  }

  /** Whether there was anything. */
  #round(source: PacketSource): boolean {
    this.#isInRound = true
    try {
      const hadAny = source.drain()
      if (hadAny) this.#flush()
      return hadAny
    } catch (cause) {
      this.#fail(cause as Error)
      return false
    } finally {
      this.#isInRound = false
    }
  }

  #flush(): void {
    for (const sender of this.#senders.keys()) sender.flush()
  }
}
