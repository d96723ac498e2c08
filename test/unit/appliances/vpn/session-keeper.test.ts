import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { formatPool, parsePool } from '../../../../appliances/vpn/core/record/pool-file.ts'
import { recordLine } from '../../../../appliances/vpn/core/record/session-lines.ts'
import { AddressPool, formatLease } from '../../../../appliances/vpn/core/tunnel/address-pool.ts'
import { SESSION_BRANCH, SessionKeeper } from '../../../../appliances/vpn/session-keeper.ts'
import { systemClock } from '../../../../shared/clock/clock.ts'
import { silentLog } from '../../../../shared/log/log.ts'
import { Registry } from '../../../../shared/metrics/registry.ts'
import { parsePrefix } from '../../../../shared/net/prefix.ts'
import { openStore } from '../../../../store/index.ts'
import { tempDir } from '../../../support/temp.ts'

const AUTHOR = { name: 'cairn-vpn', email: 'cairn-vpn@localhost' }
const AT_MS = Date.UTC(2026, 10, 26, 7, 48, 49)

test('the pool is read back as it was written, whatever the names are', () => {
  const entry = fc.record({
    owner: fc.string({ unit: 'binary' }),
    ipv4: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  })
  fc.assert(
    fc.property(fc.array(entry), (all) => {
      expect(parsePool(formatPool(all))).toEqual({ remembered: all, badLines: [] })
    }),
  )
  const text = '10.8.0.2 "a"\nnonsense\n10.8.0.3 "b\n10.8.0.4 "c"\n'
  expect(parsePool(text).badLines).toEqual([2, 3])
  expect(parsePool(text).remembered.map(({ owner }) => owner)).toEqual(['a', 'c'])
})

test('no name makes a line of its own', () => {
  const event = { atMs: AT_MS, what: 'came', name: 'a\nb', user: '', details: '10.8.0.2' } as const
  expect(recordLine(event)).toBe('2026-11-26T07:48:49Z came "a\\nb" 10.8.0.2\n')
  expect(recordLine({ ...event, name: 'laptop', user: 'al ice' })).toBe(
    '2026-11-26T07:48:49Z came laptop as "al ice" 10.8.0.2\n',
  )
})

test('an address is durable when it may be given out, and is there after a crash', async () => {
  const path = join(tempDir('vpn-sessions'), 'vpn.git')
  const first = await keeperAt(path)
  // All at once: those that come while a commit is under way share the next one.
  const leases = ['a', 'b', 'c', 'd'].map((name) => [name, first.pool.take(name)!] as const)
  await Promise.all(
    leases.map(
      ([name, lease]) =>
        new Promise<void>((done) =>
          first.keeper.keep(name, lease, (isKept) => {
            expect(isKept).toBe(true)
            // As another process would find it, had this one ended here.
            const text = first.branch.head.get('pool')!
            expect(new TextDecoder().decode(text)).toContain(`"${name}"`)
            done()
          }),
        ),
    ),
  )
  expect([...first.branch.log()].length).toBeLessThanOrEqual(2)
  // Known already: at once, and without a commit.
  let isKept = false
  first.keeper.keep('b', leases[1]![1], (kept) => (isKept = kept))
  expect(isKept).toBe(true)
  await first.store.close()

  const second = await keeperAt(path)
  expect(formatLease(second.pool.take('c')!)).toBe('10.8.0.4')
  expect(formatLease(second.pool.take('new')!)).toBe('10.8.0.6')
  expect(formatLease(second.pool.take('a')!)).toBe('10.8.0.2')
  await second.store.close()
})

test('who came and left is one commit for all that waited', async () => {
  const { keeper, branch, store } = await keeperAt(join(tempDir('vpn-sessions'), 'vpn.git'))
  const event = { atMs: AT_MS, user: '', details: '10.8.0.2' } as const
  for (let i = 0; i < 20; i++) keeper.note({ ...event, what: 'came', name: `c${i}` })
  keeper.note({ ...event, what: 'left', name: 'c0' })
  expect(branch.head.commit).toBeUndefined()
  await keeper.close()
  const messages = Array.from(branch.log(), ({ message }) => message)
  expect(messages).toHaveLength(1)
  expect(messages[0]).toMatch(/^c0 came, c1 came, .*, and 13 more/)
  const lines = new TextDecoder().decode(branch.head.get('sessions/2026-11-26/07')).split('\n')
  expect(lines).toHaveLength(22)
  expect(lines[20]).toBe('2026-11-26T07:48:49Z left c0 10.8.0.2')
  await store.close()
})

async function keeperAt(path: string) {
  const store = await openStore({ path, branch: 'main' } as Parameters<typeof openStore>[0], {
    log: silentLog,
    metrics: new Registry(),
    clock: systemClock,
    committer: AUTHOR,
  })
  onTestFinished(() => store.close())
  const branch = store.keptBranch(SESSION_BRANCH)
  const pool = new AddressPool(parsePrefix('10.8.0.0/24')!, undefined)
  const fail = (cause: Error): never => {
    throw cause
  }
  const parts = { branch, pool, author: AUTHOR, clock: systemClock, log: silentLog, fail }
  return { store, branch, pool, keeper: new SessionKeeper(parts) }
}
