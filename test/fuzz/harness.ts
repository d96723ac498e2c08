// A fuzz target: hostile bytes for a bounded time. Whatever a parser says of them, it must not throw or take long.
//
// CAIRN_FUZZ_MS    milliseconds per target (default 1000)
// CAIRN_FUZZ_SEED  repeats a run: the seed is in the name of every saved input and in every failure
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { test } from 'vitest'

export type FuzzOptions = {
  /** Valid inputs to start from: the more different, the deeper the mutations reach. */
  readonly seeds: readonly (Uint8Array | string)[]
  /** Longest input made. */
  readonly limitBytes?: number
  /** One input must not take longer than this. */
  readonly slowMs?: number
}

const LIMIT_BYTES = 64 * 1024
const SLOW_MS = 1000
/** Share of mutants that join the pool, so that mutations add up. */
const KEEP_ONE_IN = 16
const POOL_LIMIT = 256
const CRASH_FOLDER = join(import.meta.dirname, 'crashes')

/**
 * Declares a test that feeds mutated seeds to `target`. Saved crashes of this target run first, so a fault found
 * once is met again until it is mended.
 */
export function fuzz(
  name: string,
  options: FuzzOptions,
  target: (input: Uint8Array) => void,
): void {
  const budgetMs = Number(process.env['CAIRN_FUZZ_MS'] ?? 1000)
  const limitBytes = options.limitBytes ?? LIMIT_BYTES
  const slowMs = options.slowMs ?? SLOW_MS
  test(
    `fuzz ${name}`,
    () => {
      const seed = Number(process.env['CAIRN_FUZZ_SEED'] ?? Date.now() % 0x7fff_ffff)
      const random = new Random(seed)
      const pool = options.seeds.map((bytes): Buffer => Buffer.from(bytes))
      for (const input of [...savedCrashes(name), ...pool]) feed(name, target, input, seed, slowMs)
      const until = performance.now() + budgetMs
      let runs = 0
      while (performance.now() < until) {
        const input = mutate(random, pool, limitBytes)
        feed(name, target, input, seed, slowMs)
        runs++
        if (random.below(KEEP_ONE_IN) > 0) continue
        if (pool.length < POOL_LIMIT) pool.push(input)
        else pool[options.seeds.length + random.below(POOL_LIMIT - options.seeds.length)] = input
      }
      console.info(`fuzz ${name}: ${runs} inputs in ${budgetMs} ms, seed ${seed}`)
    },
    budgetMs + 20_000,
  )
}

function feed(
  name: string,
  target: (input: Uint8Array) => void,
  input: Buffer,
  seed: number,
  slowMs: number,
): void {
  const startMs = performance.now()
  let fault: Error | undefined
  try {
    // A copy, so that a target that writes into its input does not spoil what is saved.
    target(new Uint8Array(input))
  } catch (thrown) {
    fault = thrown instanceof Error ? thrown : new Error(inspect(thrown))
  }
  const tookMs = performance.now() - startMs
  if (fault === undefined && tookMs <= slowMs) return
  mkdirSync(CRASH_FOLDER, { recursive: true })
  const digest = createHash('sha256').update(input).digest('hex').slice(0, 12)
  const file = join(CRASH_FOLDER, `${fileName(name)}-${digest}`)
  writeFileSync(file, input)
  const what =
    fault === undefined ? `took ${Math.round(tookMs)} ms` : `threw ${fault.name}: ${fault.message}`
  throw new Error(`fuzz ${name}: ${what} (seed ${seed}, ${input.length} bytes saved as ${file})`, {
    cause: fault,
  })
}

function savedCrashes(name: string): Buffer[] {
  let files: string[]
  try {
    files = readdirSync(CRASH_FOLDER)
  } catch {
    // No folder: nothing has crashed here yet.
    return []
  }
  return files
    .filter((file) => file.startsWith(`${fileName(name)}-`))
    .map((file) => readFileSync(join(CRASH_FOLDER, file)))
}

function fileName(name: string): string {
  return name.replaceAll(/[^a-z0-9]+/gi, '-')
}

/** One to four mutations of an input of the pool, cut to `limitBytes`; a function of its arguments alone. */
export function mutate(random: Random, pool: readonly Buffer[], limitBytes: number): Buffer {
  let bytes: Buffer = Buffer.from(random.pick(pool) ?? [])
  for (let rounds = 1 + random.below(4); rounds > 0; rounds--) {
    bytes = random.pick(MUTATIONS)!(random, bytes, pool)
  }
  return bytes.length > limitBytes ? bytes.subarray(0, limitBytes) : bytes
}

/** xorshift32: repeatable from its seed, nothing more. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0 || 0x9e37_79b9
  }

  /** An integer from 0 to `bound - 1`; 0 when `bound` is 0. */
  below(bound: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return bound === 0 ? 0 : (this.#state >>> 0) % bound
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)]
  }
}

type Mutation = (random: Random, bytes: Buffer, pool: readonly Buffer[]) => Buffer

/** Numbers on which lengths, counts and offsets go wrong. */
const MAGIC = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, -1]

/** Text on which line and token parsers go wrong. */
const TOKENS = [
  '\n',
  '\r\n',
  '\0',
  ' ',
  '"',
  '\\',
  '(',
  ')',
  '..',
  '/',
  '0000',
  '-1',
  '99999999999',
]

const MUTATIONS: readonly Mutation[] = [
  function flipBit(random, bytes) {
    if (bytes.length > 0) bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
    return bytes
  },
  function setByte(random, bytes) {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = random.below(256)
    return bytes
  },
  function plantNumber(random, bytes) {
    const value = random.pick(MAGIC)!
    const width = random.pick([1, 2, 4] as const)!
    if (bytes.length < width) return bytes
    const at = random.below(bytes.length - width + 1)
    const number = Buffer.alloc(4)
    if (random.below(2) === 0) number.writeInt32BE(value | 0)
    else number.writeInt32LE(value | 0)
    const from = random.below(2) === 0 ? 0 : 4 - width
    number.copy(bytes, at, from, from + width)
    return bytes
  },
  function truncate(random, bytes) {
    return bytes.subarray(0, random.below(bytes.length + 1))
  },
  function cut(random, bytes) {
    const from = random.below(bytes.length + 1)
    const to = from + random.below(Math.min(64, bytes.length - from) + 1)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  function repeat(random, bytes) {
    const from = random.below(bytes.length + 1)
    const part = bytes.subarray(from, from + 1 + random.below(64))
    const times = 1 + random.below(8)
    return Buffer.concat([
      bytes.subarray(0, from),
      ...Array<Buffer>(times).fill(part),
      bytes.subarray(from),
    ])
  },
  function insertToken(random, bytes) {
    const at = random.below(bytes.length + 1)
    const token = Buffer.from(random.pick(TOKENS)!)
    return Buffer.concat([bytes.subarray(0, at), token, bytes.subarray(at)])
  },
  function splice(random, bytes, pool) {
    const other = random.pick(pool) ?? Buffer.alloc(0)
    const head = bytes.subarray(0, random.below(bytes.length + 1))
    return Buffer.concat([head, other.subarray(random.below(other.length + 1))])
  },
]
