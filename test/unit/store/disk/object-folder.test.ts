import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemDisk } from '../../../../store/disk/disk.ts'
import { DamagedObject, ObjectFolder } from '../../../../store/disk/object-folder.ts'
import { isOid, type Oid } from '../../../../store/object/oid.ts'
import { git, gitOk } from '../../../support/git.ts'
import { tempDir } from '../../../support/temp.ts'

/** A work tree with deltas worth making, packed or loose. */
async function repository(packed: boolean): Promise<{ dir: string; objects: string }> {
  const dir = join(tempDir('objects'), 'w')
  await gitOk(['init', '-q', '-b', 'main', dir])
  mkdirSync(join(dir, 'sub'))
  const lines = Array.from({ length: 400 }, (_, i) => `line ${i} of a file that changes little\n`)
  for (let i = 0; i < 8; i++) {
    lines[i * 37] = `changed in ${i}\n`
    writeFileSync(join(dir, 'sub', 'big'), lines.join(''))
    writeFileSync(join(dir, `f${i}`), `${i}`)
    await gitOk(['-C', dir, 'add', '.'])
    await gitOk(['-C', dir, 'commit', '-qm', `c${i}`])
  }
  await gitOk(['-C', dir, 'tag', '-a', 'v1', '-m', 'tag'])
  if (packed) await gitOk(['-C', dir, 'repack', '-adfq', '--depth=20', '--window=20'])
  return { dir, objects: join(dir, '.git', 'objects') }
}

async function allObjects(dir: string): Promise<{ oid: Oid; type: string; size: number }[]> {
  const text = await gitOk(['-C', dir, 'cat-file', '--batch-all-objects', '--batch-check'])
  return text.split('\n').map((line) => {
    const [oid = '', type = '', size = ''] = line.split(' ')
    if (!isOid(oid)) throw new Error(line)
    return { oid, type, size: Number(size) }
  })
}

describe.each([
  ['packed with deltas', true],
  ['loose', false],
])('objects that stock git left %s', (_, packed) => {
  test('are read with their type and content', async () => {
    const { dir, objects } = await repository(packed)
    const folder = new ObjectFolder(systemDisk, objects)
    const all = await allObjects(dir)
    expect(all.length).toBeGreaterThan(30)
    for (const { oid, type, size } of all) {
      const object = folder.read(oid)!
      expect([object.type, object.bytes.length]).toEqual([type, size])
      const bytes = (await git(['-C', dir, 'cat-file', type, oid])).bytes
      expect(Buffer.compare(bytes, object.bytes)).toBe(0)
    }
    folder.close()
  })
})

describe('stored entries', () => {
  test('inflate to the size they state, and some lean on a base', async () => {
    const { dir, objects } = await repository(true)
    const folder = new ObjectFolder(systemDisk, objects)
    const { inflateSync } = await import('node:zlib')
    let deltas = 0
    for (const { oid, type } of await allObjects(dir)) {
      const entry = folder.stored(oid)!
      expect(entry.type).toBe(type)
      expect(inflateSync(entry.deflated).length).toBe(entry.size)
      if (entry.base !== undefined) deltas++
    }
    expect(deltas).toBeGreaterThan(3)
    folder.close()
  })
})

describe('a folder that changes underneath', () => {
  test('a pack that comes later is found', async () => {
    const { dir, objects } = await repository(false)
    const folder = new ObjectFolder(systemDisk, objects)
    const [first] = await allObjects(dir)
    await gitOk(['-C', dir, 'repack', '-adq'])
    await gitOk(['-C', dir, 'prune-packed'])
    expect(folder.read(first!.oid)).toBeDefined()
    folder.close()
  })

  test('a pack that went stays readable until the next look', async () => {
    const { dir, objects } = await repository(true)
    const folder = new ObjectFolder(systemDisk, objects)
    const [first] = await allObjects(dir)
    await gitOk(['-C', dir, 'repack', '-adfq', '--depth=1'])
    expect(folder.read(first!.oid)).toBeDefined()
    folder.rescan()
    expect(folder.read(first!.oid)).toBeDefined()
    folder.close()
  })
})

describe('damage', () => {
  test('any flipped bit in a pack is noticed when the object is read, never returned', async () => {
    const { dir, objects } = await repository(true)
    const packFile = join(
      objects,
      'pack',
      readdirSync(join(objects, 'pack')).find((f) => f.endsWith('.pack'))!,
    )
    const good = readFileSync(packFile)
    const all = await allObjects(dir)
    const { chmodSync } = await import('node:fs')
    chmodSync(packFile, 0o644)
    for (let at = 20; at < good.length - 20; at += 61) {
      const bad = Buffer.from(good)
      bad[at]! ^= 0x20
      writeFileSync(packFile, bad)
      const folder = new ObjectFolder(systemDisk, objects)
      let noticed = 0
      for (const { oid, size } of all) {
        try {
          expect(folder.read(oid)?.bytes.length).toBe(size)
        } catch (error) {
          expect(error).toBeInstanceOf(DamagedObject)
          noticed++
        }
      }
      expect(noticed).toBeGreaterThan(0)
      folder.close()
    }
  })

  test('a loose object cut short is damage, not absence', async () => {
    const { dir, objects } = await repository(false)
    const [first] = await allObjects(dir)
    const path = join(objects, first!.oid.slice(0, 2), first!.oid.slice(2))
    const { chmodSync } = await import('node:fs')
    chmodSync(path, 0o644)
    writeFileSync(path, readFileSync(path).subarray(0, 12))
    const folder = new ObjectFolder(systemDisk, objects)
    expect(() => folder.read(first!.oid)).toThrow(DamagedObject)
    folder.close()
  })
})
