import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import { parseCapabilities } from '../../../../store/wire/capabilities.ts'
import { decodeAllPackets, encodePacket, FLUSH } from '../../../../store/wire/pkt-line.ts'
import {
  COMMAND_LIMIT,
  decodePush,
  encodeReport,
  PUSH_OPTION_LIMIT,
  type Report,
} from '../../../../store/wire/receive-pack.ts'

const A = 'a'.repeat(40) as Oid
const B = 'b'.repeat(40) as Oid
const PACK = Buffer.from('PACK...')

function request(capabilities: string, commands: readonly string[], ...rest: Uint8Array[]): Buffer {
  const lines = commands.map((line, n) => encodePacket(n === 0 ? `${line}\0${capabilities}` : line))
  return Buffer.concat([...lines, FLUSH, ...rest])
}

describe('a push request', () => {
  test('gives commands, capabilities and the pack', () => {
    const body = request(
      ' report-status side-band-64k agent=git/2',
      [`${A} ${B} refs/heads/main`, `${A} ${ZERO_OID} refs/heads/ü b`],
      PACK,
    )
    expect(decodePush(body)).toEqual({
      ok: true,
      value: {
        commands: [
          { name: 'refs/heads/main', old: A, new: B },
          { name: 'refs/heads/ü b', old: A, new: ZERO_OID },
        ],
        capabilities: parseCapabilities('report-status side-band-64k agent=git/2'),
        options: [],
        pack: Buffer.from(PACK),
      },
    })
  })

  test('has options between commands and pack, once they were agreed on', () => {
    const options = [encodePacket('ci.skip'), encodePacket('x=y\n'), FLUSH]
    const body = request('push-options', [`${A} ${B} refs/heads/main`], ...options, PACK)
    expect(decodePush(body)).toMatchObject({ value: { options: ['ci.skip', 'x=y'], pack: PACK } })
  })

  test('of a shallow client names its edges, which we have no use for', () => {
    const body = Buffer.concat([
      encodePacket(`shallow ${A}`),
      request('report-status', [`${A} ${B} refs/heads/main`], PACK),
    ])
    expect(decodePush(body)).toMatchObject({
      value: { commands: [{ name: 'refs/heads/main' }], pack: PACK },
    })
  })

  test('that only tries the connection asks for nothing', () => {
    expect(decodePush(FLUSH)).toBeUndefined()
  })

  test.each([
    ['no flush', encodePacket(`${A} ${B} refs/heads/main\0x`), 'malformed'],
    ['junk', Buffer.from('hello world'), 'malformed'],
    ['a short id', request('x', [`${A} abc refs/heads/main`]), 'malformed'],
    ['no name', request('x', [`${A} ${B} `]), 'malformed'],
    ['a certificate', request('x', ['push-cert']), 'unsupported'],
    ['another hash', request('object-format=sha256', [`${A} ${B} refs/heads/main`]), 'unsupported'],
    [
      'a name that is no UTF-8',
      Buffer.concat([encodePacket(Buffer.from(`${A} ${B} refs/heads/\xff\0x`, 'latin1')), FLUSH]),
      'malformed',
    ],
    [
      'too many commands',
      request('x', Array<string>(COMMAND_LIMIT + 1).fill(`${A} ${B} refs/heads/main`)),
      'too-many',
    ],
    [
      'too many options',
      request(
        'push-options',
        [`${A} ${B} refs/heads/main`],
        ...Array<Uint8Array>(PUSH_OPTION_LIMIT + 1).fill(encodePacket('o')),
        FLUSH,
      ),
      'too-many',
    ],
    [
      'options without an end',
      request('push-options', [`${A} ${B} refs/heads/main`], encodePacket('o')),
      'malformed',
    ],
  ])('with %s is refused', (_, body, kind) => {
    expect(decodePush(body)).toMatchObject({ ok: false, error: { kind } })
  })

  test('cut anywhere is refused or loses only pack', () => {
    const body = request(
      'report-status push-options',
      [`${A} ${B} refs/heads/main`],
      encodePacket('o'),
      FLUSH,
      PACK,
    )
    const whole = body.length - PACK.length
    for (let end = 0; end < whole; end++) expect(decodePush(body.subarray(0, end))?.ok).toBe(false)
    for (let end = whole; end <= body.length; end++)
      expect(decodePush(body.subarray(0, end))?.ok).toBe(true)
  })

  test('of junk never throws', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => void decodePush(junk)))
  })
})

describe('a report', () => {
  const report: Report = {
    unpack: 'ok',
    refs: [{ name: 'refs/heads/main' }, { name: 'refs/heads/x', refused: 'fetch\nfirst' }],
    lines: ['zones/example.org:17: CNAME and other data', 'note'],
  }
  const encode = (capabilities: string): Buffer =>
    Buffer.concat([...encodeReport(parseCapabilities(capabilities), report)])
  const status = `000eunpack ok\n0017ok refs/heads/main\n0020ng refs/heads/x fetch first\n0000`

  test('is bare without a side-band', () => {
    expect(encode('report-status').toString()).toBe(status)
  })

  test('stands in band one, with the lines for the person before it in band two', () => {
    const packets = decodeAllPackets(encode('report-status-v2 side-band-64k'))
    if (!packets.ok) throw new Error(packets.error.kind)
    const texts = packets.value.map((packet) =>
      packet.kind === 'data' ? Buffer.from(packet.bytes).toString() : packet.kind,
    )
    expect(texts).toEqual([`\x02${report.lines.join('\n')}\n`, `\x01${status}`, 'flush'])
  })

  test('is left out when the client did not ask for it', () => {
    expect(encode('').toString()).toBe('')
    expect(encode('side-band-64k').toString()).toMatch(/note\n0000$/)
  })
})
