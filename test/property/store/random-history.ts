// Random histories of a few files that get in each other's way, the same for the same seed.
import type { Oid } from '../../../store/object/oid.ts'
import { MadeHistory } from '../../support/made-history.ts'

export type RandomHistory = { readonly made: MadeHistory; readonly commits: readonly Oid[] }

type Files = { [path: string]: string }

export type HistoryShape = {
  readonly commits: number
  /** Chance that a commit has two parents. */
  readonly merges: number
  /** Lines come from a small pool, so that the same line may be there several times and both sides do the same. */
  readonly alike: boolean
}

export function randomHistory(seed: number, shape: HistoryShape): RandomHistory {
  const random = new Random(seed)
  const made = new MadeHistory()
  const commits: Oid[] = []
  const states: Files[] = []
  for (let i = 0; i < shape.commits; i++) {
    const first = i === 0 ? undefined : Math.max(0, i - 1 - random.below(3))
    const second = first !== undefined && random.chance(shape.merges) ? random.below(i) : undefined
    const files = { ...(first === undefined ? {} : states[first]) }
    // A merge that takes each file from either side, as a person with conflicts to resolve might.
    if (second !== undefined) mixIn(random, files, states[second]!)
    for (let n = i === 0 ? 6 : random.below(3); n >= 0; n--) mutate(random, files, shape.alike)
    const parents = [first, second].flatMap((at) => (at === undefined ? [] : [commits[at]!]))
    commits.push(made.commit(files, [...new Set(parents)], { message: `${i}\n` }))
    states.push(files)
  }
  return { made, commits }
}

function mixIn(random: Random, files: Files, others: Files): void {
  for (const path of PATHS) {
    if (random.chance(0.5)) continue
    delete files[path]
    const other = others[path]
    if (other !== undefined) put(files, path, other)
  }
}

function mutate(random: Random, files: Files, alike: boolean): void {
  const path = random.pick(PATHS)
  const lines = files[path]?.split('\n').slice(0, -1)
  if (lines === undefined) {
    const count = 4 + random.below(8)
    const fresh = Array.from({ length: count }, (_, i) => newLine(random, alike, `${path} ${i}`))
    put(files, path, [firstLine(path), ...fresh].map((line) => `${line}\n`).join(''))
    return
  }
  const action = random.below(8)
  if (action === 0) {
    delete files[path]
    return
  }
  const at = 1 + random.below(lines.length)
  const replaced = action < 5 ? Math.min(1 + random.below(2), lines.length - at) : action - 5
  const added = action < 5 ? 1 : action === 5 ? 1 : 0
  const fresh = Array.from({ length: added }, () => newLine(random, alike, `${path} new`))
  lines.splice(at, replaced, ...fresh)
  files[path] = lines.map((line) => `${line}\n`).join('')
}

/** Long and never changed, so that git does not take one file for another one renamed. */
function firstLine(path: string): string {
  return Array.from({ length: 200 }, (_, i) => `${path}${i}`).join(' ')
}

/** A file stands in the way of everything below it and of what it is below of. */
function put(files: Files, path: string, content: string): void {
  for (const other of Object.keys(files)) {
    if (other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) delete files[other]
  }
  files[path] = content
}

function newLine(random: Random, alike: boolean, text: string): string {
  return alike ? random.pick(POOL) : `${text} ${random.below(1_000_000)}`
}

/** Mulberry32. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % limit
  }

  chance(share: number): boolean {
    return this.below(1_000_000) < share * 1_000_000
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}

const PATHS = ['a', 'b', 'd/x', 'd/y', 'd/e/z', 'd.txt', 'p', 'p/q', 'p/r/s']
const POOL = ['one', 'two', 'three', 'four', '', '}']
