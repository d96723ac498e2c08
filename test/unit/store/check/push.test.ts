import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { judgePush, type JudgedPush } from '../../../../store/check/push.ts'
import { Tree } from '../../../../store/object/tree.ts'
import {
  ZERO_OID,
  type GitObject,
  type ObjectType,
  type Oid,
} from '../../../../store/object/oid.ts'
import { toStoredEntry } from '../../../../store/pack/entry.ts'
import { writePack } from '../../../../store/pack/write.ts'
import type { StoredEntry } from '../../../../store/repository.ts'
import { GIT_LIMITS } from '../../../../store/serve/limits.ts'
import { MemoryRepository } from '../../../support/memory-repository.ts'
import { ObjectMap } from '../../../support/object-map.ts'

const policy = {
  headRef: 'refs/heads/main',
  allowForce: false,
  allowLinks: false,
  pack: GIT_LIMITS.pack,
}

/** A repository with all of `map`, main at `tip`. */
function repositoryOf(map: ObjectMap, tip?: Oid): MemoryRepository {
  const repository = new MemoryRepository()
  for (const { type, bytes } of map.objects.values()) repository.put(type, bytes)
  if (tip !== undefined) repository.setRef('refs/heads/main', tip)
  return repository
}

function packOf(entries: readonly StoredEntry[]): Buffer {
  return Buffer.concat(writePack(entries).chunks)
}

/** Pushes entries with one command; `to` becomes a new branch. */
function judge(
  repository: MemoryRepository,
  entries: readonly StoredEntry[],
  to: Oid,
  change: Partial<typeof policy> = {},
): JudgedPush {
  const commands = [{ name: 'refs/heads/new', old: ZERO_OID, new: to }]
  const request = { commands, capabilities: new Map(), options: [], pack: packOf(entries) }
  return judgePush(repository, request, { ...policy, ...change })
}

const entriesOf = (map: ObjectMap): StoredEntry[] =>
  [...map.objects.values()].map(({ type, bytes }) => toStoredEntry(type, bytes))

/** A raw tree of entries given as `mode name` and id, in the order given. */
function rawTree(...entries: [string, Oid][]): Buffer {
  return Buffer.concat(
    entries.flatMap(([head, oid]) => [Buffer.from(`${head}\0`, 'latin1'), Buffer.from(oid, 'hex')]),
  )
}

function commitOf(map: ObjectMap, tree: Oid, parents: readonly Oid[] = []): Oid {
  const lines = [`tree ${tree}`, ...parents.map((oid) => `parent ${oid}`)]
  const who = 'A <a@b> 1 +0000'
  return map.put(
    'commit',
    Buffer.from(`${lines.join('\n')}\nauthor ${who}\ncommitter ${who}\n\nx\n`),
  )
}

