// Log lines stay lines whatever is in them, and floods stay small.
import { createSocket } from 'node:dgram'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../../shared/clock/clock.ts'
import { createLog, EVENTS_PER_SECOND } from '../../../../shared/log/create-log.ts'
import {
  formatJsonLine,
  formatSyslogMessage,
  formatTextLine,
  SYSLOG_LIMIT_BYTES,
  VALUE_LIMIT,
  type LogEvent,
} from '../../../../shared/log/line.ts'
import { openSyslog } from '../../../../shared/log/syslog.ts'
import { Fatal } from '../../../../shared/result/result.ts'

const speaker = { hostname: 'ns1.example.org', appname: 'cairn-dns', pid: 42 }
const event = (fields: LogEvent['fields']): LogEvent => ({
  level: 'warn',
  event: 'zone-refused',
  fields,
  wallMs: 1_767_225_600_123,
})

describe('forms', () => {
  const sample = event({
    zone: 'example.org',
    line: 17,
    why: 'two words',
    none: undefined,
    ok: true,
  })

  test('text', () => {
    expect(formatTextLine(sample)).toBe(
      '2026-01-01T00:00:00.123Z warn  zone-refused zone=example.org line=17 why="two words" ok=true',
    )
    expect(formatTextLine(event({ empty: '', equals: 'a=b', quote: 'a"b' }))).toMatch(
      / empty="" equals="a=b" quote="a\\"b"$/,
    )
  })

  test('JSON, where a field cannot pass for time, level or event', () => {
    expect(JSON.parse(formatJsonLine(sample))).toEqual({
      time: '2026-01-01T00:00:00.123Z',
      level: 'warn',
      event: 'zone-refused',
      zone: 'example.org',
      line: 17,
      why: 'two words',
      ok: true,
    })
    expect(JSON.parse(formatJsonLine(event({ level: 'x', event: 'y' })))).toMatchObject({
      level: 'warn',
      event: 'zone-refused',
      _level: 'x',
      _event: 'y',
    })
  })

  test('syslog: priority of daemon.warning, header fields in order', () => {
    expect(formatSyslogMessage(sample, speaker).toString()).toBe(
      '<28>1 2026-01-01T00:00:00.123Z ns1.example.org cairn-dns 42 zone-refused - ' +
        'zone-refused zone=example.org line=17 why="two words" ok=true',
    )
    const odd = formatSyslogMessage(sample, { hostname: '', appname: 'a b', pid: 1 }).toString()
    expect(odd).toContain('Z - a_b 1 zone-refused - ')
  })

  test('no value begins a new line, moves the cursor, or turns the text around', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\n', '\r\n', '\u001b[2J', '\u2028', '\u202e', '\u009b', '" event=x'),
    )
    fc.assert(
      fc.property(hostile, (value) => {
        const e = event({ value })
        for (const line of [
          formatTextLine(e),
          formatJsonLine(e),
          formatSyslogMessage(e, speaker).toString(),
        ]) {
          expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e]/u)
        }
        expect(JSON.parse(formatJsonLine(e))).toMatchObject({ event: 'zone-refused', value })
      }),
    )
  })

  test('long values are cut, syslog messages fit their datagram', () => {
    expect(formatTextLine(event({ value: 'x'.repeat(1e6) })).length).toBeLessThan(VALUE_LIMIT + 60)
    const fields = Object.fromEntries(
      Array.from({ length: 9 }, (_, i) => [`f${i}`, 'ü'.repeat(900)]),
    )
    const message = formatSyslogMessage(event(fields), speaker)
    expect(message.length).toBeLessThanOrEqual(SYSLOG_LIMIT_BYTES)
    expect(message.toString()).not.toContain('\ufffd')
  })
})

describe('the log', () => {
  function start(level: 'debug' | 'info' | 'warn' | 'error' = 'info') {
    const clock = new VirtualClock()
    const lines: string[] = []
    const log = createLog(
      { format: 'text', level },
      { clock, write: (line) => lines.push(line), speaker },
    )
    return { clock, lines, log }
  }

  test('writes from its level upward', () => {
    const { lines, log } = start('warn')
    log.debug('a')
    log.info('b')
    log.warn('c', { n: 1 })
    log.error('d')
    expect(lines).toEqual([
      '2026-01-01T00:00:00.000Z warn  c n=1\n',
      '2026-01-01T00:00:00.000Z error d\n',
    ])
  })

  test('a flood of one event costs its limit and one line that says how many', () => {
    const { clock, lines, log } = start()
    for (let i = 0; i < 1_000; i++) log.warn('flood', { i })
    log.info('calm')
    expect(lines).toHaveLength(EVENTS_PER_SECOND + 1)
    clock.advance(1_000)
    expect(lines).toHaveLength(EVENTS_PER_SECOND + 2)
    expect(lines.at(-1)).toContain('warn  suppressed of=flood count=980')
    log.warn('flood')
    expect(lines.at(-1)).toContain('flood')
    clock.advance(10_000)
    expect(lines).toHaveLength(EVENTS_PER_SECOND + 3)
  })

  test('what is below the level costs nothing and does not count', () => {
    const { clock, lines, log } = start()
    for (let i = 0; i < 1_000; i++) log.debug('flood')
    clock.advance(2_000)
    expect(lines).toEqual([])
  })

  test('syslog gets what stdout gets, over UDP', async () => {
    const collector = createSocket('udp4')
    await new Promise<void>((resolve) => collector.bind(0, '127.0.0.1', resolve))
    const received = new Promise<string>((resolve) =>
      collector.once('message', (m) => resolve(m.toString())),
    )
    const sender = await openSyslog(new URL(`udp://127.0.0.1:${collector.address().port}`))
    const log = createLog(
      { format: 'json', level: 'info' },
      { clock: new VirtualClock(), write: () => {}, sendSyslog: sender.send, speaker },
    )
    log.info('ready', { address: '127.0.0.1:53' })
    expect(await received).toBe(
      '<30>1 2026-01-01T00:00:00.000Z ns1.example.org cairn-dns 42 ready - ready address=127.0.0.1:53',
    )
    sender.close()
    collector.close()
  })

  test('a syslog host without an address cannot be started with', async () => {
    await expect(openSyslog(new URL('udp://nowhere.invalid:514'))).rejects.toThrow(Fatal)
  })
})
