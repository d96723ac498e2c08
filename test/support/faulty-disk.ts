// The machine's disk with faults on cue: full, read-only, or failing at the next write.
import type { Disk } from '../../store/disk/disk.ts'
import { systemDisk } from '../../store/disk/disk.ts'

export class FaultyDisk implements Disk {
  /** Code every write fails with from now on, e.g. ENOSPC; undefined when all is well. */
  fault: string | undefined
  /** Of a durable write, how many bytes still reach the disk before it fails. */
  tornAfterBytes = 0
  writes = 0

  read: Disk['read'] = systemDisk.read
  list: Disk['list'] = systemDisk.list
  stamp: Disk['stamp'] = systemDisk.stamp
  isFolder: Disk['isFolder'] = systemDisk.isFolder

  makeFolder(path: string): void {
    if (!systemDisk.isFolder(path)) this.#check()
    systemDisk.makeFolder(path)
  }

  openDurable(path: string): ReturnType<Disk['openDurable']> {
    const file = systemDisk.openDurable(path)
    return {
      write: async (bytes, at) => {
        this.writes++
        if (this.fault !== undefined && this.tornAfterBytes > 0) {
          await file.write(bytes.subarray(0, this.tornAfterBytes), at)
        }
        this.#check()
        await file.write(bytes, at)
      },
      close: () => file.close(),
    }
  }

  async replace(path: string, chunks: readonly Uint8Array[]): Promise<void> {
    this.#check()
    await systemDisk.replace(path, chunks)
  }

  createExclusive(path: string, bytes: Uint8Array): void {
    this.#check()
    systemDisk.createExclusive(path, bytes)
  }

  rename(from: string, to: string): void {
    this.#check()
    systemDisk.rename(from, to)
  }

  truncate(path: string, length: number): void {
    this.#check()
    systemDisk.truncate(path, length)
  }

  remove(path: string): void {
    if (this.fault === 'EROFS') this.#check()
    systemDisk.remove(path)
  }

  removeFolder(path: string): boolean {
    if (this.fault === 'EROFS') this.#check()
    return systemDisk.removeFolder(path)
  }

  settle(folders: readonly string[]): void {
    this.#check()
    systemDisk.settle(folders)
  }

  #check(): void {
    if (this.fault === undefined) return
    throw Object.assign(new Error(`${this.fault}: injected`), { code: this.fault })
  }
}
