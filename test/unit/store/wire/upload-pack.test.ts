import { deflateSync, inflateSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Oid } from '../../../../store/object/oid.ts'
import type { Repository } from '../../../../store/repository.ts'
import { advertise, serviceHeader, type Service } from '../../../../store/wire/advertise.ts'
import { decodeAllPackets, DELIM, encodePacket, FLUSH } from '../../../../store/wire/pkt-line.ts'
import { UploadPack } from '../../../../store/wire/upload-pack.ts'
import { answerV2 } from '../../../../store/wire/upload-pack-v2.ts'
import { ObjectMap } from '../../../support/object-map.ts'

/** c0 … c4 on main, a stray commit that no ref leads to, a tag on c2. */
const map = new ObjectMap()
const line: Oid[] = []
for (let n = 0; n < 5; n++)
  line.push(map.commit({ n: String(n), same: 'x' }, line.slice(-1), 100 + n))
const stray = map.commit({ n: 'stray' }, [], 300)
const tag = map.tag(line[2]!, 'v1')
const [tip, unknown] = [line[4]!, 'f'.repeat(40) as Oid]
const main = new Map([
  ['refs/heads/main', tip],
  ['refs/tags/v1', tag],
])

function serve(refs: ReadonlyMap<string, Oid> = main): Repository {
  return {
    headRef: 'refs/heads/main',
    refs: () => refs,
    has: (oid) => map.has(oid),
    read: (oid) => map.read(oid),
    stored(oid) {
      const object = map.read(oid)
      if (object === undefined) return undefined
      const { type, bytes } = object
      return { oid, type, size: bytes.length, deflated: deflateSync(bytes) }
    },
    update: () => Promise.reject(new Error('nobody pushes here')),
  }
}

/** Lines of an answer; pack data is told by its number of objects. */
function linesOf(stream: Iterable<Uint8Array>): string[] {
  const bytes = Buffer.concat([...stream])
  const packAt = bytes.indexOf('PACK')
  const packets = decodeAllPackets(
    packAt >= 0 && bytes[packAt - 1] !== 1 ? bytes.subarray(0, packAt) : bytes,
  )
  if (!packets.ok) throw new Error(packets.error.kind)
  const lines = packets.value.map((packet) => {
    if (packet.kind !== 'data') return packet.kind
    const text = Buffer.from(packet.bytes).toString('latin1')
    if (text.startsWith('\x01PACK')) return `pack of ${packet.bytes[12]}`
    return text.replace(/\n$/, '')
  })
  if (packAt >= 0 && bytes[packAt - 1] !== 1) lines.push(`bare pack of ${bytes[packAt + 11]}`)
  return lines
}

/** `flush` and `delim` stand for themselves. */
function encode(lines: readonly string[]): Buffer {
  return Buffer.concat(
    lines.map((text) =>
      text === 'flush' ? FLUSH : text === 'delim' ? DELIM : encodePacket(`${text}\n`),
    ),
  )
}

function talk(machine: UploadPack, lines: readonly string[]): string[] {
  const packets = decodeAllPackets(encode(lines))
  if (!packets.ok) throw new Error(packets.error.kind)
  return linesOf(packets.value.flatMap((packet) => [...machine.receive(packet)]))
}

function ask(lines: readonly string[], stateless = true): string[] {
  const machine = new UploadPack(serve(), { stateless })
  const answer = talk(machine, lines)
  return [...answer, ...linesOf(machine.end())]
}

function askV2(lines: readonly string[], repository = serve()): string[] {
  const packets = decodeAllPackets(encode(lines))
  if (!packets.ok) throw new Error(packets.error.kind)
  return linesOf(answerV2(repository, packets.value))
}

const ALL = 'multi_ack_detailed side-band-64k thin-pack ofs-delta no-progress'

