// Hostile deltas, trees, commits, tags, refs and packets: refused as values, never thrown, never slow.
import { decodeCommit, encodeCommit, messageText } from '../../store/object/commit.ts'
import { applyDelta, DeltaBuilder } from '../../store/object/delta.ts'
import { makeEdgeDelta } from '../../store/object/edge-delta.ts'
import { EMPTY_TREE, oidBytes, oidOf } from '../../store/object/oid.ts'
import { decodeTag, encodeTag } from '../../store/object/tag.ts'
import { checkTree, Tree } from '../../store/object/tree.ts'
import { formatPackedRefs, parsePackedRefs } from '../../store/refs/packed-refs.ts'
import { isValidRefName } from '../../store/refs/ref-name.ts'
import {
  decodePackets,
  decodeAllPackets,
  encodePacket,
  PacketDecoder,
} from '../../store/wire/pkt-line.ts'
import { fuzz } from './harness.ts'

const ADA = 'Ada <ada@example.org> 1767225600 +0100'
const COMMIT = [
  `tree ${EMPTY_TREE}`,
  `parent ${EMPTY_TREE}`,
  `author ${ADA}`,
  `committer ${ADA}`,
  'gpgsig -----BEGIN SSH SIGNATURE-----\n abc\n ',
  'encoding latin1',
  '',
  'message\n',
].join('\n')
const TAG = `object ${EMPTY_TREE}\ntype tree\ntag v1\ntagger ${ADA}\n\nmessage\n`

const file = Buffer.from('a line of a file\n'.repeat(20))
const item = { mode: 0o100644, oid: oidOf('blob', file) }
const folder = Tree.EMPTY.change(
  new Map([
    ['a', item],
    ['a-b', { ...item, mode: 0o40000 }],
    ['ü', { ...item, mode: 0o100755 }],
  ]),
).tree

const edited = Buffer.concat([Buffer.from('new\n'), file, Buffer.from('end\n')])
const builder = new DeltaBuilder(file.length)
builder.insert(Buffer.from('new\n'))
builder.copy(0, file.length)
builder.insert(Buffer.from('end\n'))
const delta = builder.finish(edited.length)

fuzz('delta', { seeds: [delta, makeEdgeDelta(file, edited)!] }, (input) => {
  const made = applyDelta(file, input, 100_000)
  if (made.ok && made.value.length > 100_000) throw new Error('over the limit')
})

fuzz('edge delta', { seeds: [file, edited, folder.raw] }, (input) => {
  const made = makeEdgeDelta(file, input)
  const applied = made && applyDelta(file, made, input.length)
  if (applied === undefined) return
  if (!applied.ok || Buffer.compare(applied.value, input) !== 0) throw new Error('does not fit')
})

fuzz(
  'tree',
  { seeds: [folder.raw, Buffer.from('40000 .git\0'), oidBytes(EMPTY_TREE)] },
  (input) => {
    const tree = Tree.decode(input)
    if (!tree.ok) return
    checkTree(tree.value)
    const names = [...tree.value].map((entry) => entry.name)
    names.forEach((name) => tree.value.find(name))
    const changes = new Map(names.map((name, i) => [name, i % 2 === 0 ? undefined : item]))
    const changed = tree.value.change(changes.set('new', item))
    const applied = applyDelta(tree.value.raw, changed.delta, 1e6)
    if (!applied.ok) throw new Error(applied.error.kind)
    if (Buffer.compare(applied.value, changed.tree.raw) !== 0)
      throw new Error('the delta gives another tree')
  },
)

fuzz('commit', { seeds: [COMMIT] }, (input) => {
  const commit = decodeCommit(input)
  if (!commit.ok) return
  messageText(commit.value)
  if (Buffer.compare(encodeCommit(commit.value), input) !== 0) throw new Error('comes out changed')
})

fuzz('tag', { seeds: [TAG] }, (input) => {
  const tag = decodeTag(input)
  if (!tag.ok || tag.value.name.includes('\ufffd')) return
  if (Buffer.compare(encodeTag(tag.value), input) !== 0) throw new Error('comes out changed')
})

const REFS = `# pack-refs with: peeled fully-peeled sorted \n${EMPTY_TREE} refs/heads/main\n${EMPTY_TREE} refs/tags/v1\n^${EMPTY_TREE}\n`
fuzz('packed refs', { seeds: [REFS] }, (input) => {
  const packed = parsePackedRefs(input)
  packed.refs.forEach(({ name }) => isValidRefName(name))
  const once = formatPackedRefs(packed)
  if (Buffer.compare(formatPackedRefs(parsePackedRefs(once)), once) !== 0)
    throw new Error('not stable')
})

const PACKETS = Buffer.concat([
  encodePacket('want x\n'),
  encodePacket(''),
  Buffer.from('000000010002'),
])
fuzz('packet lines', { seeds: [PACKETS], limitBytes: 4096 }, (input) => {
  const whole = decodeAllPackets(input)
  decodePackets(input, 1)
  // Cut anywhere, the same packets come out.
  const decoder = new PacketDecoder()
  let count = 0
  let failed = false
  for (let at = 0; at < input.length && !failed; at += 7) {
    const packets = decoder.push(input.subarray(at, at + 7))
    failed = !packets.ok
    if (packets.ok) count += packets.value.length
  }
  const ended = !failed && decoder.end().ok
  if (ended !== whole.ok) throw new Error('the pieces are judged otherwise than the whole')
  if (whole.ok && whole.value.length !== count) throw new Error(`${count} packets in pieces`)
})
