// Refs whose files could not be written when the journal that moved them was freed (a lock held by somebody, a push by
// path not merged yet), in a file of our own until they are: a stop must not forget them.
import { join } from 'node:path'
import type { Disk } from '../disk/disk.ts'
import { isOid, type Oid } from '../object/oid.ts'
import { isValidRefName } from './ref-name.ts'

export type WaitingRef = {
  readonly name: string
  /** What the file held by our own doing; ZERO_OID when somebody else wrote it since. */
  readonly old: Oid
  /** What it is to hold. */
  readonly new: Oid
}

export class WaitingRefs {
  readonly #disk: Disk
  readonly #path: string
  /** What the file says; '' is no file. */
  #text: string

  /** `folder` is the journal's. */
  constructor(disk: Disk, folder: string) {
    this.#disk = disk
    this.#path = join(folder, 'waiting-refs')
    this.#text = disk.read(this.#path)?.toString('utf8') ?? ''
  }

  list(): WaitingRef[] {
    const refs: WaitingRef[] = []
    for (const line of this.#text.split('\n')) {
      const [old, next, name] = line.split(' ')
      if (name === undefined || !isOid(old!) || !isOid(next!) || !isValidRefName(name)) continue
      refs.push({ name, old, new: next })
    }
    return refs
  }

  /** On the disk for good once the folder is settled. */
  async keep(refs: readonly WaitingRef[]): Promise<void> {
    const text = refs.map((ref) => `${ref.old} ${ref.new} ${ref.name}\n`).join('')
    if (text === this.#text) return
    if (text === '') this.#disk.remove(this.#path)
    else await this.#disk.replace(this.#path, [Buffer.from(text, 'utf8')])
    this.#text = text
  }
}
