// The machine's disk as a power cut leaves it: names that came, went or changed since their folder was settled are as before.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Disk } from '../../store/disk/disk.ts'
import { systemDisk } from '../../store/disk/disk.ts'

/** What a name stood for before it was changed; undefined when it was not there. */
type Before = { readonly path: string; readonly content: Buffer | undefined }

export class ForgetfulDisk implements Disk {
  /** Called when a write in place has reached the disk. */
  written: () => void = () => {}
  #unsettled: Before[] = []

  read: Disk['read'] = systemDisk.read
  list: Disk['list'] = systemDisk.list
  stamp: Disk['stamp'] = systemDisk.stamp
  isFolder: Disk['isFolder'] = systemDisk.isFolder
  makeFolder: Disk['makeFolder'] = systemDisk.makeFolder
  removeFolder: Disk['removeFolder'] = systemDisk.removeFolder
  truncate: Disk['truncate'] = systemDisk.truncate

  openDurable(path: string): ReturnType<Disk['openDurable']> {
    if (systemDisk.stamp(path) === undefined) this.#note(path)
    const file = systemDisk.openDurable(path)
    return {
      write: async (bytes, at) => {
        await file.write(bytes, at)
        this.written()
      },
      close: () => file.close(),
    }
  }

  async replace(path: string, chunks: readonly Uint8Array[]): Promise<void> {
    this.#note(path)
    await systemDisk.replace(path, chunks)
  }

  createExclusive(path: string, bytes: Uint8Array): void {
    this.#note(path)
    systemDisk.createExclusive(path, bytes)
  }

  rename(from: string, to: string): void {
    this.#note(from)
    this.#note(to)
    systemDisk.rename(from, to)
  }

  remove(path: string): void {
    this.#note(path)
    systemDisk.remove(path)
  }

  settle(folders: readonly string[]): void {
    this.#unsettled = this.#unsettled.filter(({ path }) => !folders.includes(dirname(path)))
    systemDisk.settle(folders)
  }

  /** Copies a folder to where `to` says, as it is when the power goes now. */
  cutPower(folder: string, to: string): void {
    cpSync(folder, to, { recursive: true })
    for (const { path, content } of this.#unsettled.toReversed()) {
      const copy = join(to, relative(folder, path))
      if (content === undefined) rmSync(copy, { force: true })
      else writeFileSync(copy, content)
    }
  }

  #note(path: string): void {
    const content = systemDisk.stamp(path) === undefined ? undefined : readFileSync(path)
    this.#unsettled.push({ path, content })
  }
}
