// Hostile packs and indexes: refused as values, never thrown, never slow.
import { hash } from 'node:crypto'
import { DeltaBuilder } from '../../store/object/delta.ts'
import { EMPTY_TREE, oidOf } from '../../store/object/oid.ts'
import { decodeEntryHeader, decodeOfsDistance, toStoredEntry } from '../../store/pack/entry.ts'
import { encodeIndex, PackIndex } from '../../store/pack/index-file.ts'
import { parsePack } from '../../store/pack/parse.ts'
import { writePack } from '../../store/pack/write.ts'
import { fuzz } from './harness.ts'

const LIMITS = { objects: 1000, inflatedBytes: 20_000_000, deltaDepth: 50, objectBytes: 5_000_000 }

const file = Buffer.from('a line of a file\n'.repeat(20))
const edited = Buffer.concat([Buffer.from('new\n'), file, Buffer.from('end\n')])
const builder = new DeltaBuilder(file.length)
builder.insert(Buffer.from('new\n'))
builder.copy(0, file.length)
builder.insert(Buffer.from('end\n'))
const delta = builder.finish(edited.length)

const entries = [
  toStoredEntry('commit', Buffer.from(`tree ${EMPTY_TREE}\n`)),
  toStoredEntry('tree', Buffer.alloc(0)),
  toStoredEntry('blob', file),
  toStoredEntry('blob', edited, { oid: oidOf('blob', file), delta }),
]
const written = writePack(entries)
const pack = Buffer.concat(written.chunks)
const thin = Buffer.concat(writePack(entries.slice(3)).chunks)

fuzz('pack', { seeds: [pack, thin] }, (input) => {
  takePack(input)
})

// Most mutants stop at the checksum; with one that fits they reach the deltas.
fuzz('pack with a good checksum', { seeds: [pack, thin] }, (input) => {
  const body = input.subarray(0, -20)
  takePack(Buffer.concat([body, hash('sha1', body, 'buffer')]))
})

function takePack(bytes: Uint8Array): void {
  const parsed = parsePack(bytes, {
    resolve: (oid) => (oid === oidOf('blob', file) ? { type: 'blob', bytes: file } : undefined),
    limits: LIMITS,
    cacheBytes: 200,
  })
  if (!parsed.ok) return
  const before = new Set<string>([oidOf('blob', file)])
  for (const { oid, base } of parsed.value.entries) {
    const object = parsed.value.object(oid)
    if (object === undefined || oidOf(object.type, object.bytes) !== oid)
      throw new Error(`not ${oid}`)
    if (base !== undefined && !before.has(base)) throw new Error(`${oid} before its base`)
    before.add(oid)
  }
}

fuzz('entry header', { seeds: [pack.subarray(12, 40), Buffer.alloc(12, 0xff)] }, (input) => {
  decodeEntryHeader(input, 0)
  decodeOfsDistance(input, 0)
})

const index = encodeIndex(written.rows, written.checksum)
fuzz('pack index', { seeds: [index] }, (input) => {
  const opened = PackIndex.open(input)
  if (!opened.ok) return
  for (const { oid, offset } of written.rows) {
    opened.value.find(oid)
    opened.value.endOf(offset)
    opened.value.oidAtOffset(offset)
  }
})