describe('objects of a push', () => {
  test('that fit together are taken, and only what is new', () => {
    const map = new ObjectMap()
    const one = map.commit({ a: '1', dir: { b: '2' } }, [])
    const repository = repositoryOf(map, one)
    const two = map.commit({ a: '1', dir: { b: '3' } }, [one])
    const judged = judge(repository, entriesOf(map), two)
    expect(judged).toMatchObject({ unpack: 'ok', lines: [] })
    expect([...judged.reasons.values()]).toEqual([undefined])
    expect(judged.entries.map((entry) => entry.type).sort()).toEqual([
      'blob',
      'commit',
      'tree',
      'tree',
    ])
    // What the new file says need not be inflated again.
    const [blob] = judged.entries.filter((entry) => entry.type === 'blob')
    expect([...judged.blobs]).toEqual([[blob!.oid, Buffer.from('3')]])
  })

  test('must all be there', () => {
    const map = new ObjectMap()
    const tip = map.tag(map.commit({ a: '1', dir: { b: '2' } }, [map.commit({ a: '0' }, [])]), 'v1')
    const all = entriesOf(map)
    expect(judge(new MemoryRepository(), all, tip).unpack).toBe('ok')
    for (const left of all) {
      const judged = judge(
        new MemoryRepository(),
        all.filter((entry) => entry !== left),
        tip,
      )
      const whole = left.oid === tip
      expect(judged.unpack).toBe(whole ? 'ok' : 'missing necessary objects')
      if (whole) expect([...judged.reasons.values()]).toEqual(['missing necessary objects'])
      else expect(judged.lines[0]).toContain(left.oid)
    }
  })

  test('that no pushed ref leads to must fit together too: else a hole could be pushed first and named later', () => {
    const map = new ObjectMap()
    const good = map.commit({ a: '1' }, [])
    const stray = new ObjectMap()
    const hole = commitOf(stray, 'f'.repeat(40) as Oid)
    const judged = judge(new MemoryRepository(), [...entriesOf(map), ...entriesOf(stray)], good)
    expect(judged.unpack).toBe('missing necessary objects')
    expect(judged.lines[0]).toBe(
      `Object ${hole} needs tree ${'f'.repeat(40)}, which is neither here nor in the push`,
    )
  })

  test('must be what they are taken for, also those that are here already', () => {
    const known = new ObjectMap()
    const [blob, tree, commit] = [known.blob('x'), known.tree({ a: '1' }), known.commit({}, [])]
    const wrong: [string, (map: ObjectMap) => Oid][] = [
      ['tree', (map) => commitOf(map, blob)],
      ['commit', (map) => commitOf(map, tree, [tree])],
      ['blob', (map) => map.put('tree', rawTree(['100644 a', commit]))],
      ['tree', (map) => map.put('tree', rawTree(['40000 a', blob]))],
      [
        'tree',
        (map) =>
          map.put(
            'tag',
            Buffer.from(`object ${commit}\ntype tree\ntag x\ntagger A <a@b> 1 +0000\n\nx\n`),
          ),
      ],
    ]
    for (const [expected, make] of wrong) {
      const map = new ObjectMap()
      const oid = make(map)
      const judged = judge(repositoryOf(known), entriesOf(map), oid)
      expect(judged.lines[0]).toContain(`as a ${expected}, which it is not`)
    }
  })

  test.each<[string, ObjectType, Buffer, string]>([
    ['a commit without tree', 'commit', Buffer.from('author x\n\n'), 'Malformed commit'],
    ['a tag without target', 'tag', Buffer.from('tag x\n\n'), 'Malformed tag'],
    ['a tree cut short', 'tree', Buffer.from('100644 a\0short'), 'Malformed tree'],
    ['a tree without modes', 'tree', rawTree(['a', ZERO_OID]), 'Malformed tree'],
    [
      'entries out of order',
      'tree',
      rawTree(['100644 b', ZERO_OID], ['100644 a', ZERO_OID]),
      '"a" is out of order',
    ],
    [
      'a name twice',
      'tree',
      rawTree(['100644 a', ZERO_OID], ['100644 a', ZERO_OID]),
      '"a" is there twice',
    ],
    [
      'a file and a folder of one name',
      'tree',
      rawTree(['100644 a', ZERO_OID], ['100644 a-b', ZERO_OID], ['40000 a', ZERO_OID]),
      '"a" is there twice',
    ],
    ['.git', 'tree', rawTree(['40000 .git', ZERO_OID]), '.git'],
    ['.git as Windows reads it', 'tree', rawTree(['40000 GIT~1', ZERO_OID]), 'GIT~1'],
    ['a way out', 'tree', rawTree(['100644 ..', ZERO_OID]), '".."'],
    ['a slash', 'tree', rawTree(['100644 a/b', ZERO_OID]), 'slash'],
    ['an unknown mode', 'tree', rawTree(['100600 a', ZERO_OID]), 'mode'],
    ['a name that is no UTF-8', 'tree', rawTree(['100644 \xff', ZERO_OID]), 'is no UTF-8'],
    ['a link', 'tree', rawTree(['120000 a', ZERO_OID]), 'A symbolic link is not accepted'],
    ['a submodule', 'tree', rawTree(['160000 a', ZERO_OID]), 'A submodule is not accepted'],
  ])('with %s are refused', (_, type, bytes, text) => {
    const map = new ObjectMap()
    const oid = map.put(type, bytes)
    const judged = judge(new MemoryRepository(), entriesOf(map), oid)
    expect(judged.unpack).toBe('bad object')
    expect(judged.lines.join('\n')).toContain(text)
    expect([...judged.reasons.values()]).toEqual(['unpacker error'])
  })

  test('are named by the path a new commit leads to', () => {
    const map = new ObjectMap()
    const inner = map.put('tree', rawTree(['120000 evil', map.blob('/etc/passwd')]))
    const tip = commitOf(map, map.put('tree', rawTree(['40000 zones', inner])))
    const judged = judge(new MemoryRepository(), entriesOf(map), tip)
    expect(judged.lines).toEqual(['zones/evil: A symbolic link is not accepted'])
  })

  test('may be links where that is allowed', () => {
    const map = new ObjectMap()
    const tip = commitOf(
      map,
      map.put(
        'tree',
        rawTree(['160000 module', 'f'.repeat(40) as Oid], ['120000 z', map.blob('a')]),
      ),
    )
    expect(judge(new MemoryRepository(), entriesOf(map), tip, { allowLinks: true }).unpack).toBe(
      'ok',
    )
  })

  test('with a known id and other bytes are refused', () => {
    const map = new ObjectMap()
    const tip = map.commit({ a: '1' }, [])
    const repository = repositoryOf(map)
    const blob = map.blob('1')
    // Two contents of one id cannot be had in a test: the repository gives other bytes for it instead.
    const forged: GitObject = { type: 'blob', bytes: Buffer.from('other') }
    const read = repository.read.bind(repository)
    repository.read = (oid) => (oid === blob ? forged : read(oid))
    expect(judge(repository, entriesOf(map), tip).unpack).toBe(
      `object ${blob} exists with other content`,
    )
  })
})

