import { describe, expect, test } from 'vitest'
import {
  disconnectedNotice,
  establishedNotice,
} from '../../../../../../appliances/vpn/core/management/client-notice.ts'
import type { ClientReport } from '../../../../../../appliances/vpn/core/management/client-report.ts'
import { CommandLines } from '../../../../../../appliances/vpn/core/management/command-lines.ts'
import { History } from '../../../../../../appliances/vpn/core/management/history.ts'
import {
  Manager,
  type ManagedGateway,
} from '../../../../../../appliances/vpn/core/management/manager.ts'

const NOW_MS = 1_800_000_000_500
const timeText = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')

const laptop: ClientReport = {
  id: 3,
  commonName: 'laptop',
  realAddress: '192.0.2.1:40000',
  ipv4: '10.8.0.2',
  ipv6: 'fd00:8::1000',
  networks: ['192.168.5.0/24'],
  user: '',
  cipher: 'AES-256-GCM',
  serial: '1AB',
  fingerprint: 'a1b2',
  received: 100,
  sent: 200,
  sinceMs: NOW_MS - 60_000,
  seenMs: NOW_MS - 10_000,
  peerInfo: new Map([['IV_VER', '2.6.14']]),
}

class Gateway implements ManagedGateway {
  readonly title = 'OpenVPN 2.6.0 test'
  readonly pid = 77
  readonly log = new History(3)
  readonly states = new History(3)
  list: ClientReport[] = [laptop]
  readonly done: string[] = []
  readonly clients = (): readonly ClientReport[] => this.list
  readonly totals = (): { received: number; sent: number } => ({ received: 1, sent: 2 })
  readonly timeText = timeText
  readonly signal = (name: string): void => void this.done.push(name)
  readonly dismiss = (isMeant: (client: ClientReport) => boolean, text: string): number => {
    const meant = this.list.filter((client) => isMeant(client))
    this.done.push(...meant.map(({ id }) => `${id} ${text}`))
    return meant.length
  }
}

const ask = (line: string, gateway = new Gateway()): readonly string[] =>
  new Manager(gateway).command(line, NOW_MS).reply

describe('status', () => {
  test('1 is the list of old', () => {
    expect(ask('status').join('\n')).toMatchInlineSnapshot(`
      "OpenVPN CLIENT LIST
      Updated,2027-01-15 08:00:00
      Common Name,Real Address,Bytes Received,Bytes Sent,Connected Since
      laptop,192.0.2.1:40000,100,200,2027-01-15 07:59:00
      ROUTING TABLE
      Virtual Address,Common Name,Real Address,Last Ref
      fd00:8::1000,laptop,192.0.2.1:40000,2027-01-15 07:59:50
      192.168.5.0/24,laptop,192.0.2.1:40000,2027-01-15 07:59:50
      10.8.0.2,laptop,192.0.2.1:40000,2027-01-15 07:59:50
      GLOBAL STATS
      Max bcast/mcast queue length,0
      END"
    `)
    expect(ask('status 1')).toEqual(ask('status'))
  })

  test('2 and 3 are the same table with commas and with tabs', () => {
    const lines = ask('status 2')
    expect(lines).toContain(
      'CLIENT_LIST,laptop,192.0.2.1:40000,10.8.0.2,fd00:8::1000,100,200,2027-01-15 07:59:00,1799999940,UNDEF,3,3,AES-256-GCM',
    )
    expect(ask('status 3')).toEqual(
      lines.map((line) => line.replaceAll(', ', '~').replaceAll(',', '\t').replaceAll('~', ', ')),
    )
  })

  test('no name can pass for another field or line', () => {
    const gateway = new Gateway()
    gateway.list = [{ ...laptop, commonName: 'a,b\r\nCLIENT_LIST\tx', user: 'u,\u2028v' }]
    const lines = ask('status 2', gateway)
    const row = lines.find((line) => line.startsWith('CLIENT_LIST'))!
    expect(row.split(',')).toHaveLength(13)
    expect(row).toContain('a_b__CLIENT_LIST_x')
    expect(row).toContain('u__v')
    expect(lines.filter((line) => line.startsWith('CLIENT_LIST'))).toHaveLength(1)
  })

  test('of another number is an error', () => {
    for (const wrong of ['status 4', 'status 0', 'status x', 'status 12'])
      expect(ask(wrong)).toEqual(['ERROR: bad status format version number'])
  })
})

