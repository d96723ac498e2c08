// Killed at random points under load, the store keeps what it acknowledged; `npm run bench -- crash` does it 1000 times.
import { expect } from 'vitest'
import { crashRounds } from '../../tools/bench/crash.ts'
import { peerTest } from '../support/peers.ts'

const ROUNDS = Number(process.env['CAIRN_CRASH_ROUNDS'] ?? 50)

peerTest(
  'git',
  `${ROUNDS} kills lose no acknowledged commit and damage no repository`,
  async () => {
    const seed = Number(process.env['CAIRN_CRASH_SEED'] ?? Date.now() % 0x7fff_ffff)
    console.info(`crash: seed ${seed}`)
    const result = await crashRounds({ rounds: ROUNDS, seed })
    expect(result.lost).toEqual([])
    expect(result.damage).toEqual([])
    expect(result.rounds).toBe(ROUNDS)
    // The load was real: kills met a store in the middle of its work.
    expect(result.acknowledged).toBeGreaterThan(ROUNDS * 10)
  },
  ROUNDS * 2000,
)
