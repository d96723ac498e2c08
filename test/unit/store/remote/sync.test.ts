// The sync machine, input by input: what it starts, when it wants to be woken, how it stands back.
import { describe, expect, test } from 'vitest'
import {
  BACKOFF_LAST_MS,
  LOOK_GAP_MS,
  MOVED_LIMIT,
  nextWakeMs,
  PUSH_LATEST_MS,
  PUSH_QUIET_MS,
  startState,
  step,
  type SyncInput,
  type SyncState,
} from '../../../../store/remote/sync.ts'

const PULL_MS = 60_000
const DOWN = { kind: 'unreachable', why: 'connection refused' }

/** The machine with a clock: `at` moves it, inputs give what was put out, in words. */
class Run {
  state: SyncState = startState(PULL_MS)
  nowMs = 0
  random = 1

  at(ms: number): this {
    this.nowMs = ms
    return this
  }

  give(...inputs: SyncInput[]): string {
    const said: string[] = []
    for (const input of inputs) {
      const [state, outputs] = step(this.state, input, this.nowMs, this.random)
      this.state = state
      said.push(...outputs.map((output) => output.kind))
    }
    return said.join(' ')
  }

  /** Up to and through one look that found nothing. */
  settled(): this {
    this.give({ kind: 'start' }, { kind: 'fetched', news: false, ahead: false })
    return this
  }

  tick(): string {
    this.nowMs = nextWakeMs(this.state) ?? NaN
    return this.give({ kind: 'tick' })
  }
}