describe('commands', () => {
  test.each([
    ['pid', 'SUCCESS: pid=77'],
    ['load-stats', 'SUCCESS: nclients=1,bytesin=1,bytesout=2'],
    ['hold', 'SUCCESS: hold=0'],
    ['hold release', 'SUCCESS: hold release succeeded'],
    ['hold on', 'ERROR: this gateway holds nothing back; there is hold off and hold release'],
    ['foo', "ERROR: unknown command, enter 'help' for more options"],
    ['constructor', "ERROR: unknown command, enter 'help' for more options"],
    ['kill', "ERROR: the 'kill' command requires 1 parameter"],
    ['log', "ERROR: the 'log' command requires at least 1 parameter"],
    ['kill "', 'ERROR: A double quote that does not end'],
    ['bytecount -1', 'ERROR: bytecount takes 0 to 86400 seconds'],
    ['signal FOO', "ERROR: signal 'FOO' is not a known signal type"],
    ['kill nobody', "ERROR: common name 'nobody' not found"],
    ['kill 192.0.2.1:9', 'ERROR: client at address 192.0.2.1:9 not found'],
    ['client-kill 9', 'ERROR: client-kill command failed'],
  ])('%s', (line, reply) => {
    const gateway = new Gateway()
    expect(ask(line, gateway)).toEqual([reply])
    expect(gateway.done).toEqual([])
  })

  test('kill and client-kill end those who are meant', () => {
    for (const [line, reply, done] of [
      ['kill laptop', "SUCCESS: common name 'laptop' found, 1 client(s) killed", '3 RESTART'],
      [
        'kill 192.0.2.1:40000',
        'SUCCESS: 1 client(s) at address 192.0.2.1:40000 killed',
        '3 RESTART',
      ],
      ['client-kill 3', 'SUCCESS: client-kill command succeeded', '3 RESTART'],
      ['client-kill 3 "HALT,bye"', 'SUCCESS: client-kill command succeeded', '3 HALT,bye'],
    ] as const) {
      const gateway = new Gateway()
      expect(ask(line, gateway)).toEqual([reply])
      expect(gateway.done).toEqual([done])
    }
  })

  test('a last word that would be two messages is none', () => {
    const gateway = new Gateway()
    expect(ask('client-kill 3 "a\u0000b"', gateway)).toEqual(['ERROR: client-kill command failed'])
    expect(ask(`client-kill 3 ${'x'.repeat(901)}`, gateway)).toEqual([
      'ERROR: client-kill command failed',
    ])
    expect(gateway.done).toEqual([])
  })

  test('log and state: the last lines, and lines as they come', () => {
    const gateway = new Gateway()
    for (const line of ['1,I,a', '2,I,b', '3,I,c', '4,I,d']) gateway.log.add(line)
    gateway.states.add('5,CONNECTED,SUCCESS,10.8.0.1,,,,,')
    const manager = new Manager(gateway)
    const say = (line: string): readonly string[] => manager.command(line, NOW_MS).reply
    expect(say('log 2')).toEqual(['3,I,c', '4,I,d', 'END'])
    expect(say('log all')).toEqual(['2,I,b', '3,I,c', '4,I,d', 'END'])
    expect(say('log 0')).toEqual([
      "ERROR: log parameter must be 'on' or 'off' or some number n or 'all'",
    ])
    expect(say('state')).toEqual(['5,CONNECTED,SUCCESS,10.8.0.1,,,,,', 'END'])
    expect(manager.wants('log')).toBe(false)
    expect(say('log on 1')).toEqual([
      'SUCCESS: real-time log notification set to ON',
      '4,I,d',
      'END',
    ])
    expect(manager.wants('log')).toBe(true)
    expect(manager.wants('state')).toBe(false)
    expect(say('log off')).toEqual(['SUCCESS: real-time log notification set to OFF'])
    expect(manager.wants('log')).toBe(false)
    expect(say('state x')).toEqual([
      "ERROR: state parameter must be 'on' or 'off' or some number n or 'all'",
    ])
  })

  test('bytecount says what changed, when it is due', () => {
    const gateway = new Gateway()
    const manager = new Manager(gateway)
    expect(manager.tick(NOW_MS)).toEqual([])
    expect(manager.command('bytecount 5', NOW_MS).reply).toEqual([
      'SUCCESS: bytecount interval changed',
    ])
    expect(manager.tick(NOW_MS + 4_999)).toEqual([])
    expect(manager.tick(NOW_MS + 5_000)).toEqual(['>BYTECOUNT_CLI:3,100,200'])
    expect(manager.tick(NOW_MS + 10_000)).toEqual([])
    gateway.list = [{ ...laptop, sent: 300 }]
    expect(manager.tick(NOW_MS + 15_000)).toEqual(['>BYTECOUNT_CLI:3,100,300'])
    manager.command('bytecount 0', NOW_MS)
    gateway.list = [laptop]
    expect(manager.tick(NOW_MS + 99_000)).toEqual([])
  })

  test('signals, quit, and lines that say nothing', () => {
    const gateway = new Gateway()
    const manager = new Manager(gateway)
    for (const name of ['SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'])
      expect(manager.command(`signal ${name}`, NOW_MS).reply).toEqual([
        `SUCCESS: signal ${name} thrown`,
      ])
    expect(gateway.done).toEqual(['SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'])
    expect(manager.command('version 2', NOW_MS)).toEqual({ reply: [] })
    expect(manager.command('', NOW_MS)).toEqual({ reply: [] })
    expect(manager.command('quit', NOW_MS)).toEqual({ reply: [], ends: true })
    expect(manager.command('exit', NOW_MS)).toEqual({ reply: [], ends: true })
  })
})

