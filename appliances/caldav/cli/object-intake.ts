// Objects of other programs' files, written into a folder of a clone: each checked as a push would, one file for each UID.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatProblem, hasErrors } from '../../../shared/result/problem.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { splitCalendar, splitCards, type SplitObject } from '../core/bulk/calendar-parts.ts'
import { readObject } from '../core/library/library.ts'
import { fileNameOf } from '../core/xml/path.ts'

export type BulkTerminal = { out(text: string): void; err(text: string): void }

export type ObjectKind = 'calendar' | 'addressbook'

export class ObjectIntake {
  readonly #kind: ObjectKind
  readonly #folder: string
  readonly #terminal: BulkTerminal
  taken = 0
  /** Objects with an error; each was told of. */
  left = 0

  constructor(kind: ObjectKind, folder: string, terminal: BulkTerminal) {
    this.#kind = kind
    this.#folder = folder
    this.#terminal = terminal
  }

  /** All objects of a file. */
  take(source: string): void {
    const text = readFileSync(source, 'utf8')
    const objects = this.#kind === 'calendar' ? splitCalendar(text) : splitCards(text)
    if (objects.length === 0) this.#terminal.err(`${source}: nothing in it\n`)
    for (const object of objects) {
      const reading = readObject(this.#kind, Buffer.from(object.text), source)
      if (hasErrors(reading.problems)) {
        this.left++
        this.#terminal.err(
          reading.problems
            .map((problem) => `${formatProblem({ ...problem, key: object.uid })}\n`)
            .join(''),
        )
        continue
      }
      this.taken++
      mkdirSync(this.#folder, { recursive: true })
      writeFileSync(join(this.#folder, nameFor(object, EXTENSIONS[this.#kind])), object.text)
    }
  }
}

/** The file itself, or all below a folder; the state of other servers lies in files that begin with a dot. */
export function filesIn(path: string, kind: ObjectKind): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) throw new Fatal(`${path} is not there`)
  if (!stat.isDirectory()) return [path]
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith('.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const at = join(path, entry.name)
      if (entry.isDirectory()) return filesIn(at, kind)
      return entry.isFile() && entry.name.endsWith(EXTENSIONS[kind]) ? [at] : []
    })
}

/** By the UID, so that a second import of the same changes nothing. */
function nameFor({ uid }: SplitObject, extension: string): string {
  const name = fileNameOf(`${uid}${extension}`, '')
  const isPlain = /^[A-Za-z0-9._@+=-]{1,120}$/.test(uid)
  if (name !== undefined && isPlain) return name
  return `${createHash('sha256').update(uid).digest('hex').slice(0, HASH_DIGITS)}${extension}`
}

const HASH_DIGITS = 40
const EXTENSIONS: { readonly [kind in ObjectKind]: string } = {
  calendar: '.ics',
  addressbook: '.vcf',
}
