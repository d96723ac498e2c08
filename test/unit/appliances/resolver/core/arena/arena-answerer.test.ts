import { expect, test } from 'vitest'
import type { Link } from '../../../../../../appliances/resolver/core/link.ts'
import { AnswerPublisher } from '../../../../../../appliances/resolver/core/arena/answer-publisher.ts'
import { ArenaAnswerer } from '../../../../../../appliances/resolver/core/arena/arena-answerer.ts'
import { LinkCache } from '../../../../../../appliances/resolver/core/cache/answer-cache.ts'
import { chainAnswer } from '../../../../../../appliances/resolver/core/answer.ts'
import { FLAG } from '../../../../../../shared/dns/message.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import type { Client } from '../../../../../../shared/dns-server/core/client.ts'
import { DEFERRED } from '../../../../../../shared/dns-server/core/defer.ts'
import { SocketClient } from '../../../../../../shared/dns-server/socket-client.ts'
import { parsePrefix, PrefixSet } from '../../../../../../shared/net/prefix.ts'
import { name, queryOf } from '../../../../../support/zones.ts'

const WWW = name('www.example.')
const TTL_SECONDS = 100
const START_MS = 1_700_000_000_000
const FRIEND = new SocketClient('udp', '192.0.2.1', 5353)
const STRANGER = new SocketClient('udp', '198.51.100.1', 5353)

class Served {
  nowMs = START_MS
  left = Infinity
  readonly counted: string[] = []
  readonly cache = new LinkCache({ octets: 2000, staleSeconds: 0 })
  readonly publisher = new AnswerPublisher(this.cache, {
    octets: 65_536,
    seed: 3,
    prefetch: true,
    unpublished: [],
  })
  readonly answerer = new ArenaAnswerer(
    this.publisher.memory,
    {
      udpLimitOctets: 1232,
      allowed: new PrefixSet([parsePrefix('192.0.2.0/24')!]),
      mayAnswer: () => this.left-- > 0,
      nowMs: () => this.nowMs,
    },
    {
      answered: (transport, rcode, qtype) =>
        void this.counted.push(`${transport} ${rcode} ${qtype}`),
      limited: () => void this.counted.push('limited'),
    },
  )

  publish(qname = WWW): Link {
    const link = linkOf(qname, this.nowMs)
    this.cache.put(link)
    const question = { qname, qtype: TYPE.A, checkingDisabled: false }
    this.publisher.offer(question, false, chainAnswer([link], false), this.nowMs)
    return link
  }

  ask(client: Client = FRIEND, packet = queryOf('www.example. A', { flags: FLAG.RD })): number {
    const out = new Uint8Array(1232)
    return this.answerer.respond(packet, 0, packet.length, client, out, 0)
  }
}

function linkOf(qname: Link['qname'], storedMs: number): Link {
  const rdatas = [Uint8Array.of(192, 0, 2, 80)]
  return {
    kind: 'data',
    qname,
    qtype: TYPE.A,
    zone: name('example.'),
    rrsets: [{ owner: qname, type: TYPE.A, ttlSeconds: TTL_SECONDS, rdatas, signatures: [] }],
    authority: [],
    ttlSeconds: TTL_SECONDS,
    storedMs,
    isFromReferral: false,
    security: 'insecure',
  }
}

test('who is not allowed, or asks without RD, is left to the main thread, and counted there', () => {
  const served = new Served()
  served.publish()
  expect(served.ask(STRANGER)).toBe(DEFERRED)
  expect(served.ask(FRIEND, queryOf('www.example. A'))).toBe(DEFERRED)
  expect(served.ask(FRIEND, queryOf('ww.example. A', { flags: FLAG.RD }))).toBe(DEFERRED)
  expect(served.counted).toEqual([])
  expect(served.ask()).toBeGreaterThan(12)
  expect(served.counted).toEqual(['udp 0 1'])
})

test('a client that gets too many gets none, and only what is answered counts against it', () => {
  const served = new Served()
  served.publish()
  served.left = 2
  expect(served.ask(STRANGER)).toBe(DEFERRED)
  expect([served.ask(), served.ask()].every((octets) => octets > 12)).toBe(true)
  expect(served.ask()).toBe(0)
  expect(served.counted.at(-1)).toBe('limited')
})

test('in the last tenth of its time one in a second is left to the main thread, at the end all', () => {
  const served = new Served()
  served.publish()
  served.nowMs = START_MS + 90_000
  expect(served.ask()).toBeGreaterThan(12)
  served.nowMs = START_MS + 90_001
  expect(served.ask()).toBe(DEFERRED)
  expect(served.ask()).toBeGreaterThan(12)
  served.nowMs = START_MS + 92_000
  expect(served.ask()).toBe(DEFERRED)
  expect(served.ask()).toBeGreaterThan(12)
  served.nowMs = START_MS + 99_001
  expect([served.ask(), served.ask()]).toEqual([DEFERRED, DEFERRED])
})

test('what is asked of workers stays in the cache, and what nobody asks makes room', () => {
  const served = new Served()
  const asked = served.publish()
  const quiet = served.publish(name('quiet.example.'))
  for (let n = 0; n < 20; n++) {
    expect(served.ask()).toBeGreaterThan(12)
    served.publish(name(`n${n}.example.`))
  }
  expect(served.cache.holds(asked)).toBe(true)
  expect(served.cache.holds(quiet)).toBe(false)
  served.cache.drop(asked)
  expect(served.ask()).toBe(DEFERRED)
})

test('random names below one that is not there get a bounded share of the arena', () => {
  const served = new Served()
  const denial: Link = { ...linkOf(name('example.'), START_MS), kind: 'nxdomain', rrsets: [] }
  served.cache.put(denial)
  for (let n = 0; n < 5000; n++) {
    const question = { qname: name(`n${n}.`), qtype: TYPE.A, checkingDisabled: false }
    served.publisher.offer(question, false, chainAnswer([denial], false), START_MS)
  }
  expect(served.publisher.counts.published).toBeGreaterThan(100)
  // A ring of this size holds fewer than the bound, so that old ones make room; a larger one stops at it.
  const large = new AnswerPublisher(served.cache, {
    octets: 2 ** 20,
    seed: 3,
    prefetch: true,
    unpublished: [],
  })
  for (let n = 0; n < 5000; n++) {
    const question = { qname: name(`n${n}.`), qtype: TYPE.A, checkingDisabled: false }
    large.offer(question, false, chainAnswer([denial], false), START_MS)
  }
  expect(large.counts.published).toBe(1024)
})