describe('advertising', () => {
  const lines = (service: Service, version: 0 | 1 | 2, refs = main): string[] =>
    linesOf(advertise(serve(refs), service, version)).map((line) => line.replace(/\0.*/, ''))

  test('lists HEAD, refs and what tags lead to', () => {
    expect(lines('git-upload-pack', 0)).toEqual([
      `${tip} HEAD`,
      `${tip} refs/heads/main`,
      `${tag} refs/tags/v1`,
      `${line[2]} refs/tags/v1^{}`,
      'flush',
    ])
    expect(lines('git-upload-pack', 1)[0]).toBe('version 1')
    expect(lines('git-receive-pack', 0)).toEqual([
      `${tip} refs/heads/main`,
      `${tag} refs/tags/v1`,
      'flush',
    ])
  })

  test('tells capabilities though there is no ref', () => {
    expect(lines('git-upload-pack', 0, new Map())).toEqual([
      `${'0'.repeat(40)} capabilities^{}`,
      'flush',
    ])
    expect(lines('git-receive-pack', 2, new Map())).toEqual([
      `${'0'.repeat(40)} capabilities^{}`,
      'flush',
    ])
  })

  test('in version 2 names commands, no refs', () => {
    expect(lines('git-upload-pack', 2)[0]).toBe('version 2')
    expect(lines('git-upload-pack', 2).join(' ')).not.toContain('refs/')
    expect(Buffer.from(serviceHeader('git-upload-pack')).toString()).toBe(
      '001e# service=git-upload-pack\n0000',
    )
  })
})

describe('a fetch in version 0', () => {
  test('of everything is one pack', () => {
    expect(ask([`want ${tip} ${ALL}`, 'flush', 'done'])).toEqual(['NAK', 'pack of 16', 'flush'])
  })

  test('of a client without side-band is bare', () => {
    expect(ask([`want ${tip}`, 'flush', 'done'])).toEqual(['NAK', 'bare pack of 16'])
  })

  test('acknowledges what is common, and says when that is enough', () => {
    expect(
      ask([`want ${tip} ${ALL}`, 'flush', `have ${unknown}`, `have ${line[3]}`, 'flush']),
    ).toEqual([`ACK ${line[3]} common`, 'NAK'])
    expect(
      ask([`want ${tip} ${ALL}`, 'flush', `have ${line[3]}`, `have ${unknown}`, 'flush']),
    ).toEqual([`ACK ${line[3]} common`, `ACK ${unknown} ready`, 'NAK'])
    expect(ask([`want ${tip} ${ALL}`, 'flush', `have ${line[3]}`, 'flush'])).toEqual([
      `ACK ${line[3]} common`,
      `ACK ${line[3]} ready`,
      'NAK',
    ])
    expect(ask([`want ${tip} ${ALL}`, 'flush', `have ${line[3]}`, 'done'])).toEqual([
      `ACK ${line[3]} common`,
      `ACK ${line[3]}`,
      'pack of 3',
      'flush',
    ])
  })

  test('goes on to the pack by itself when the client said no-done', () => {
    expect(ask([`want ${tip} ${ALL} no-done`, 'flush', `have ${line[3]}`, 'flush'])).toEqual([
      `ACK ${line[3]} common`,
      `ACK ${line[3]} ready`,
      'NAK',
      `ACK ${line[3]}`,
      'pack of 3',
      'flush',
    ])
  })

  test('with the older kinds of acknowledgment', () => {
    expect(
      ask([`want ${tip} multi_ack`, 'flush', `have ${line[3]}`, `have ${unknown}`, 'flush']),
    ).toEqual([`ACK ${line[3]} continue`, `ACK ${unknown} continue`, 'NAK'])
    const single = [`want ${tip}`, 'flush', `have ${unknown}`, `have ${line[3]}`, `have ${line[2]}`]
    expect(ask([...single, 'done'])).toEqual([`ACK ${line[3]}`, 'bare pack of 3'])
    expect(ask([`want ${tip}`, 'flush', `have ${unknown}`, 'flush'])).toEqual(['NAK'])
  })

  test('over a connection that lasts goes on after each flush', () => {
    const machine = new UploadPack(serve(), { stateless: false })
    expect(talk(machine, [`want ${tip} ${ALL}`, 'flush'])).toEqual([])
    expect(talk(machine, [`have ${unknown}`, 'flush'])).toEqual(['NAK'])
    expect(talk(machine, [`have ${line[2]}`, `have ${unknown}`, 'flush'])).toEqual([
      `ACK ${line[2]} common`,
      `ACK ${unknown} ready`,
      'NAK',
    ])
    expect(machine.over).toBe(false)
    expect(talk(machine, ['done'])).toEqual([`ACK ${line[2]}`, 'pack of 6', 'flush'])
    expect(machine.over).toBe(true)
    expect(talk(machine, ['done', `want ${tip}`])).toEqual([])
  })

  test('tells where a shallow history ends before anything else', () => {
    expect(ask([`want ${tip} ${ALL}`, 'deepen 2', 'flush'])).toEqual([
      `shallow ${line[3]}`,
      'flush',
    ])
    expect(ask([`want ${tip} ${ALL}`, 'deepen 2', 'flush', 'done'])).toEqual([
      `shallow ${line[3]}`,
      'flush',
      'NAK',
      'pack of 7',
      'flush',
    ])
  })

  test('with nothing wanted is nothing', () => {
    expect(ask(['flush'])).toEqual([])
    expect(ask([])).toEqual([])
  })

  test.each([
    ['a commit that no ref leads to', [`want ${stray}`, 'flush'], `not our ref ${stray}`],
    ['an unknown id', [`want ${unknown}`, 'flush'], `not our ref ${unknown}`],
    ['a file by its id', [`want ${map.blob('x')}`, 'flush'], 'not our ref'],
    ['an id too short', ['want abc', 'flush'], 'malformed'],
    ['an unknown line', ['gimme', 'flush'], 'malformed'],
    ['another filter', [`want ${tip} filter`, 'filter tree:0', 'flush'], 'is not supported'],
    ['another hash', [`want ${tip} object-format=sha256`, 'flush'], 'is not supported'],
    ['a depth below one', [`want ${tip}`, 'deepen 0', 'flush'], 'malformed'],
    [
      'a time after all commits',
      [`want ${tip}`, 'deepen-since 999', 'flush'],
      'no commits selected',
    ],
    [
      'an unknown branch to leave out',
      [`want ${tip}`, 'deepen-not nope', 'flush'],
      'unknown ref nope',
    ],
    ['a line in place of a have', [`want ${tip}`, 'flush', 'want x'], 'malformed'],
  ])('with %s is refused', (_, lines, text) => {
    const answer = ask(lines)
    expect(answer).toHaveLength(1)
    expect(answer[0]).toMatch(/^ERR upload-pack: /)
    expect(answer[0]).toContain(text)
  })

  test('may want an old commit, a tag, a filter', () => {
    expect(ask([`want ${line[0]} ${ALL}`, 'flush', 'done'])).toEqual(['NAK', 'pack of 4', 'flush'])
    expect(ask([`want ${tag} ${ALL}`, 'flush', 'done'])).toEqual(['NAK', 'pack of 11', 'flush'])
    expect(ask([`want ${tip} ${ALL} filter`, 'filter blob:none', 'flush', 'done'])).toContain(
      'pack of 10',
    )
  })

  test('is bounded in wants and haves', () => {
    const limits = { wants: 1, haves: 1, shallows: 1 }
    const say = (lines: string[]): string[] =>
      talk(new UploadPack(serve(), { stateless: true, limits }), lines)
    expect(say([`want ${tip}`, `want ${tag}`])[0]).toContain('too many wants')
    expect(say([`want ${tip}`, 'flush', `have ${unknown}`, `have ${tip}`])[0]).toContain(
      'too many haves',
    )
    expect(say([`want ${tip}`, `shallow ${tip}`, `shallow ${tag}`])[0]).toContain(
      'too many shallows',
    )
  })
})

