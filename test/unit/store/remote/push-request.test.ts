// The two ends of a push: what we send first, and what we make of the answer.
import { describe, expect, test } from 'vitest'
import { ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import {
  decodeReport,
  encodeCommands,
  MESSAGE_LIMIT,
} from '../../../../store/remote/push-request.ts'
import { explainRemoteError } from '../../../../store/remote/transport.ts'
import { parseCapabilities } from '../../../../store/wire/capabilities.ts'
import { encodePacket, FLUSH } from '../../../../store/wire/pkt-line.ts'
import { decodePush } from '../../../../store/wire/receive-pack.ts'

const A = 'a'.repeat(40) as Oid
const FULL = parseCapabilities('report-status side-band-64k quiet ofs-delta agent=git/2.39 atomic')

describe('commands', () => {
  test('are what our own server reads, asking only for what is offered', () => {
    const updates = [
      { name: 'refs/heads/main', old: ZERO_OID, new: A },
      { name: 'refs/conflicts/x', old: A, new: ZERO_OID },
    ]
    const read = decodePush(encodeCommands(updates, FULL))
    if (read?.ok !== true) throw new Error('unreadable')
    expect(read.value.commands).toEqual(updates)
    expect([...read.value.capabilities.keys()]).toEqual([
      'report-status',
      'side-band-64k',
      'quiet',
      'ofs-delta',
      'agent',
    ])
    const bare = decodePush(encodeCommands(updates, new Map()))
    expect(bare?.ok === true && bare.value.capabilities.size).toBe(0)
  })
})

describe('a report', () => {
  test('tells which refs were not taken, and what the hooks said', () => {
    const report = decodeReport(
      Buffer.concat([
        band(2, 'checking zones\nzone:17: bad'),
        band(2, ' line\r\n'),
        band(1, status('unpack ok\n', 'ok refs/heads/main\n', 'ng refs/heads/x hook declined\n')),
        FLUSH,
      ]),
      FULL,
    )
    expect(report).toEqual({
      ok: true,
      value: {
        refused: new Map([['refs/heads/x', 'hook declined']]),
        messages: ['checking zones', 'zone:17: bad line'],
      },
    })
  })

  test('without side-band or without status is read as such', () => {
    const plain = decodeReport(
      status('unpack ok\n', 'ng refs/heads/main fetch first\n'),
      parseCapabilities('report-status'),
    )
    expect(plain.ok && plain.value.refused.get('refs/heads/main')).toBe('fetch first')
    expect(decodeReport(new Uint8Array(), new Map())).toMatchObject({ ok: true })
  })

  test('does not keep more lines than we would show', () => {
    const answer = Buffer.concat([
      band(2, 'line\n'.repeat(1000)),
      band(1, status('unpack ok\n')),
      FLUSH,
    ])
    const report = decodeReport(answer, FULL)
    expect(report.ok && report.value.messages.length).toBe(MESSAGE_LIMIT)
  })

  test.each([
    [Buffer.from('nonsense'), 'garbage', 'packet lines'],
    [FLUSH, 'garbage', 'unpack'],
    [band(1, status('unpack index-pack failed\n')), 'refused', 'index-pack failed'],
    [band(1, status('unpack ok\n', 'well refs/heads/main\n')), 'garbage', 'well'],
    [band(1, Buffer.from('00')), 'garbage', 'cut short'],
    [band(3, Buffer.from('disk full')), 'answer', 'disk full'],
    [band(7, Buffer.from('x')), 'garbage', 'side-band'],
    [encodePacket('ERR permission denied\n'), 'denied', 'permission denied'],
  ])('%s is refused as %s', (answer, kind, words) => {
    const refused = decodeReport(answer, FULL)
    expect(refused).toMatchObject({ ok: false, error: { kind } })
    expect(!refused.ok && explainRemoteError(refused.error)).toContain(words)
  })
})

function status(...lines: readonly string[]): Buffer {
  return Buffer.concat([...lines.map((line) => encodePacket(line)), FLUSH])
}

function band(n: number, bytes: Uint8Array | string): Uint8Array {
  return encodePacket(Buffer.concat([Buffer.of(n), Buffer.from(bytes as string)]))
}
