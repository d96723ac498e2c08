// Turns sealed transactions into packs, and keeps the packs few.
//
// The newest pack, the tip, is rewritten with what comes while it is small: a commit now and then becomes a delta in
// one pack instead of a pack of its own. Larger packs are merged geometrically, entries copied as they are.
import { join } from 'node:path'
import { deflate } from 'node:zlib'
import { promisify } from 'node:util'
import { hash } from 'node:crypto'
import type { Log } from '../../shared/log/log.ts'
import { errorCode, type Disk } from '../disk/disk.ts'
import { DamagedObject, type ObjectFolder, type Pack } from '../disk/object-folder.ts'
import { DELTA_DEPTH_LIMIT } from '../object/edge-delta.ts'
import type { Oid } from '../object/oid.ts'
import { encodeIndex } from '../pack/index-file.ts'
import { PackWriter } from '../pack/write.ts'
import type { EntryReader, StoredEntry } from '../repository.ts'
import type { Transaction } from './frame.ts'

/** A tip beyond either is left as it is: rewriting it with each seal would cost more than another pack. */
const TIP_LIMIT_BYTES = 4 << 20
const TIP_LIMIT_ENTRIES = 8192
/** Packs above this are left to `git gc`: copying them now and then would cost more than having them. */
const COMPACT_LIMIT_BYTES = 64 << 20
const COMPACT_MIN_PACKS = 6
const SLICE_MS = 5
const KEEP_TEXT = 'cairn: refs are about to move\n'
/** A temporary file this old belongs to nobody any more. */
const STALE_MS = 3_600_000

const deflateInPool = promisify(deflate)

export class PackKeeper {
  readonly #disk: Disk
  readonly #objects: ObjectFolder
  readonly #log: Log
  #tip = new Draft()
  #tipName: string | undefined
  /** Packs whose content stands in a newer one; removed one seal later, for whoever is reading them. */
  #retired: string[] = []
  #keeps: string[] = []
  #compacting: Promise<void> | undefined

  constructor(disk: Disk, objects: ObjectFolder, log: Log) {
    this.#disk = disk
    this.#objects = objects
    this.#log = log
  }

  depthOf(oid: Oid): number {
    return this.#tip.depths.get(oid) ?? 0
  }