describe('version 2', () => {
  test('lists refs by prefix, with what they lead to', () => {
    expect(askV2(['command=ls-refs', 'delim', 'peel', 'symrefs', 'flush'])).toEqual([
      `${tip} HEAD symref-target:refs/heads/main`,
      `${tip} refs/heads/main`,
      `${tag} refs/tags/v1 peeled:${line[2]}`,
      'flush',
    ])
    expect(askV2(['command=ls-refs', 'delim', 'ref-prefix refs/tags/', 'flush'])).toEqual([
      `${tag} refs/tags/v1`,
      'flush',
    ])
    expect(askV2(['command=ls-refs', 'flush'])).toHaveLength(4)
  })

  test('names the branch that will be, in an empty repository', () => {
    const empty = serve(new Map())
    expect(askV2(['command=ls-refs', 'delim', 'symrefs', 'unborn', 'flush'], empty)).toEqual([
      'unborn HEAD symref-target:refs/heads/main',
      'flush',
    ])
    expect(askV2(['command=ls-refs', 'delim', 'symrefs', 'flush'], empty)).toEqual(['flush'])
  })

  const fetch = (...lines: string[]): string[] =>
    askV2(['command=fetch', 'delim', 'no-progress', 'ofs-delta', ...lines, 'flush'])

  test('fetches at once when the client has nothing, or is done', () => {
    expect(fetch(`want ${tip}`)).toEqual(['packfile', 'pack of 16', 'flush'])
    expect(fetch(`want ${tip}`, `have ${line[3]}`, 'done')).toEqual([
      'packfile',
      'pack of 3',
      'flush',
    ])
  })

  test('acknowledges, and sends the pack when that is enough', () => {
    expect(fetch(`want ${tip}`, `have ${unknown}`)).toEqual(['acknowledgments', 'NAK', 'flush'])
    expect(fetch(`want ${tip}`, `have ${unknown}`, `have ${line[3]}`)).toEqual([
      'acknowledgments',
      `ACK ${line[3]}`,
      'ready',
      'delim',
      'packfile',
      'pack of 3',
      'flush',
    ])
    expect(fetch(`want ${tip}`, `have ${line[3]}`, 'wait-for-done')).toEqual([
      'acknowledgments',
      `ACK ${line[3]}`,
      'flush',
    ])
    expect(fetch('wait-for-done', `have ${line[3]}`)).toEqual([
      'acknowledgments',
      `ACK ${line[3]}`,
      'flush',
    ])
  })

  test('tells edges and named refs in their sections', () => {
    expect(fetch('want-ref refs/heads/main', 'deepen 1', 'done')).toEqual([
      'shallow-info',
      `shallow ${tip}`,
      'delim',
      'wanted-refs',
      `${tip} refs/heads/main`,
      'delim',
      'packfile',
      'pack of 4',
      'flush',
    ])
  })

  test('gives a file by its id to who cloned without files', () => {
    expect(fetch(`want ${map.blob('x')}`, 'filter blob:none', 'done')).toEqual([
      'packfile',
      'pack of 1',
      'flush',
    ])
  })

  test('does nothing for nobody', () => {
    expect(askV2(['flush'])).toEqual([])
    expect(askV2([])).toEqual([])
    expect(fetch()).toEqual(['flush'])
  })

  test.each([
    [['command=push', 'flush'], 'command "push" is not supported'],
    [['command=fetch'], 'malformed'],
    [['command=fetch', 'delim', 'delim', 'flush'], 'malformed'],
    [['command=ls-refs', 'object-format=sha256', 'flush'], 'is not supported'],
    [['command=fetch', 'delim', `want ${stray}`, 'done', 'flush'], 'not our ref'],
    [['command=fetch', 'delim', 'want-ref refs/heads/nope', 'done', 'flush'], 'unknown ref'],
    [['command=fetch', 'delim', 'packfile-uris https', 'flush'], 'malformed'],
    [
      ['command=fetch', 'delim', `want ${tip}`, 'deepen-since 999', 'done', 'flush'],
      'no commits selected',
    ],
  ])('refuses %j', (lines, text) => {
    expect(askV2(lines).at(-1)).toContain(text)
  })
})

