// What a remote says first.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Oid } from '../../../../store/object/oid.ts'
import {
  decodeAdvertisement,
  encodeAdvertisement,
  printable,
} from '../../../../store/remote/advertisement.ts'
import { explainRemoteError } from '../../../../store/remote/transport.ts'
import { encodePacket, FLUSH } from '../../../../store/wire/pkt-line.ts'

const A = 'a'.repeat(40) as Oid
const B = 'b'.repeat(40) as Oid
const NONE = '0'.repeat(40)

describe('an advertisement', () => {
  test('gives refs and capabilities, without HEAD, peeled tags and what is no name', () => {
    const decoded = decode(
      `${A} HEAD\0multi_ack side-band-64k symref=HEAD:refs/heads/main agent=git/2.39\n`,
      `${A} refs/heads/main\n`,
      `${B} refs/tags/v1\n`,
      `${A} refs/tags/v1^{}\n`,
      `${B} .have\n`,
      `${B} refs/heads/../escape\n`,
      `shallow ${A}\n`,
    )
    if (!decoded.ok) throw new Error(explainRemoteError(decoded.error))
    expect([...decoded.value.refs]).toEqual([
      ['refs/heads/main', A],
      ['refs/tags/v1', B],
    ])
    expect(decoded.value.capabilities.has('side-band-64k')).toBe(true)
    expect(decoded.value.capabilities.get('agent')).toEqual(['git/2.39'])
  })

  test.each([
    [[`${NONE} capabilities^{}\0report-status\n`]],
    [[]],
    [['version 1\n', `${NONE} capabilities^{}\0report-status\n`]],
  ])('of an empty repository %j has no refs', (lines) => {
    const decoded = decode(...lines)
    expect(decoded.ok && decoded.value.refs.size).toBe(0)
  })

  test.each([
    [['ERR Repository not found.\n'], 'no-repository', 'Repository not found.'],
    [['ERR access denied\n'], 'denied', 'access denied'],
    [['ERR \u001b[2Jout of order\n'], 'answer', '[2Jout of order'],
    [['version 2\n', 'ls-refs\n'], 'garbage', 'version 2'],
    [['hello\n'], 'garbage', '"hello" is no ref'],
    [[`${A}refs/heads/main\n`], 'garbage', 'is no ref'],
    [[`${A.toUpperCase()} refs/heads/main\n`], 'garbage', 'is no ref'],
    [[`${A} refs/heads/main\0object-format=sha256\n`], 'garbage', 'sha256'],
  ])('%j is refused as %s', (lines, kind, words) => {
    const refused = decode(...lines)
    expect(refused).toMatchObject({ ok: false, error: { kind } })
    expect(!refused.ok && explainRemoteError(refused.error)).toContain(words)
  })

  test('cut anywhere is refused, never read as one with fewer refs', () => {
    const whole = Buffer.concat([
      encodePacket(`${A} refs/heads/a\0side-band-64k\n`),
      encodePacket(`${B} refs/heads/main\n`),
      FLUSH,
    ])
    for (let end = 0; end < whole.length; end++) {
      expect(decodeAdvertisement(whole.subarray(0, end)).ok, `cut at ${end}`).toBe(false)
    }
    expect(decodeAdvertisement(whole).ok).toBe(true)
  })

  test('of our own making is read again', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,9}$/), { minLength: 1 }), (names) => {
        const refs = names.map((name) => [`refs/heads/${name}`, A] as const)
        const bytes = encodeAdvertisement('git-upload-pack', refs, 'ofs-delta')
        const preface = encodePacket('# service=git-upload-pack\n').length + FLUSH.length
        const decoded = decodeAdvertisement(bytes.subarray(preface))
        expect(decoded.ok && [...decoded.value.refs]).toEqual(refs)
      }),
    )
  })

  test("a remote's words are one short line without control characters", () => {
    expect(printable('a\r\n\tb\u001b[31mc\u202ed')).toBe('a b [31mc d')
    expect(printable('x'.repeat(1000))).toHaveLength(200)
  })
})

function decode(...lines: readonly string[]): ReturnType<typeof decodeAdvertisement> {
  return decodeAdvertisement(Buffer.concat([...lines.map((line) => encodePacket(line)), FLUSH]))
}