describe('notices', () => {
  test('say who came and what it can do, in lines nobody can forge', () => {
    const hostile = {
      ...laptop,
      user: 'bob\r\n>CLIENT:ENV,END',
      peerInfo: new Map([
        ['IV_VER', '2.6\n>CLIENT:DISCONNECT,1'],
        ['common_name', 'root'],
        ['UV_ID', 'x'],
      ]),
    }
    const lines = establishedNotice(hostile, timeText)
    expect(lines[0]).toBe('>CLIENT:ESTABLISHED,3')
    expect(lines.at(-1)).toBe('>CLIENT:ENV,END')
    expect(lines.filter((line) => line.includes('common_name'))).toEqual([
      '>CLIENT:ENV,common_name=laptop',
    ])
    expect(lines).toContain('>CLIENT:ENV,username=bob__>CLIENT:ENV,END')
    expect(lines).toContain('>CLIENT:ENV,IV_VER=2.6_>CLIENT:DISCONNECT,1')
    expect(lines).toContain('>CLIENT:ENV,UV_ID=x')
    expect(lines).toContain('>CLIENT:ENV,tls_serial_hex_0=01:ab')
    expect(lines).toContain('>CLIENT:ENV,tls_serial_0=427')
    expect(lines).toContain('>CLIENT:ENV,trusted_ip=192.0.2.1')
    expect(lines.join('')).not.toMatch(/[\r\n]/)
  })

  test('say what a client that left had moved', () => {
    const from6 = { ...laptop, realAddress: '[2001:db8::1]:5' }
    const lines = disconnectedNotice(from6, timeText, NOW_MS)
    expect(lines[0]).toBe('>CLIENT:DISCONNECT,3')
    for (const line of [
      'trusted_ip6=2001:db8::1',
      'trusted_port=5',
      'bytes_received=100',
      'bytes_sent=200',
      'time_duration=60',
    ])
      expect(lines).toContain(`>CLIENT:ENV,${line}`)
  })
})

describe('lines', () => {
  test('come whole, wherever they were cut', () => {
    const text = Buffer.from('status 2\r\nkill Jörg\nqu')
    for (let cut = 0; cut <= text.length; cut++) {
      const lines = new CommandLines()
      const found: unknown[] = []
      for (const part of [text.subarray(0, cut), text.subarray(cut)]) {
        lines.add(part)
        for (let next = lines.next(); next !== undefined; next = lines.next()) found.push(next)
      }
      expect(found).toEqual([{ line: 'status 2' }, { line: 'kill Jörg' }])
    }
  })

  test('that are too long are known before they end', () => {
    const lines = new CommandLines()
    lines.add(Buffer.from('x'.repeat(1024)))
    expect(lines.next()).toBeUndefined()
    lines.add(Buffer.from('x'))
    expect(lines.next()).toBe('too-long')
    const ended = new CommandLines()
    ended.add(Buffer.from(`${'x'.repeat(1025)}\n`))
    expect(ended.next()).toBe('too-long')
  })
})
