import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { systemDisk } from '../../../../store/disk/disk.ts'
import type { Transaction } from '../../../../store/journal/frame.ts'
import { Journal } from '../../../../store/journal/journal.ts'
import { oidOf, ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import { FaultyDisk } from '../../../support/faulty-disk.ts'
import { tempDir } from '../../../support/temp.ts'

let last: Oid = ZERO_OID

/** Each follows from the one before, as the engine's do. */
function nextTransaction(text: string): Transaction {
  const bytes = Buffer.from(text)
  const oid = oidOf('blob', bytes)
  const old = last
  last = oid
  const deflated = deflateSync(bytes)
  return {
    entries: [{ oid, type: 'blob', size: bytes.length, deflated }],
    moves: [{ name: 'refs/heads/main', old, new: oid }],
    reason: text,
  }
}

const reasons = (transactions: readonly Transaction[]): string[] =>
  transactions.map((t) => t.reason)

async function opened(): Promise<{ folder: string; disk: FaultyDisk; journal: Journal }> {
  last = ZERO_OID
  const folder = tempDir('journal')
  const disk = new FaultyDisk()
  return { folder, disk, journal: Journal.open(disk, folder).journal }
}

describe('journal', () => {
  test('what was appended is recovered after a stop without goodbye', async () => {
    const { folder, journal } = await opened()
    for (const text of ['a', 'b', 'c']) await journal.append(nextTransaction(text))
    expect(reasons(Journal.open(systemDisk, folder).recovered)).toEqual(['a', 'b', 'c'])
  })

  test('appends of one turn share one write', async () => {
    const { disk, journal } = await opened()
    await Promise.all(['a', 'b', 'c', 'd'].map((text) => journal.append(nextTransaction(text))))
    expect(disk.writes).toBe(1)
  })

  test('a frozen segment is recovered until it is freed, and before the newer one', async () => {
    const { folder, journal } = await opened()
    await journal.append(nextTransaction('old'))
    const frozen = await journal.freeze()
    await journal.append(nextTransaction('new'))
    expect(reasons(frozen!.transactions)).toEqual(['old'])
    expect(reasons(Journal.open(systemDisk, folder).recovered)).toEqual(['old', 'new'])
    await frozen!.free()
    expect(reasons(Journal.open(systemDisk, folder).recovered)).toEqual(['new'])
  })

  test('there is no third segment: a second freeze waits for the first to be freed', async () => {
    const { journal } = await opened()
    await journal.append(nextTransaction('old'))
    const frozen = await journal.freeze()
    await journal.append(nextTransaction('new'))
    expect(await journal.freeze()).toBeUndefined()
    await frozen!.free()
    expect(reasons((await journal.freeze())!.transactions)).toEqual(['new'])
  })

  test('a write that fails rejects it and all behind it, and a reset begins anew', async () => {
    const { folder, disk, journal } = await opened()
    await journal.append(nextTransaction('good'))
    disk.fault = 'ENOSPC'
    disk.tornAfterBytes = 300
    const lost = [nextTransaction('x'.repeat(500)), nextTransaction('y')]
    const results = await Promise.allSettled(lost.map((t) => journal.append(t)))
    expect(results.map((r) => r.status)).toEqual(['rejected', 'rejected'])
    disk.fault = undefined
    await expect(journal.append(lost[0]!)).rejects.toThrow('ENOSPC')
    const frozen = await journal.freeze()
    expect(reasons(frozen!.transactions)).toEqual(['good'])
    await frozen!.free()
    await journal.reset()
    await journal.append(nextTransaction('after'))
    expect(reasons(Journal.open(systemDisk, folder).recovered)).toEqual(['after'])
  })

  test('nothing may be appended before what was recovered has been sealed', async () => {
    const { folder, journal } = await opened()
    await journal.append(nextTransaction('a'))
    const again = Journal.open(systemDisk, folder)
    await expect(again.journal.append(nextTransaction('b'))).rejects.toThrow('recovered')
    await again.journal.reset()
    await again.journal.append(nextTransaction('c'))
    expect(reasons(Journal.open(systemDisk, folder).recovered)).toEqual(['c'])
  })

  test('a transaction that does not follow from the one before ends the recovery', async () => {
    const { folder, journal } = await opened()
    await journal.append(nextTransaction('a'))
    nextTransaction('never written')
    await journal.append(nextTransaction('orphan'))
    expect(reasons(Journal.open(systemDisk, folder).recovered)).toEqual(['a'])
    expect(systemDisk.stamp(join(folder, 'journal-0'))).toBeDefined()
  })
})