  /** Writes the new objects of `transactions` into the tip pack; when it resolves they are readable from disk. */
  async add(transactions: readonly Transaction[], reader: EntryReader): Promise<void> {
    const grown = this.#tip.copy()
    const pause = pauser()
    for (const { entries } of transactions) {
      for (const entry of entries) {
        await grown.add(entry, reader)
        await pause()
      }
    }
    if (grown.entries.length === this.#tip.entries.length) return
    const name = await this.#write(grown.entries.length, grown.entries, true)
    this.#removeRetired()
    if (this.#tipName !== undefined && this.#tipName !== name) this.#retired.push(this.#tipName)
    const before = this.#tip.entries.length
    const full = grown.bytes > TIP_LIMIT_BYTES || grown.entries.length > TIP_LIMIT_ENTRIES
    this.#tip = full ? new Draft() : grown.detached(before)
    this.#tipName = full ? undefined : name
    if (full) this.#compactInBackground()
  }

  /** The refs that lean on the newest packs are on the disk: git gc may treat them like any other now. */
  release(): void {
    for (const name of this.#keeps)
      this.#disk.remove(join(this.#objects.packFolder, `${name}.keep`))
    this.#keeps = []
  }

  /** Takes over what a run before ours left in the folder when it was killed. */
  sweep(nowMs: number): void {
    const files = new Set(this.#disk.list(this.#objects.packFolder))
    for (const file of files) {
      const path = join(this.#objects.packFolder, file)
      const isOrphan = file.endsWith('.pack') && !files.has(file.replace(/pack$/, 'idx'))
      if (isOrphan || /\.tmp-\d+$/.test(file)) {
        const stamp = this.#disk.stamp(path)
        if (stamp !== undefined && nowMs - stamp.mtimeMs > STALE_MS) this.#disk.remove(path)
      } else if (
        file.endsWith('.keep') &&
        this.#disk.read(path)?.toString('latin1') === KEEP_TEXT
      ) {
        const name = file.slice(0, -'.keep'.length)
        this.#keeps.push(name)
        // Killed before the index was there: the journal has it all still.
        if (!files.has(`${name}.idx`)) {
          this.#disk.remove(join(this.#objects.packFolder, `${name}.pack`))
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#compacting
    this.#removeRetired()
  }

  /** `keep`: hides the pack from git gc until `release`. */
  async #write(count: number, entries: Iterable<StoredEntry>, keep: boolean): Promise<string> {
    const writer = new PackWriter()
    const chunks: Uint8Array[] = [writer.header(count)]
    const pause = pauser()
    for (const entry of entries) {
      chunks.push(...writer.entry(entry))
      await pause()
    }
    chunks.push(writer.trailer())
    const index = encodeIndex(writer.rows, writer.checksum)
    const name = `pack-${hash('sha1', index, 'hex')}`
    const path = join(this.#objects.packFolder, name)
    this.#disk.makeFolder(this.#objects.packFolder)
    if (this.#disk.stamp(`${path}.idx`) !== undefined) return name
    // First, so that a pack that never gets an index is known for ours.
    if (keep && this.#disk.stamp(`${path}.keep`) === undefined) {
      await this.#disk.replace(`${path}.keep`, [Buffer.from(KEEP_TEXT)])
      this.#keeps.push(name)
    }
    await this.#disk.replace(`${path}.pack`, chunks)
    await this.#disk.replace(`${path}.idx`, [index])
    this.#objects.rescan()
    return name
  }

  #removeRetired(): void {
    if (this.#retired.length === 0) return
    const folder = this.#objects.packFolder
    // It may name them (git maintenance), and git can do without it.
    this.#disk.remove(join(folder, 'multi-pack-index'))
    for (const name of this.#retired) {
      // The index first: without it git no longer looks for the pack.
      for (const end of ['idx', 'rev', 'bitmap', 'pack', 'keep']) {
        this.#disk.remove(join(folder, `${name}.${end}`))
      }
    }
    this.#objects.rescan()
    this.#retired = []
  }

  #compactInBackground(): void {
    this.#compacting ??= this.#compact()
      .catch((error: unknown) =>
        this.#log.warn('compaction-failed', {
          reason: error instanceof DamagedObject ? error.message : errorCode(error),
        }),
      )
      .finally(() => (this.#compacting = undefined))
  }

  async #compact(): Promise<void> {
    const chosen = chooseForMerge(this.#objects.packs.filter((pack) => this.#mayMerge(pack)))
    if (chosen.length === 0) return
    const plan = planMerge(chosen)
    const objects = this.#objects
    function* entries(): Generator<StoredEntry> {
      for (const { pack, offset } of plan) yield objects.storedAt(pack, offset)
    }
    // All refs that lean on these objects have been moved: no need to keep.
    const name = await this.#write(plan.length, entries(), false)
    this.#retired.push(...chosen.map((pack) => pack.name).filter((old) => old !== name))
    this.#log.debug('packs-merged', { packs: chosen.length, objects: plan.length })
  }

  #mayMerge(pack: Pack): boolean {
    const path = join(this.#objects.packFolder, pack.name)
    if (pack.name === this.#tipName || this.#retired.includes(pack.name)) return false
    if (pack.sizeBytes > COMPACT_LIMIT_BYTES) return false
    return !['keep', 'promisor', 'mtimes'].some((end) => this.#disk.stamp(`${path}.${end}`))
  }
}

/** The entries of a pack to be, each standing behind its base. */
class Draft {
  readonly entries: StoredEntry[] = []
  readonly depths = new Map<Oid, number>()
  bytes = 0

  copy(): Draft {
    const copy = new Draft()
    copy.entries.push(...this.entries)
    for (const [oid, depth] of this.depths) copy.depths.set(oid, depth)
    copy.bytes = this.bytes
    return copy
  }

  /** Its entries from `start` on no longer hold the whole push or journal they were cut out of. */
  detached(start: number): this {
    for (let at = start; at < this.entries.length; at++) {
      const entry = this.entries[at]!
      const isPart = entry.deflated.buffer.byteLength > 2 * entry.deflated.length
      if (isPart) this.entries[at] = { ...entry, deflated: new Uint8Array(entry.deflated) }
    }
    return this
  }

  async add(entry: StoredEntry, reader: EntryReader): Promise<void> {
    if (this.depths.has(entry.oid)) return
    const baseDepth = entry.base === undefined ? -1 : this.depths.get(entry.base)
    const fits = baseDepth !== undefined && baseDepth < DELTA_DEPTH_LIMIT
    const kept = fits ? entry : await wholeEntry(entry, reader)
    this.depths.set(entry.oid, fits ? baseDepth + 1 : 0)
    this.entries.push(kept)
    this.bytes += kept.deflated.length
  }
}

/** The object without its delta base, which another pack holds; big ones are deflated off the event loop. */
async function wholeEntry(entry: StoredEntry, reader: EntryReader): Promise<StoredEntry> {
  const object = reader.read(entry.oid)
  if (object === undefined) throw new DamagedObject(`${entry.oid} went away before it was sealed`)
  const { oid, type } = entry
  return { oid, type, size: object.bytes.length, deflated: await deflateInPool(object.bytes) }
}

/** Geometric rule: a pack joins when it is smaller than twice the sum of all that are smaller still. */
function chooseForMerge(packs: readonly Pack[]): Pack[] {
  const sorted = packs.toSorted((a, b) => a.sizeBytes - b.sizeBytes)
  if (sorted.length < COMPACT_MIN_PACKS) return []
  let sum = sorted[0]!.sizeBytes
  let count = 1
  for (const [at, pack] of sorted.entries()) {
    if (at === 0) continue
    if (pack.sizeBytes < 2 * sum && sum + pack.sizeBytes <= COMPACT_LIMIT_BYTES) count = at + 1
    sum += pack.sizeBytes
  }
  return count < 2 ? [] : sorted.slice(0, count)
}

/**
 * Each object once, from the oldest pack that has it, in pack order: its base is in the same pack, so it stands in the
 * plan before it, from this pack or an older one.
 */
function planMerge(packs: readonly Pack[]): { pack: Pack; offset: number }[] {
  const seen = new Set<Oid>()
  const plan: { pack: Pack; offset: number }[] = []
  for (const pack of packs.toSorted((a, b) => a.writtenMs - b.writtenMs)) {
    for (const offset of pack.index.sortedOffsets()) {
      const oid = pack.oidAtOffset(offset)
      if (seen.has(oid)) continue
      seen.add(oid)
      plan.push({ pack, offset })
    }
  }
  return plan
}

/** Gives the event loop a turn whenever a slice of work has taken its time. */
function pauser(): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < SLICE_MS) return
    await new Promise((resolve) => setImmediate(resolve))
    since = performance.now()
  }
}
