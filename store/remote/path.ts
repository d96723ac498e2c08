// A remote that is another bare repository on this machine: objects copied as they are stored, refs moved under git's locks.
//
// Hooks of that repository do not run; a store of ours that has it open sees the moved ref and takes it in as a push.
import { join } from 'node:path'
import { Fatal, err, ok, type Result } from '../../shared/result/result.ts'
import { errorCode, type Disk } from '../disk/disk.ts'
import { ObjectFolder } from '../disk/object-folder.ts'
import { checkFormat } from '../disk/repository-folder.ts'
import { ZERO_OID, type Oid } from '../object/oid.ts'
import { encodeIndex } from '../pack/index-file.ts'
import { PackWriter } from '../pack/write.ts'
import { DiskRefs } from '../refs/disk-refs.ts'
import type { EntryReader } from '../repository.ts'
import { CommitGraph } from '../history/commit-graph.ts'
import { packEntries, packStream } from '../wire/pack-stream.ts'
import { selectObjects, type Selection } from '../wire/select-objects.ts'
import {
  REMOTE_LIMITS,
  type FetchRequest,
  type PushReport,
  type PushRequest,
  type RemoteError,
  type RemoteLimits,
  type Transport,
} from './transport.ts'

export class PathTransport implements Transport {
  readonly name: string
  readonly #disk: Disk
  readonly #gitDir: string
  readonly #limits: RemoteLimits

  /** `gitDir` is absolute. */
  constructor(disk: Disk, gitDir: string, limits: RemoteLimits = REMOTE_LIMITS) {
    this.name = gitDir
    this.#disk = disk
    this.#gitDir = gitDir
    this.#limits = limits
  }

  async refs(signal: AbortSignal): Promise<Result<ReadonlyMap<string, Oid>, RemoteError>> {
    return await this.#visit(signal, ({ refs }) => Promise.resolve(ok(refs.readAll())))
  }

  async fetch({ wants, haves, signal }: FetchRequest): Promise<Result<Uint8Array, RemoteError>> {
    return await this.#visit(signal, async ({ objects, refs }) => {
      const offered = new Set(refs.readAll().values())
      const gone = wants.find((oid) => !offered.has(oid))
      if (gone !== undefined) return err({ kind: 'moved', name: gone, actual: undefined })
      const common = haves.filter((oid) => objects.has(oid))
      const selection = await select(objects, wants, common)
      const chunks: Uint8Array[] = []
      let size = 0
      for (const chunk of packStream(objects, selection, WHOLE)) {
        size += chunk.length
        if (size > this.#limits.packBytes) {
          return err({ kind: 'too-large', limitBytes: this.#limits.packBytes })
        }
        chunks.push(chunk)
      }
      return ok(Buffer.concat(chunks))
    })
  }

  async push({ updates, reader, signal }: PushRequest): Promise<Result<PushReport, RemoteError>> {
    return await this.#visit(signal, async ({ refs, objects }) => {
      const theirs = refs.readAll()
      for (const { name, old } of updates) {
        const actual = theirs.get(name)
        if ((actual ?? ZERO_OID) !== old) return err({ kind: 'moved', name, actual })
      }
      const wants = updates.map((update) => update.new).filter((oid) => oid !== ZERO_OID)
      const common = [...theirs.values()].filter((oid) => reader.has(oid))
      await this.#store(reader, await select(reader, wants, common), objects.packFolder)
      const refused = new Map<string, string>()
      for (const update of updates) {
        const moved = await refs.write(update.name, update.old, update.new)
        if (moved.ok) continue
        const { error } = moved
        if (error.kind === 'locked') refused.set(update.name, `cannot lock: ${error.lock} is there`)
        else return err({ kind: 'moved', name: update.name, actual: error.actual })
      }
      return ok({ refused, messages: [] })
    })
  }

  /** Pack before index: a reader that sees the index finds the pack. */
  async #store(reader: EntryReader, selection: Selection, folder: string): Promise<void> {
    if (selection.oids.size === 0) return
    const writer = new PackWriter()
    const chunks = [writer.header(selection.oids.size)]
    let entries = 0
    for (const entry of packEntries(reader, selection, WHOLE)) {
      chunks.push(...writer.entry(entry))
      if (++entries % TURN_ENTRIES === 0) await turn()
    }
    chunks.push(writer.trailer())
    const path = join(folder, `pack-${Buffer.from(writer.checksum).toString('hex')}`)
    this.#disk.makeFolder(folder)
    await this.#disk.replace(`${path}.pack`, chunks)
    await this.#disk.replace(`${path}.idx`, [encodeIndex(writer.rows, writer.checksum)])
  }

  async #visit<T>(
    signal: AbortSignal,
    visit: (there: { objects: ObjectFolder; refs: DiskRefs }) => Promise<Result<T, RemoteError>>,
  ): Promise<Result<T, RemoteError>> {
    if (signal.aborted) return err({ kind: 'stopped' })
    let objects: ObjectFolder | undefined
    try {
      const missing = this.#whyNoRepository()
      if (missing !== undefined) return err({ kind: 'no-repository', why: missing })
      objects = new ObjectFolder(this.#disk, join(this.#gitDir, 'objects'))
      return await visit({ objects, refs: new DiskRefs(this.#disk, this.#gitDir) })
    } catch (error) {
      return err(diskError(error))
    } finally {
      objects?.close()
    }
  }

  #whyNoRepository(): string | undefined {
    const isHere = (name: string): boolean =>
      this.#disk.stamp(join(this.#gitDir, name)) !== undefined
    if (isHere('.git')) return `${this.#gitDir} is a work tree; a bare repository is needed`
    if (isHere('HEAD')) checkFormat(this.#disk, this.#gitDir)
    else return `${this.#gitDir} is not there, or no repository: git init --bare ${this.#gitDir}`
    return undefined
  }
}

async function select(
  reader: EntryReader,
  wants: readonly Oid[],
  common: readonly Oid[],
): Promise<Selection> {
  const walk = selectObjects(reader, new CommitGraph(reader), {
    wants,
    common: new Set(common),
    clientShallow: new Set(),
    shallow: new Set(),
  })
  let step = walk.next()
  for (; step.done !== true; step = walk.next()) await turn()
  return step.value
}

function diskError(error: unknown): RemoteError {
  if (error instanceof Fatal) return { kind: 'no-repository', why: error.message }
  const code = errorCode(error)
  // A fault of ours has no code of the operating system: it is not the remote's.
  if (!/^E[A-Z]+$/.test(code) && code !== 'ERR_ACCESS_DENIED') throw error
  const isDenied = ['EACCES', 'EPERM', 'EROFS', 'ERR_ACCESS_DENIED'].includes(code)
  if (isDenied) return { kind: 'denied', why: code }
  return { kind: 'unreachable', why: code }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A pack on disk must hold the bases of its deltas. */
const WHOLE = { thin: false, ofsDelta: true }
const TURN_ENTRIES = 256