test('no request makes an answer fail', () => {
  const words = fc.constantFrom(
    'flush',
    'delim',
    'done',
    'deepen 2',
    'deepen-since 101',
    'deepen-not main',
    'deepen-relative',
    'wait-for-done',
    'filter blob:none',
    'command=fetch',
    'command=ls-refs',
    `want ${tip} ${ALL}`,
    `want ${tip}`,
    `want ${tag}`,
    `have ${line[2]}`,
    `have ${unknown}`,
    `shallow ${line[3]}`,
    `shallow ${unknown}`,
    'thin-pack',
    'include-tag',
  )
  fc.assert(
    fc.property(fc.array(words, { maxLength: 10 }), fc.boolean(), (lines, stateless) => {
      const packets = decodeAllPackets(encode(lines))
      if (!packets.ok) throw new Error(packets.error.kind)
      linesOf(answerV2(serve(), packets.value))
      ask(lines, stateless)
    }),
    { numRuns: 500 },
  )
})

test('the pack of an answer inflates to the objects asked for', () => {
  const machine = new UploadPack(serve(), { stateless: true })
  const packets = decodeAllPackets(encode([`want ${line[0]}`, 'flush', 'done']))
  if (!packets.ok) throw new Error(packets.error.kind)
  const bytes = Buffer.concat(packets.value.flatMap((packet) => [...machine.receive(packet)]))
  const at = bytes.indexOf('PACK') + 12
  // The first entry is the commit: one or two bytes of head, then its zlib stream.
  const start = bytes[at]! & 0x80 ? at + 2 : at + 1
  expect(
    inflateSync(bytes.subarray(start, bytes.length - 20)).equals(map.read(line[0]!)!.bytes),
  ).toBe(true)
})
