import { describe, expect, test } from 'vitest'
import { makeEdgeDelta } from '../../../../store/object/edge-delta.ts'
import { oidOf, type GitObject, type Oid } from '../../../../store/object/oid.ts'
import { toStoredEntry } from '../../../../store/pack/entry.ts'
import { parsePack } from '../../../../store/pack/parse.ts'
import type { EntryReader, StoredEntry } from '../../../../store/repository.ts'
import { packEntries, packStream, type PackOptions } from '../../../../store/wire/pack-stream.ts'

/** Four versions of a text, long enough that a delta pays. */
const filler = Array.from({ length: 200 }, (_, i) => `line ${i} ${(i * 7919) % 1009}\n`).join('')
const texts = [0, 1, 2, 3].map((n) => Buffer.from(`${filler}version ${n}\n`))
const oids = texts.map((text) => oidOf('blob', text))
const [a, b, c, d] = oids as [Oid, Oid, Oid, Oid]
const objects = new Map(
  oids.map((oid, n): [Oid, GitObject] => [oid, { type: 'blob', bytes: texts[n]! }]),
)

/** Stores each object whole, or as a delta of the one named. */
function reader(bases: ReadonlyMap<Oid, Oid>): EntryReader {
  return {
    has: (oid) => objects.has(oid),
    read: (oid) => objects.get(oid),
    stored(oid): StoredEntry | undefined {
      const object = objects.get(oid)
      const base = bases.get(oid)
      if (object === undefined) return undefined
      if (base === undefined) return toStoredEntry('blob', object.bytes)
      const delta = makeEdgeDelta(objects.get(base)!.bytes, object.bytes)
      if (delta === undefined) throw new Error('not worth a delta')
      return toStoredEntry('blob', object.bytes, { oid: base, delta })
    },
  }
}

function entries(
  bases: readonly (readonly [Oid, Oid])[],
  sent: readonly Oid[],
  options: Partial<PackOptions> & { had?: readonly Oid[] } = {},
): [Oid, Oid | undefined][] {
  const selection = { oids: new Set(sent), had: new Set(options.had ?? []) }
  const { thin = false, ofsDelta = true } = options
  const stream = packEntries(reader(new Map(bases)), selection, { thin, ofsDelta })
  return [...stream].map((entry) => [entry.oid, entry.base])
}

describe('the entries of a pack', () => {
  test('are sent as stored, each base before what leans on it', () => {
    expect(
      entries(
        [
          [a, b],
          [b, c],
        ],
        [a, b, c, d],
      ),
    ).toEqual([
      [c, undefined],
      [b, c],
      [a, b],
      [d, undefined],
    ])
  })

  test('are whole when the client would not have the base', () => {
    expect(entries([[a, b]], [a])).toEqual([[a, undefined]])
    expect(entries([[a, b]], [a], { had: [b] })).toEqual([[a, undefined]])
    expect(entries([[a, b]], [a], { thin: true })).toEqual([[a, undefined]])
  })

  test('lean on what the client has when the pack may be thin', () => {
    expect(entries([[a, b]], [a], { had: [b], thin: true })).toEqual([[a, b]])
  })

  test('are whole when the client cannot read distances', () => {
    expect(entries([[a, b]], [a, b], { ofsDelta: false })).toEqual([
      [b, undefined],
      [a, undefined],
    ])
  })

  test('that lean on each other in overlapping packs come out once each, one of them whole', () => {
    const found = entries(
      [
        [a, b],
        [b, c],
        [c, a],
      ],
      [a, b, c],
    )
    expect(new Set(found.map(([oid]) => oid))).toEqual(new Set([a, b, c]))
    expect(found).toHaveLength(3)
    expect(found[0]![1]).toBeUndefined()
  })
})

describe('a pack', () => {
  test('is read back as the objects selected', () => {
    const selection = { oids: new Set(oids), had: new Set<Oid>() }
    const stored = reader(
      new Map([
        [a, b],
        [b, c],
      ]),
    )
    const bytes = Buffer.concat([...packStream(stored, selection, { thin: false, ofsDelta: true })])
    const limits = { objects: 10, inflatedBytes: 1e6, deltaDepth: 10, objectBytes: 1e6 }
    const parsed = parsePack(bytes, { resolve: () => undefined, limits })
    if (!parsed.ok) throw new Error(parsed.error.kind)
    for (const oid of oids)
      expect(Buffer.from(parsed.value.object(oid)!.bytes)).toEqual(objects.get(oid)!.bytes)
    // Two of four are deltas.
    expect(bytes.length).toBeLessThan(texts[0]!.length * 2)
  })

  test('of an object that is not stored as an entry is made from its content', () => {
    const loose: EntryReader = { ...reader(new Map()), stored: () => undefined }
    const selection = { oids: new Set([a]), had: new Set<Oid>() }
    expect([...packEntries(loose, selection, { thin: false, ofsDelta: true })]).toEqual([
      toStoredEntry('blob', texts[0]!),
    ])
  })

  test('of an object that is gone is a fault of ours', () => {
    const gone = { has: () => false, read: () => undefined, stored: () => undefined }
    const stream = packStream(
      gone,
      { oids: new Set([a]), had: new Set() },
      { thin: false, ofsDelta: true },
    )
    expect(() => [...stream]).toThrow('is gone')
  })
})