describe('a sync loop', () => {
  test('looks when it starts, and again after the pull interval', () => {
    const run = new Run()
    expect(run.give({ kind: 'start' })).toBe('fetch')
    expect(nextWakeMs(run.state)).toBeUndefined()
    expect(run.at(500).give({ kind: 'fetched', news: false, ahead: false })).toBe('')
    expect(nextWakeMs(run.state)).toBe(PULL_MS)
    expect(run.at(PULL_MS - 1).give({ kind: 'tick' })).toBe('')
    expect(run.at(PULL_MS).give({ kind: 'tick' })).toBe('fetch')
  })

  test('pushes a commit after a quiet moment', () => {
    const run = new Run().settled()
    expect(run.at(1000).give({ kind: 'local-commit' })).toBe('')
    expect(nextWakeMs(run.state)).toBe(1000 + PUSH_QUIET_MS)
    expect(run.tick()).toBe('push')
    expect(run.give({ kind: 'pushed' })).toBe('')
    expect(run.state.phase).toBe('idle')
    expect(nextWakeMs(run.state)).toBe(PULL_MS)
  })

  test('pushes many commits at once, the first of them not later than the latest moment', () => {
    const run = new Run().settled()
    let pushed = ''
    let ms = 1000
    for (; pushed === ''; ms += 50) pushed = run.at(ms).give({ kind: 'local-commit' })
    expect(pushed).toBe('push')
    expect(ms - 50).toBe(1000 + PUSH_LATEST_MS)
  })

  test('a commit during a push goes with the next one', () => {
    const run = new Run().settled()
    run.at(1000).give({ kind: 'local-commit' })
    run.tick()
    expect(run.at(1300).give({ kind: 'local-commit' })).toBe('')
    expect(run.at(5000).give({ kind: 'pushed' })).toBe('push')
    expect(run.give({ kind: 'pushed' })).toBe('')
  })

  test('merges news, and pushes when that left us ahead', () => {
    const run = new Run()
    run.give({ kind: 'start' })
    expect(run.give({ kind: 'fetched', news: true, ahead: true })).toBe('merge')
    expect(run.give({ kind: 'merged', ahead: true })).toBe('push')
    expect(run.give({ kind: 'pushed' })).toBe('')
    run.give({ kind: 'notify' })
    run.tick()
    run.give({ kind: 'fetched', news: true, ahead: false })
    expect(run.give({ kind: 'merged', ahead: false })).toBe('')
    expect(run.state.phase).toBe('idle')
  })

  test('a push that came too late fetches, merges and pushes again', () => {
    const run = new Run().settled()
    run.at(1000).give({ kind: 'local-commit' })
    run.tick()
    expect(run.give({ kind: 'moved-there' })).toBe('fetch')
    expect(run.give({ kind: 'fetched', news: true, ahead: true })).toBe('merge')
    expect(run.give({ kind: 'moved-here' })).toBe('merge')
    expect(run.give({ kind: 'merged', ahead: true })).toBe('push')
    expect(run.give({ kind: 'pushed' })).toBe('')
    expect(run.state.moved).toBe(0)
  })

  test('looks again when the remote moves between the look and the download', () => {
    const run = new Run()
    run.give({ kind: 'start' })
    expect(run.give({ kind: 'moved-there' })).toBe('fetch')
    expect(run.give({ kind: 'moved-here' })).toBe('fetch')
    expect(run.state.phase).toBe('fetching')
  })

  test('stands back after losing the race too often', () => {
    const run = new Run().settled()
    run.at(1000).give({ kind: 'local-commit' })
    run.tick()
    let rounds = 1
    while (run.give({ kind: 'moved-there' }) === 'fetch') {
      run.give({ kind: 'fetched', news: true, ahead: true }, { kind: 'merged', ahead: true })
      rounds++
    }
    expect(rounds).toBe(MOVED_LIMIT)
    expect(run.state).toMatchObject({ phase: 'waiting', failure: { kind: 'contended' } })
    expect(run.tick()).toBe('fetch')
  })

  test('waits longer with every failure, up to a limit, and says so once', () => {
    const run = new Run()
    run.give({ kind: 'start' })
    const waits: number[] = []
    const said: string[] = []
    for (let n = 0; n < 12; n++) {
      said.push(run.give({ kind: 'failed', failure: DOWN }))
      waits.push(nextWakeMs(run.state)! - run.nowMs)
      expect(run.tick()).toBe('fetch')
    }
    expect(said.filter((words) => words !== '')).toEqual(['failing'])
    expect(waits.slice(0, 4)).toEqual([1000, 2000, 4000, 8000])
    expect(waits.at(-1)).toBe(BACKOFF_LAST_MS)
    expect(run.give({ kind: 'failed', failure: { kind: 'denied', why: '401' } })).toBe('failing')
    run.tick()
    expect(run.give({ kind: 'fetched', news: false, ahead: false })).toBe('recovered')
    expect(run.state).toMatchObject({ failures: 0, failure: undefined })
  })

  test('two loops do not come back at the same moment', () => {
    const delays = [0, 0.25, 0.5, 0.99].map((random) => {
      const run = new Run()
      run.random = random
      run.give({ kind: 'start' }, { kind: 'failed', failure: DOWN })
      return nextWakeMs(run.state)!
    })
    expect(delays).toEqual([500, 625, 750, 995])
  })

  test('what was committed while the remote was down is pushed when it is back', () => {
    const run = new Run()
    run.give({ kind: 'start' }, { kind: 'failed', failure: DOWN })
    expect(run.give({ kind: 'local-commit' }, { kind: 'local-commit' })).toBe('')
    expect(run.state.phase).toBe('waiting')
    expect(run.tick()).toBe('fetch')
    expect(run.give({ kind: 'fetched', news: false, ahead: true })).toBe('push')
    expect(run.give({ kind: 'pushed' })).toBe('recovered')
    expect(run.state.pushAtMs).toBeUndefined()
  })

  test('what could not be pushed is pushed after the next look, without another commit', () => {
    const run = new Run().settled()
    run.at(1000).give({ kind: 'local-commit' })
    run.tick()
    run.give({ kind: 'failed', failure: DOWN })
    expect(run.tick()).toBe('fetch')
    expect(run.give({ kind: 'fetched', news: false, ahead: true })).toBe('push')
  })

  test('a hook looks at once, and a thousand hooks no more often than the gap', () => {
    const run = new Run().settled()
    let looks = 0
    for (let ms = 5000; ms < 15_000; ms += 10) {
      const said = run.at(ms).give({ kind: 'notify' }, { kind: 'tick' })
      if (said.includes('fetch')) looks++
      if (run.state.phase === 'fetching') {
        run.at(ms).give({ kind: 'fetched', news: false, ahead: false })
      }
    }
    expect(looks).toBe(10_000 / LOOK_GAP_MS)
  })

  test('a hook while a look is under way makes another look', () => {
    const run = new Run()
    run.give({ kind: 'start' })
    expect(run.at(10).give({ kind: 'notify' })).toBe('')
    run.at(20).give({ kind: 'fetched', news: false, ahead: false })
    expect(nextWakeMs(run.state)).toBe(LOOK_GAP_MS)
    expect(run.tick()).toBe('fetch')
  })

  test('a hook ends a long wait', () => {
    const run = new Run()
    run.give({ kind: 'start' })
    for (let n = 0; n < 10; n++) {
      run.give({ kind: 'failed', failure: DOWN })
      run.tick()
    }
    run.give({ kind: 'failed', failure: DOWN })
    expect(nextWakeMs(run.state)! - run.nowMs).toBe(BACKOFF_LAST_MS)
    expect(run.at(run.nowMs + 10).give({ kind: 'notify' })).toBe('')
    expect(nextWakeMs(run.state)).toBe(run.state.lookedAtMs + LOOK_GAP_MS)
    expect(run.tick()).toBe('fetch')
  })

  test('an answer nobody waits for changes nothing', () => {
    const answers: SyncInput[] = [
      { kind: 'fetched', news: true, ahead: true },
      { kind: 'merged', ahead: true },
      { kind: 'moved-here' },
      { kind: 'pushed' },
      { kind: 'moved-there' },
      { kind: 'failed', failure: DOWN },
    ]
    const run = new Run().settled()
    const before = run.state
    for (const answer of answers) expect(run.give(answer)).toBe('')
    expect(run.state).toEqual(before)
    run.give({ kind: 'start' })
    expect(run.give({ kind: 'start' })).toBe('')
  })
})
