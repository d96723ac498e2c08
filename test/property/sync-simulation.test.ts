// Several houses and one remote in virtual time: lost races, outages and hooks, and nothing is ever lost.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BACKOFF_LAST_MS,
  LOOK_GAP_MS,
  nextWakeMs,
  startState,
  step,
  type SyncInput,
  type SyncState,
} from '../../store/remote/sync.ts'
import { VirtualClock, type Timer } from '../../shared/clock/clock.ts'

const HOUR_MS = 3_600_000
const PULL_MS = 60_000

describe('the sync loop, simulated', () => {
  test('whatever happens meanwhile, all houses end up with all commits', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 4 }), (seed, count) => {
        const world = new World(seed, count)
        world.busyFor(2 * HOUR_MS)
        world.remoteUp = true
        world.flaky = false
        world.clock.advance(2 * BACKOFF_LAST_MS + 4 * PULL_MS)
        for (const house of world.houses) {
          expect(house.state.failure).toBeUndefined()
          expect(house.tip).toBe(world.remoteTip)
        }
        expect(world.graph.above(world.remoteTip)).toEqual(world.made)
      }),
      { numRuns: 40 },
    )
  })

  test('a remote that is down is not hammered, and hears of everything when it is back', () => {
    const world = new World(7, 1)
    const [house] = world.houses
    world.flaky = false
    world.clock.advance(10_000)
    world.remoteUp = false
    const requests = world.requests
    for (let second = 0; second < 24 * 3600; second++) {
      if (second % 60 === 0) house!.commit()
      world.clock.advance(1000)
    }
    expect(world.requests - requests).toBeLessThan((24 * HOUR_MS) / (BACKOFF_LAST_MS / 2) + 20)
    expect(house!.commits).toBe(24 * 60)
    world.remoteUp = true
    world.clock.advance(BACKOFF_LAST_MS + 60_000)
    expect(world.remoteTip).toBe(house!.tip)
    expect(world.pushes).toBe(1)
  })

  test('hooks bring a change to every house within seconds', () => {
    const world = new World(3, 3)
    world.hooks = true
    world.flaky = false
    world.clock.advance(10_000)
    world.houses[0]!.commit()
    world.clock.advance(10_000 + LOOK_GAP_MS)
    for (const house of world.houses) expect(house.tip).toBe(world.remoteTip)
    expect(world.remoteTip).not.toBe(0)
  })
})

/** Commits by number; 0 is the empty history. */
class Graph {
  readonly #parents: number[][] = [[]]

  add(parents: readonly number[]): number {
    return this.#parents.push([...parents]) - 1
  }

  above(tip: number): Set<number> {
    const seen = new Set<number>()
    const stack = [tip]
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      if (at === 0 || seen.has(at)) continue
      seen.add(at)
      stack.push(...this.#parents[at]!)
    }
    return seen
  }

  has(ancestor: number, tip: number): boolean {
    return ancestor === 0 || this.above(tip).has(ancestor)
  }
}

class World {
  readonly clock = new VirtualClock()
  readonly graph = new Graph()
  readonly houses: House[] = []
  readonly made = new Set<number>()
  remoteTip = 0
  remoteUp = true
  /** One request in twenty fails, one push in twenty works and its answer is lost. */
  flaky = true
  hooks = false
  requests = 0
  pushes = 0
  #seed: number

  constructor(seed: number, houses: number) {
    this.#seed = seed >>> 0
    for (let n = 0; n < houses; n++) this.houses.push(new House(this))
    for (const house of this.houses) house.give({ kind: 'start' })
  }

  /** Mulberry32. */
  random(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) >>> 0
    let t = this.#seed
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  busyFor(ms: number): void {
    for (let done = 0; done < ms;) {
      const pause = Math.floor(this.random() ** 4 * 120_000)
      this.clock.advance(pause)
      done += pause + 1
      const house = this.houses[Math.floor(this.random() * this.houses.length)]!
      const dice = this.random()
      if (dice < 0.6) house.commit()
      else if (dice < 0.75) house.give({ kind: 'notify' })
      else if (dice < 0.85) this.remoteUp = false
      else this.remoteUp = true
    }
  }

  moveRemote(to: number): void {
    if (!this.graph.has(this.remoteTip, to)) throw new Error('the remote lost commits')
    this.remoteTip = to
    this.pushes++
    if (this.hooks) for (const house of this.houses) house.give({ kind: 'notify' })
  }
}

/** A keeper in miniature: what it fetches, merges and pushes are numbers. */
class House {
  readonly #world: World
  state: SyncState = startState(PULL_MS)
  tip = 0
  commits = 0
  /** The remote's tip as last seen. */
  #seen = 0
  #timer: Timer | undefined

  constructor(world: World) {
    this.#world = world
  }

  commit(): void {
    this.tip = this.#world.graph.add([this.tip])
    this.#world.made.add(this.tip)
    this.commits++
    this.give({ kind: 'local-commit' })
  }

  give(input: SyncInput): void {
    const { clock } = this.#world
    const [state, outputs] = step(this.state, input, clock.monotonicMs(), this.#world.random())
    this.state = state
    this.#timer?.cancel()
    const wakeMs = nextWakeMs(state)
    if (wakeMs !== undefined && wakeMs < Infinity) {
      const delayMs = Math.max(0, wakeMs - clock.monotonicMs())
      this.#timer = clock.after(delayMs, () => this.give({ kind: 'tick' }))
    }
    for (const output of outputs) {
      if (output.kind === 'fetch') this.#request(() => this.#fetch())
      if (output.kind === 'push') this.#request(() => this.#push())
      if (output.kind === 'merge') this.#merge()
    }
  }

  #request(answer: () => SyncInput): void {
    const world = this.#world
    world.requests++
    const delayMs = 5 + world.random() ** 3 * 3000
    world.clock.after(delayMs, () => {
      const up = world.remoteUp && !(world.flaky && world.random() < 0.05)
      const failure = { kind: 'unreachable', why: 'down' }
      this.give(up ? answer() : { kind: 'failed', failure })
    })
  }

  #fetch(): SyncInput {
    this.#seen = this.#world.remoteTip
    const { graph } = this.#world
    return {
      kind: 'fetched',
      news: !graph.has(this.#seen, this.tip),
      ahead: !graph.has(this.tip, this.#seen),
    }
  }

  #merge(): void {
    const { graph, clock, made } = this.#world
    const ours = this.tip
    clock.after(this.#world.random() * 50, () => {
      if (this.tip !== ours) return this.give({ kind: 'moved-here' })
      const forward = graph.has(ours, this.#seen)
      this.tip = forward ? this.#seen : graph.add([ours, this.#seen])
      if (!forward) made.add(this.tip)
      this.give({ kind: 'local-commit' })
      this.give({ kind: 'merged', ahead: !forward })
    })
  }

  #push(): SyncInput {
    const world = this.#world
    if (world.remoteTip !== this.#seen) return { kind: 'moved-there' }
    if (world.remoteTip === this.tip) return { kind: 'pushed' }
    const lost = world.flaky && world.random() < 0.05
    const to = this.tip
    if (!lost) this.#seen = to
    world.moveRemote(to)
    const failure = { kind: 'timeout', why: 'no answer' }
    return lost ? { kind: 'failed', failure } : { kind: 'pushed' }
  }
}