describe('a tree that comes as a delta', () => {
  const names = Array.from({ length: 40 }, (_, i) => `f${String(i).padStart(2, '0')}`)
  const map = new ObjectMap()
  const blob = map.blob('x')
  const base = Tree.EMPTY.change(
    new Map(names.map((name) => [name, { mode: 0o100644, oid: blob }])),
  ).tree
  const baseTip = commitOf(map, map.put('tree', base.raw))

  /** Pushes the tree with `changes` as a delta of the one that is there. */
  function push(changes: ReadonlyMap<string, { mode: number; oid: Oid } | undefined>): JudgedPush {
    const { tree, delta } = base.change(changes)
    const entry = toStoredEntry('tree', tree.raw, { oid: base.oid, delta })
    const fresh = new ObjectMap()
    const tip = commitOf(fresh, entry.oid, [baseTip])
    return judge(repositoryOf(map, baseTip), [entry, ...entriesOf(fresh)], tip)
  }

  test('is taken when its new entries are fine', () => {
    expect(
      push(
        new Map([
          ['f20', undefined],
          ['f21a', { mode: 0o100755, oid: blob }],
        ]),
      ),
    ).toMatchObject({ unpack: 'ok', lines: [] })
  })

  test.each<[string, string, number, Oid, string]>([
    ['a missing file', 'f07', 0o100644, 'f'.repeat(40) as Oid, 'needs blob'],
    ['a file in place of a folder', 'f07', 0o040000, blob, 'as a tree, which it is not'],
    ['a link', 'f07', 0o120000, blob, 'f07: A symbolic link'],
    ['a bad name', '.git', 0o100644, blob, '.git'],
    ['a bad mode', 'f07', 0o100600, blob, 'mode'],
  ])('is refused for %s among its new entries', (_, name, mode, oid, text) => {
    expect(push(new Map([[name, { mode, oid }]])).lines.join()).toContain(text)
  })

  test('is refused when a folder hides among the files under a name that is taken', () => {
    // `a`, `a-…`, `a/`: the twins do not stand side by side.
    const twin = base.change(
      new Map([
        ['f07-a', { mode: 0o100644, oid: blob }],
        ['f07-b', { mode: 0o100644, oid: blob }],
      ]),
    ).tree
    const at = Buffer.from(twin.raw).indexOf('100644 f08')
    const raw = Buffer.concat([
      twin.raw.subarray(0, at),
      rawTree(['40000 f07', base.oid]),
      twin.raw.subarray(at),
    ])
    const repository = repositoryOf(map, baseTip)
    repository.put('tree', twin.raw)
    const entry = toStoredEntry('tree', raw, {
      oid: twin.oid,
      delta: insertDelta(twin.raw, raw, at),
    })
    expect(judge(repository, [entry], entry.oid).lines.join()).toContain('"f07" is there twice')
  })

  test('is judged like the same tree sent whole', () => {
    const change = fc.tuple(
      fc.constantFrom('f00', 'f07', 'f08', 'f39', 'a', 'z', '.git', 'f07-'),
      fc.constantFrom(0o100644, 0o040000, 0o120000, 0o100600),
      fc.constantFrom(blob, base.oid, 'f'.repeat(40) as Oid),
    )
    fc.assert(
      fc.property(fc.array(change, { maxLength: 4 }), (list) => {
        const changes = new Map(list.map(([name, mode, oid]) => [name, { mode, oid }]))
        const { tree } = base.change(changes)
        const whole = judge(repositoryOf(map, baseTip), [toStoredEntry('tree', tree.raw)], tree.oid)
        expect(push(changes).unpack === 'ok').toBe(whole.unpack === 'ok')
      }),
    )
  })
})

/** A delta that copies `base` and puts what `target` has more at `at`. */
function insertDelta(base: Uint8Array, target: Uint8Array, at: number): Uint8Array {
  const size = (n: number): number[] => (n < 128 ? [n] : [(n & 0x7f) | 0x80, n >> 7])
  const copy = (from: number, length: number): number[] => [
    0x80 | 0x03 | 0x30,
    from & 0xff,
    from >> 8,
    length & 0xff,
    length >> 8,
  ]
  const added = target.length - base.length
  return Uint8Array.from([
    ...size(base.length),
    ...size(target.length),
    ...copy(0, at),
    added,
    ...target.subarray(at, at + added),
    ...copy(at, base.length - at),
  ])
}
