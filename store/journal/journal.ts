// The journal: two recycled segment files; transactions are durable when `append` resolves, many to one write.
//
// While one segment is being sealed into a pack the other takes new transactions. A segment is freed only after its
// content is a pack and its refs have moved, or stand among the waiting refs; so at most two hold anything, and
// replaying them is idempotent.
import { join } from 'node:path'
import { Bug } from '../../shared/result/result.ts'
import type { Disk, DurableFile } from '../disk/disk.ts'
import { encodeSegmentHeader, encodeTransaction, scanSegment, type Transaction } from './frame.ts'

/** A segment file above this is cut back when it is freed, so one big push does not keep the disk. */
const KEEP_BYTES = 16 << 20

type Segment = {
  readonly path: string
  readonly file: DurableFile
  /** Of the last header written to it. */
  epoch: number
  /** Holds transactions, or did at the last start: not to be overwritten until freed. */
  live: boolean
  /** Next write position. */
  length: number
  transactions: Transaction[]
}

type Waiting = {
  readonly transaction: Transaction
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** A filled segment: what it holds, and what forgets it once that is sealed. */
export type Frozen = {
  readonly transactions: readonly Transaction[]
  readonly free: () => Promise<void>
}

export class Journal {
  readonly #disk: Disk
  readonly #segments: readonly [Segment, Segment]
  #active: Segment
  #epoch: number
  #queue: Waiting[] = []
  #writing: Promise<void> | undefined
  /** The one write in flight. */
  #write: Promise<void> | undefined
  #failure: unknown

  private constructor(disk: Disk, segments: readonly [Segment, Segment], epoch: number) {
    this.#disk = disk
    this.#segments = segments
    this.#active = segments[0]
    this.#epoch = epoch
  }

  /**
   * Opens (or makes) the journal in `folder`; `recovered` is what an unclean stop left, oldest first. When there is
   * any, it must be sealed and `reset` called before the first append.
   */
  static open(disk: Disk, folder: string): { journal: Journal; recovered: Transaction[] } {
    disk.makeFolder(folder)
    const paths = segmentPaths(folder)
    const scans = scanSegments(disk, folder)
    const recovered = inOrder(scans)
    const epoch = Math.max(...scans.map((s) => s.epoch))
    const segment = (at: 0 | 1): Segment => {
      const live = scans[at]!.transactions.length > 0
      return {
        path: paths[at],
        file: disk.openDurable(paths[at]),
        epoch: scans[at]!.epoch,
        live,
        length: live ? (disk.stamp(paths[at])?.size ?? 0) : 0,
        transactions: [],
      }
    }
    const isNew = paths.some((path) => disk.stamp(path) === undefined)
    const journal = new Journal(disk, [segment(0), segment(1)], epoch)
    // Synchronous writes cover content and size, not the name of a file just made.
    if (isNew) disk.settle([folder])
    if (recovered.length > 0) journal.#failure = new Error('the last run is still being recovered')
    return { journal, recovered }
  }

  /** Why appends fail, or undefined while they do not. */
  get failure(): unknown {
    return this.#failure
  }

  /** Bytes and transactions not yet frozen. */
  get load(): { bytes: number; transactions: number } {
    return { bytes: this.#active.length, transactions: this.#active.transactions.length }
  }

  /** Resolves when the transaction is on the disk. Once one append fails, all fail until `reset`. */
  append(transaction: Transaction): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#queue.push({ transaction, resolve, reject })
      this.#writing ??= this.#drain()
    })
  }

  /**
   * Turns to the other segment and gives back what the filled one holds, once its last write has ended; undefined
   * when it holds nothing or the other is still waiting for `free`.
   */
  async freeze(): Promise<Frozen | undefined> {
    const filled = this.#active
    const other = this.#segments[0] === filled ? this.#segments[1] : this.#segments[0]
    if (other.live || !filled.live) return undefined
    this.#active = other
    await this.#write?.catch(() => {
      // The appenders have been told; what was durable before is what there is to seal.
    })
    return { transactions: filled.transactions, free: () => this.#free(filled) }
  }

  /** After everything durable has been sealed: forgets a failure and starts both segments anew. */
  async reset(): Promise<void> {
    if (this.load.transactions > 0)
      throw new Bug('a journal is reset that holds what is not sealed')
    for (const segment of this.#segments) await this.#free(segment)
    this.#failure = undefined
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => {
      // Reported to the appenders.
    })
    for (const segment of this.#segments) segment.file.close()
  }

  async #drain(): Promise<void> {
    // One turn later, so that every writer of this turn shares the first write.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = this.#queue
      this.#queue = []
      try {
        this.#write = this.#writeBatch(this.#active, batch)
        await this.#write
      } catch (error) {
        this.#failure = error
        for (const waiting of [...batch, ...this.#queue]) waiting.reject(error)
        this.#queue = []
        break
      }
      for (const waiting of batch) waiting.resolve()
    }
    this.#writing = undefined
  }

  async #writeBatch(segment: Segment, batch: readonly Waiting[]): Promise<void> {
    const parts: Buffer[] = []
    if (!segment.live) {
      segment.epoch = ++this.#epoch
      segment.live = true
      parts.push(encodeSegmentHeader('live', segment.epoch))
    }
    for (const { transaction } of batch) encodeTransaction(transaction, segment.epoch, parts)
    const bytes = Buffer.concat(parts)
    await segment.file.write(bytes, segment.length)
    segment.length += bytes.length
    for (const { transaction } of batch) segment.transactions.push(transaction)
  }

  async #free(segment: Segment): Promise<void> {
    if (!segment.live) return
    await segment.file.write(encodeSegmentHeader('free', segment.epoch), 0)
    if (segment.length > KEEP_BYTES) this.#disk.truncate(segment.path, KEEP_BYTES)
    segment.live = false
    segment.length = 0
    segment.transactions = []
  }
}

/** What the segments in `folder` hold, oldest first, without opening them for writing. */
export function readJournal(disk: Disk, folder: string): Transaction[] {
  return inOrder(scanSegments(disk, folder))
}

type Scan = ReturnType<typeof scanSegment>

function segmentPaths(folder: string): readonly [string, string] {
  return [join(folder, 'journal-0'), join(folder, 'journal-1')]
}

function scanSegments(disk: Disk, folder: string): Scan[] {
  return segmentPaths(folder).map((path) => scanSegment(disk.read(path) ?? Buffer.alloc(0)))
}

function inOrder(scans: readonly Scan[]): Transaction[] {
  return inChain(scans.toSorted((a, b) => a.epoch - b.epoch).flatMap((s) => s.transactions))
}

/** Stops at a transaction that does not follow from the ones before it: nothing of ours writes such a journal. */
function inChain(transactions: readonly Transaction[]): Transaction[] {
  const refs = new Map<string, string>()
  const chain: Transaction[] = []
  for (const transaction of transactions) {
    const follows = transaction.moves.every((m) => (refs.get(m.name) ?? m.old) === m.old)
    if (!follows) break
    for (const move of transaction.moves) refs.set(move.name, move.new)
    chain.push(transaction)
  }
  return chain
}
