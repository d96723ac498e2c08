// Objects of other programs' files, written into a folder of a clone: each checked as a push would, one file for each UID.
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatProblem, hasErrors } from '../../../shared/result/problem.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { splitCalendar, splitCards, type SplitObject } from '../core/bulk/calendar-parts.ts'
import { hashedName, objectName } from '../core/bulk/object-name.ts'
import { wordsOf } from '../core/history/fields.ts'
import { readObject } from '../core/library/object-facts.ts'

export type BulkTerminal = { out(text: string): void; err(text: string): void }

export type ObjectKind = 'calendar' | 'addressbook'

export class ObjectIntake {
  readonly #kind: ObjectKind
  readonly #folder: string
  readonly #terminal: BulkTerminal
  readonly #isReplacing: boolean
  /** By UID: the file in the folder that has it, and so no other may. */
  readonly #files: Map<string, string>
  /** Written, or there already as it is. */
  taken = 0
  /** Objects with an error or a clash; each was told of. */
  left = 0

  /** `isReplacing`: of a UID that is there and says something else, what comes counts. */
  constructor(kind: ObjectKind, folder: string, terminal: BulkTerminal, isReplacing = false) {
    this.#kind = kind
    this.#folder = folder
    this.#terminal = terminal
    this.#isReplacing = isReplacing
    const there = existsSync(folder) ? filesDirectlyIn(folder, kind) : []
    this.#files = new Map(
      there.map((file) => [wordsOf(kind, readFileSync(join(folder, file))).uid, file]),
    )
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
      this.#put(object, source)
    }
  }

  #put({ uid, text, lines }: SplitObject, source: string): void {
    const there = this.#files.get(uid)
    const file = there ?? this.#freeName(uid)
    const path = join(this.#folder, file)
    if (there !== undefined && !this.#isReplacing && readFileSync(path, 'utf8') !== text) {
      this.left++
      this.#terminal.err(
        `${source}:${lines[0]}: ${uid}: is in ${path} already and says something else; --replace takes this one\n`,
      )
      return
    }
    this.taken++
    this.#files.set(uid, file)
    mkdirSync(this.#folder, { recursive: true })
    writeFileSync(path, text)
  }

  /** A file of that name may have another UID: names are the clients' choice. */
  #freeName(uid: string): string {
    const extension = EXTENSIONS[this.#kind]
    const name = objectName(uid, extension)
    return existsSync(join(this.#folder, name)) ? hashedName(uid, extension) : name
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

function filesDirectlyIn(folder: string, kind: ObjectKind): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(EXTENSIONS[kind]))
}

export const EXTENSIONS: { readonly [kind in ObjectKind]: string } = {
  calendar: '.ics',
  addressbook: '.vcf',
}
