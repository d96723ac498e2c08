// Hostile bytes where a git client speaks: the question of a fetch, and a push with its pack.
import { answerFetch } from '../../store/serve/fetch.ts'
import { GIT_LIMITS } from '../../store/serve/limits.ts'
import { judgePush } from '../../store/check/push.ts'
import { ZERO_OID, type Oid } from '../../store/object/oid.ts'
import { toStoredEntry } from '../../store/pack/entry.ts'
import { writePack } from '../../store/pack/write.ts'
import { DELIM, encodePacket, FLUSH } from '../../store/wire/pkt-line.ts'
import { decodePush } from '../../store/wire/receive-pack.ts'
import { MemoryRepository } from '../support/memory-repository.ts'
import { ObjectMap } from '../support/object-map.ts'
import { fuzz } from './harness.ts'

const map = new ObjectMap()
const line: Oid[] = []
for (let n = 0; n < 6; n++)
  line.push(map.commit({ n: String(n), dir: { x: '1' } }, line.slice(-1), 100 + n))
const tag = map.tag(line[2]!, 'v1')
const repository = new MemoryRepository()
for (const { type, bytes } of map.objects.values()) repository.put(type, bytes)
repository.setRef('refs/heads/main', line[5]!)
repository.setRef('refs/tags/v1', tag)

const message = (...lines: string[]): Buffer =>
  Buffer.concat(
    lines.map((text) =>
      text === 'flush' ? FLUSH : text === 'delim' ? DELIM : encodePacket(`${text}\n`),
    ),
  )
const all =
  'multi_ack_detailed no-done side-band-64k thin-pack include-tag ofs-delta deepen-since deepen-not'

fuzz(
  'the question of a fetch',
  {
    seeds: [
      message(
        `want ${line[5]} ${all}`,
        `want ${tag}`,
        'deepen 2',
        'flush',
        `have ${line[3]}`,
        'flush',
        'done',
      ),
      message(
        `want ${line[5]}`,
        `shallow ${line[4]}`,
        'deepen-since 102',
        'flush',
        `have ${line[4]}`,
        'done',
      ),
      message(
        'command=ls-refs',
        'agent=x',
        'delim',
        'peel',
        'symrefs',
        'ref-prefix refs/',
        'flush',
      ),
      message(
        'command=fetch',
        'delim',
        'thin-pack',
        `want ${line[5]}`,
        `have ${line[1]}`,
        'deepen-not refs/tags/v1',
        'done',
        'flush',
      ),
      message(
        'command=fetch',
        'delim',
        'want-ref refs/heads/main',
        'filter blob:none',
        'include-tag',
        'flush',
      ),
    ],
  },
  (input) => {
    for (const version of [0, 1, 2] as const) {
      let bytes = 0
      for (const piece of answerFetch(repository, input, version, GIT_LIMITS.fetch))
        bytes += piece.length
      if (bytes > 1_000_000) throw new Error(`an answer of ${bytes} bytes`)
    }
  },
)

const fresh = new ObjectMap()
const tip = fresh.commit({ n: 'new', dir: { x: '2' } }, [line[5]!], 200)
const entries = [...fresh.objects.values()].map(({ type, bytes }) => toStoredEntry(type, bytes))
const pack = Buffer.concat(writePack(entries).chunks)
const command = (name: string, old: Oid, to: Oid, capabilities = ''): Uint8Array =>
  encodePacket(`${old} ${to} ${name}\0report-status ${capabilities}`)
const policy = {
  headRef: 'refs/heads/main',
  allowForce: false,
  allowLinks: false,
  pack: { objects: 1000, inflatedBytes: 1_000_000, deltaDepth: 50, objectBytes: 100_000 },
}

fuzz(
  'a push',
  {
    seeds: [
      Buffer.concat([command('refs/heads/main', line[5]!, tip), FLUSH, pack]),
      Buffer.concat([
        command('refs/heads/x', ZERO_OID, tip, 'push-options'),
        FLUSH,
        encodePacket('o'),
        FLUSH,
        pack,
      ]),
      Buffer.concat([command('refs/tags/v1', tag, ZERO_OID), FLUSH]),
    ],
  },
  (input) => {
    const request = decodePush(input)
    if (request?.ok === true) judgePush(repository, request.value, policy)
  },
)

fuzz(
  'the objects of a push',
  {
    seeds: [...map.objects.values()]
      .filter(({ type }) => type !== 'blob')
      .map(({ bytes }) => bytes),
  },
  (input) => {
    const base = map.tree({ n: '0', dir: { x: '1' } })
    for (const type of ['commit', 'tree', 'tag'] as const) {
      const whole = toStoredEntry(type, input)
      // The same as a delta that replaces everything: then it is judged by what the base does not have.
      const delta = Buffer.concat([
        sizeOf(map.read(base)!.bytes.length),
        sizeOf(input.length),
        insertsOf(input),
      ])
      const leaning = toStoredEntry('tree', input, { oid: base, delta })
      for (const entry of type === 'tree' ? [whole, leaning] : [whole]) {
        const commands = [{ name: 'refs/tags/x', old: ZERO_OID, new: entry.oid }]
        const body = Buffer.concat(writePack([entry]).chunks)
        judgePush(
          repository,
          { commands, capabilities: new Map(), options: [], pack: body },
          policy,
        )
      }
    }
  },
)

function sizeOf(size: number): Buffer {
  const bytes: number[] = []
  for (let left = size; ; left >>= 7) {
    if (left < 128) return Buffer.from([...bytes, left])
    bytes.push((left & 0x7f) | 0x80)
  }
}

function insertsOf(bytes: Uint8Array): Buffer {
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += 127) {
    const piece = bytes.subarray(at, at + 127)
    parts.push(Buffer.of(piece.length), piece)
  }
  return Buffer.concat(parts)
}
