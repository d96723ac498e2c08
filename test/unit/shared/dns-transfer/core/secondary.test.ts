import { expect, test } from 'vitest'
import {
  secondaryWakeAt,
  startSecondary,
  stepSecondary,
  type SecondaryInput,
  type SecondaryOutput,
  type SecondaryState,
} from '../../../../../shared/dns-transfer/core/secondary.ts'

const timers = { refresh: 100, retry: 10, expire: 1000 }
const kept = { serial: 5, timers, refreshedAtMs: 0 }

function run(
  from: SecondaryState,
  ...inputs: readonly (readonly [number, SecondaryInput])[]
): { state: SecondaryState; outputs: SecondaryOutput[] } {
  let state = from
  const outputs: SecondaryOutput[] = []
  for (const [nowMs, input] of inputs) {
    const [next, made] = stepSecondary(state, input, nowMs, 0)
    state = next
    outputs.push(...made)
  }
  return { state, outputs }
}

test('without a zone it asks for all of it, and again with growing pauses', () => {
  const first = run(startSecondary(1, 0), [0, { kind: 'wake' }], [1, { kind: 'failed' }])
  expect(first.outputs).toEqual([{ kind: 'transfer', primary: 0, from: undefined }])
  expect(secondaryWakeAt(first.state)).toBe(3001)
  const again = run(first.state, [3001, { kind: 'wake' }], [3002, { kind: 'failed' }])
  expect(secondaryWakeAt(again.state)).toBe(9002)
})

test('a newer serial is fetched as a difference, and whole when that fails', () => {
  const { outputs, state } = run(
    startSecondary(1, 0, kept),
    [0, { kind: 'wake' }],
    [1, { kind: 'serial', serial: 6 }],
    [2, { kind: 'failed' }],
    [3, { kind: 'stored', serial: 6, timers }],
  )
  expect(outputs).toEqual([
    { kind: 'query', primary: 0 },
    { kind: 'transfer', primary: 0, from: 5 },
    { kind: 'transfer', primary: 0, from: undefined },
  ])
  expect(state).toMatchObject({ phase: 'idle', serial: 6, dueAtMs: 100_003 })
})

test('a primary that fails is followed by the next one, and all of them by a pause', () => {
  const { outputs, state } = run(
    startSecondary(2, 0, kept),
    [0, { kind: 'wake' }],
    [1, { kind: 'failed' }],
    [2, { kind: 'failed' }],
  )
  expect(outputs).toEqual([
    { kind: 'query', primary: 0 },
    { kind: 'query', primary: 1 },
  ])
  expect(secondaryWakeAt(state)).toBe(10_002)
})

test('expires when nobody was heard for so long, counted from the last time all was well', () => {
  const state = { ...startSecondary(1, 0, kept), dueAtMs: 5_000_000 }
  expect(secondaryWakeAt(state)).toBe(1_000_000)
  const late = run(state, [1_000_000, { kind: 'wake' }])
  expect(late.outputs).toEqual([{ kind: 'expired' }])
  const back = run(
    late.state,
    [1_000_001, { kind: 'notify' }],
    [1_000_002, { kind: 'serial', serial: 5 }],
  )
  expect(back.state).toMatchObject({ isExpired: false, phase: 'idle' })
})

test('NOTIFY of what it has is no news; one that comes during a transfer is followed by another look', () => {
  const idle = { ...startSecondary(2, 0, kept), dueAtMs: 100_000 }
  expect(run(idle, [1, { kind: 'notify', serial: 5 }]).outputs).toEqual([])
  const { outputs } = run(
    idle,
    [1, { kind: 'notify', serial: 6, primary: 1 }],
    [2, { kind: 'serial', serial: 6 }],
    [3, { kind: 'notify', serial: 7 }],
    [4, { kind: 'stored', serial: 6, timers }],
  )
  expect(outputs).toEqual([
    { kind: 'query', primary: 1 },
    { kind: 'transfer', primary: 1, from: 5 },
    { kind: 'query', primary: 1 },
  ])
})
