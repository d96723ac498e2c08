// What a remote sends is checked like a push, before any of it is stored.
import { describe, expect, test } from 'vitest'
import type { GitObject, ObjectType, Oid } from '../../../../store/object/oid.ts'
import { toStoredEntry } from '../../../../store/pack/entry.ts'
import { writePack } from '../../../../store/pack/write.ts'
import { unpackIncoming } from '../../../../store/remote/incoming.ts'
import { explainRemoteError } from '../../../../store/remote/transport.ts'
import { GIT_LIMITS } from '../../../../store/serve/limits.ts'
import type { EntryReader } from '../../../../store/repository.ts'
import { MadeHistory } from '../../../support/made-history.ts'

const RULES = { pack: GIT_LIMITS.pack, allowLinks: false }

describe('what a remote sends', () => {
  test('is taken when it hangs together, without what we have already', () => {
    const history = new MadeHistory()
    const base = history.commit({ a: '1\n' })
    const ours = repository(new Map(history.objects))
    const tip = history.commit({ a: '1\n', 'zones/b': '2\n' }, [base])
    const taken = unpackIncoming(ours, packOf(history.objects), tip, RULES)
    if (!taken.ok) throw new Error(explainRemoteError(taken.error))
    expect(taken.value.map((entry) => entry.type).sort()).toEqual([
      'blob',
      'commit',
      'tree',
      'tree',
    ])
  })

  test.each([
    ['nothing', new Uint8Array(), 'nothing'],
    ['no pack', Buffer.from('hello, this is no pack at all, but long enough'), 'bad-magic'],
  ])('that is %s is refused', (_, pack, words) => {
    const tip = 'a'.repeat(40) as Oid
    expect(refusal(pack, tip)).toContain(words)
  })

  test('that is cut or changed anywhere is refused', () => {
    const history = new MadeHistory()
    const tip = history.commit({ a: '1\n' })
    const pack = Buffer.from(packOf(history.objects))
    for (let at = 0; at < pack.length; at++) {
      const changed = Buffer.from(pack)
      changed[at]! ^= 1
      expect(refusal(changed, tip), `byte ${at}`).not.toBe('taken')
      expect(refusal(pack.subarray(0, at), tip), `cut at ${at}`).not.toBe('taken')
    }
    expect(refusal(pack, tip)).toBe('taken')
  })

  test('that lacks something it leads to is refused', () => {
    const history = new MadeHistory()
    const tip = history.commit({ a: '1\n', 'zones/b': '2\n' })
    const objects = [...history.objects]
    for (const [oid, object] of objects) {
      if (oid === tip) continue
      history.objects.delete(oid)
      expect(refusal(packOf(history.objects), tip)).toContain('needs')
      history.objects.set(oid, object)
    }
  })

  test('that is something else than what was asked for is refused', () => {
    const history = new MadeHistory()
    const tip = history.commit({ a: '1\n' })
    const pack = packOf(history.objects)
    expect(refusal(pack, 'f'.repeat(40) as Oid)).toContain('is no commit')
    const tree = [...history.objects].find(([, object]) => object.type === 'tree')![0]
    expect(refusal(pack, tree)).toContain('is no commit')
    expect(refusal(pack, tip)).toBe('taken')
  })

  test('that would write outside of a work tree, or link there, is refused', () => {
    for (const name of ['.git', '..', '.GIT', 'a/../b']) {
      const history = new MadeHistory()
      const blob = history.put('blob', Buffer.from('x'))
      const tree = history.put('tree', rawTree('100644', name, blob))
      const tip = commitOn(history, tree)
      expect(refusal(packOf(history.objects), tip)).toMatch(/tree/i)
    }
    for (const mode of ['120000', '160000']) {
      const history = new MadeHistory()
      const blob = history.put('blob', Buffer.from('/etc/passwd'))
      const tree = history.put('tree', rawTree(mode, 'link', blob))
      const tip = commitOn(history, tree)
      expect(refusal(packOf(history.objects), tip)).toContain('not accepted')
    }
  })

  test('that inflates without end is refused', () => {
    const history = new MadeHistory()
    const tip = history.commit({ bomb: Buffer.alloc(200_000) })
    const limits = { ...RULES.pack, objectBytes: 100_000 }
    const refused = unpackIncoming(repository(new Map()), packOf(history.objects), tip, {
      ...RULES,
      pack: limits,
    })
    expect(!refused.ok && explainRemoteError(refused.error)).toContain('too-large')
  })
})

function refusal(pack: Uint8Array, tip: Oid): string {
  const result = unpackIncoming(repository(new Map()), pack, tip, RULES)
  return result.ok ? 'taken' : explainRemoteError(result.error)
}

function repository(objects: ReadonlyMap<Oid, GitObject>): EntryReader {
  return {
    read: (oid) => objects.get(oid),
    has: (oid) => objects.has(oid),
    stored: (oid) => {
      const object = objects.get(oid)
      return object && toStoredEntry(object.type, object.bytes)
    },
  }
}

function packOf(objects: ReadonlyMap<Oid, GitObject>): Uint8Array {
  const entries = [...objects.values()].map(({ type, bytes }) => toStoredEntry(type, bytes))
  return Buffer.concat(writePack(entries).chunks)
}

function rawTree(mode: string, name: string, oid: Oid): Buffer {
  return Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')])
}

function commitOn(history: MadeHistory, tree: Oid): Oid {
  const type: ObjectType = 'commit'
  const person = 'Ada <ada@example.org> 1767225600 +0000'
  return history.put(
    type,
    Buffer.from(`tree ${tree}\nauthor ${person}\ncommitter ${person}\n\nx\n`),
  )
}
