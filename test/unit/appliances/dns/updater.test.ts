import { describe, expect, test } from 'vitest'
import { ZoneKeeper } from '../../../../appliances/dns/core/branch/zone-keeper.ts'
import type { Key } from '../../../../shared/tsig/key.ts'
import { Views } from '../../../../appliances/dns/core/views.ts'
import {
  ENTRIES_LIMIT,
  KEPT_MS,
  UpdateMemory,
} from '../../../../appliances/dns/core/update/update-memory.ts'
import { Updater } from '../../../../appliances/dns/updater.ts'
import { VirtualClock, systemClock } from '../../../../shared/clock/clock.ts'
import { extendedErrorsOf } from '../../../../shared/dns/edns.ts'
import { decodeMessage, encodeMessage, RCODE } from '../../../../shared/dns/message.ts'
import { Registry } from '../../../../shared/metrics/registry.ts'
import { PrefixSet, parsePrefix } from '../../../../shared/net/prefix.ts'
import { err, ok } from '../../../../shared/result/result.ts'
import type { Branch, CommitInfo } from '../../../../store/api.ts'
import { RecordedLog, until } from '../../../support/house.ts'
import { MemorySnapshot } from '../../../support/memory-snapshot.ts'
import { updateOf } from '../../../support/updates.ts'
import { clientOf, name } from '../../../support/zones.ts'

const PATH = 'zones/example.org'
const ZONE = '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1 ; here\n'
const KEY: Key = {
  name: name('K.'),
  algorithm: 'hmac-sha256',
  secret: Buffer.from('secret'),
  grants: [{ right: 'update', zone: name('.') }],
}

/** Signs nothing. */
const NOBODY = 'nobody'

/** A branch whose commits become durable when the test says so. */
function house(options: { files?: { [path: string]: string }; unsigned?: string } = {}) {
  const author = { name: 'cairn-dns', email: 'cairn-dns@localhost' }
  const keeper = new ZoneKeeper({ serial: 'raise', wallMs: () => 0, author })
  let head = MemorySnapshot.of(options.files ?? { [PATH]: ZONE })
  let ahead = head
  keeper.publish(head)
  const commits: CommitInfo[] = []
  const waiting: (() => void)[] = []
  const state = { readOnly: false, settles: true }
  const branch = {
    get head() {
      return head
    },
    async commit(info: CommitInfo, edit: Parameters<Branch['commit']>[1]) {
      if (state.readOnly) return err({ kind: 'read-only', reason: 'the disk is full' } as const)
      const next = ahead.edited((e) => void edit(e))
      if (next.tree === ahead.tree) return err({ kind: 'unchanged' } as const)
      const { problems } = keeper.accept(next, ahead)
      if (problems.some((p) => p.severity === 'error'))
        return err({ kind: 'refused', problems } as const)
      ahead = next
      commits.push({ ...info })
      if (!state.settles) await new Promise<void>((done) => waiting.push(done))
      head = next
      keeper.publish(head)
      return ok(next)
    },
  } as unknown as Branch
  const log = new RecordedLog()
  const registry = new Registry()
  const updater = new Updater({
    branch,
    keeper,
    views: new Views([]),
    unsigned: new PrefixSet(options.unsigned === undefined ? [] : [parsePrefix(options.unsigned)!]),
    clock: systemClock,
    log,
    metrics: registry,
  })
  let macs = 0
  const answer = async (
    packet: Uint8Array,
    key: Key | typeof NOBODY = KEY,
    mac = Buffer.from(`mac ${++macs}`),
    limitOctets = 512,
  ): Promise<Uint8Array> => {
    const request = {
      packet,
      client: clientOf('udp'),
      key: key === NOBODY ? undefined : key,
      mac: key === NOBODY ? undefined : mac,
      limitOctets,
      signal: new AbortController().signal,
    }
    for await (const message of updater.handler(request)) return message
    throw new Error('no answer')
  }
  const send = async (...args: Parameters<typeof answer>): Promise<number> =>
    (await answer(...args))[3]! & 0xf
  const settle = () => waiting.splice(0).forEach((done) => done())
  return { send, answer, state, settle, commits, log, registry, text: () => head.text(PATH) }
}

const ADD = () => updateOf('example.org.', ['add x.example.org. 60 A 192.0.2.9'])

describe('an update', () => {
  test('is a commit by the key, with what changed and where it came from', async () => {
    const h = house()
    expect(await h.send(ADD())).toBe(RCODE.NOERROR)
    expect(h.commits).toEqual([
      {
        message: 'Add x.example.org. 60 A 192.0.2.9',
        author: { name: 'K', email: 'K@cairn-dns' },
        trailers: { 'Update-From': '127.0.0.1' },
      },
    ])
    expect(h.text()).toBe(`${ZONE.replace('h 1 2', 'h 2 2')}x 60 A 192.0.2.9\n`)
    expect(h.registry.openMetrics()).toContain('cairn_dns_updates_total{rcode="NOERROR"} 1')
  })

  test('that comes again is answered and not made again, whatever came between', async () => {
    const h = house()
    const packet = ADD()
    const mac = Buffer.from('the same')
    expect(await h.send(packet, KEY, mac)).toBe(RCODE.NOERROR)
    expect(await h.send(updateOf('example.org.', ['delete x.example.org.']))).toBe(RCODE.NOERROR)
    expect(await h.send(packet, KEY, mac)).toBe(RCODE.NOERROR)
    expect(h.commits).toHaveLength(2)
    expect(h.text()).not.toContain('192.0.2.9')
  })

  test('that failed may be tried again', async () => {
    const h = house()
    const packet = ADD()
    const mac = Buffer.from('the same')
    h.state.readOnly = true
    expect(await h.send(packet, KEY, mac)).toBe(RCODE.SERVFAIL)
    expect(h.log.of('update-failed')).toMatchObject([{ why: 'the disk is full', by: 'K' }])
    h.state.readOnly = false
    expect(await h.send(packet, KEY, mac)).toBe(RCODE.NOERROR)
    expect(h.commits).toHaveLength(1)
  })

  test('is answered when it is durable; so is one that finds all done by one that is not yet', async () => {
    const h = house()
    h.state.settles = false
    const answered: string[] = []
    const first = h.send(ADD()).then(() => answered.push('first'))
    const second = h.send(ADD()).then(() => answered.push('second'))
    await until('the commit is under way', () => h.commits.length === 1)
    await new Promise((done) => setTimeout(done, 30))
    expect(answered).toEqual([])
    h.settle()
    await Promise.all([first, second])
    expect(answered).toEqual(['first', 'second'])
    expect(h.commits).toHaveLength(1)
  })

  test('that would break the zone is refused whole, and the log says why', async () => {
    const h = house()
    const lost = updateOf('example.org.', [
      'add x.example.org. 60 A 192.0.2.9',
      'add example.org. 300 NS lost.example.org.',
    ])
    expect(await h.send(lost)).toBe(RCODE.REFUSED)
    expect(h.text()).toBe(ZONE)
    expect(h.log.of('update-refused')[0]?.['why']).toContain('zones/example.org:')
  })
})

describe('who may', () => {
  test('without a signature nobody, but for addresses that the configuration names', async () => {
    expect(await house().send(ADD(), NOBODY)).toBe(RCODE.REFUSED)
    const h = house({ unsigned: '127.0.0.0/8' })
    const packet = ADD()
    expect(await h.send(packet, NOBODY)).toBe(RCODE.NOERROR)
    expect(await h.send(packet, NOBODY)).toBe(RCODE.NOERROR)
    expect(h.commits.map((c) => c.author.name)).toEqual(['127.0.0.1'])
    expect(await house({ unsigned: '127.0.0.2' }).send(ADD(), NOBODY)).toBe(RCODE.REFUSED)
  })

  test('a key only in its zones', async () => {
    const key: Key = { ...KEY, grants: [{ right: 'update', zone: name('example.net.') }] }
    expect(await house().send(ADD(), key)).toBe(RCODE.REFUSED)
    const reader: Key = { ...KEY, grants: [{ right: 'transfer', zone: name('.') }] }
    expect(await house().send(ADD(), reader)).toBe(RCODE.REFUSED)
  })

  test('nobody a zone that is not there, is broken, or was signed elsewhere', async () => {
    const h = house({
      files: {
        'zones/broken.test': 'nonsense\n',
        'zones/signed.test': `${ZONE}@ RRSIG SOA 13 2 300 20300101000000 20200101000000 1 signed.test. AAAA\n`,
      },
    })
    const to = (zone: string) => h.send(updateOf(zone, [`add x.${zone} 60 A 192.0.2.9`]))
    expect(await to('nothere.test.')).toBe(RCODE.NOTAUTH)
    expect(await to('broken.test.')).toBe(RCODE.SERVFAIL)
    expect(await to('signed.test.')).toBe(RCODE.REFUSED)
    expect(h.log.of('update-refused').map((f) => f['why'])).toContain(
      'the zone is signed elsewhere',
    )
  })

  test('make a zone only who may do anything to it', async () => {
    const make = updateOf('new.test.', [
      'add new.test. 60 SOA ns.new.test. h.new.test. 5 2 3 4 60',
      'add new.test. 60 NS ns.example.org.',
    ])
    const h = house()
    const limited: Key = { ...KEY, grants: [{ right: 'update', zone: name('.'), types: [6, 2] }] }
    expect(await h.send(make, limited)).toBe(RCODE.NOTAUTH)
    expect(await h.send(make)).toBe(RCODE.NOERROR)
    const slash = updateOf('0/25.test.', [
      'add 0/25.test. 60 SOA ns.example.org. h.new.test. 5 2 3 4 60',
      'add 0/25.test. 60 NS ns.example.org.',
    ])
    expect(await h.send(slash)).toBe(RCODE.NOERROR)
    const hidden = updateOf('_x.test.', [
      'add _x.test. 60 SOA ns.example.org. h.new.test. 5 2 3 4 60',
      'add _x.test. 60 NS ns.example.org.',
    ])
    expect(await h.send(hidden)).toBe(RCODE.REFUSED)
  })
})

describe('the memory of updates', () => {
  test('forgets after a while, and the oldest when it is full', () => {
    const clock = new VirtualClock()
    const memory = new UpdateMemory<number>()
    memory.keep('a', 1, clock.wallMs())
    clock.advance(KEPT_MS - 1)
    expect(memory.find('a', clock.wallMs())).toBe(1)
    clock.advance(1)
    expect(memory.find('a', clock.wallMs())).toBeUndefined()
    for (let i = 0; i <= ENTRIES_LIMIT; i++) memory.keep(`k${i}`, i, clock.wallMs())
    expect(memory.size).toBe(ENTRIES_LIMIT)
    expect(memory.find('k0', clock.wallMs())).toBeUndefined()
    expect(memory.find('k1', clock.wallMs())).toBe(1)
    memory.forget('k1')
    expect(memory.find('k1', clock.wallMs())).toBeUndefined()
  })
})

describe('a refusal says why, to who sends EDNS (RFC 8914)', () => {
  const withEdns = (packet: Uint8Array) => {
    const decoded = decodeMessage(packet)
    if (!decoded.ok) throw new Error(decoded.error.kind)
    const edns = { udpOctets: 1232, extendedRcode: 0, version: 0, dnssecOk: false, options: [] }
    return encodeMessage({ ...decoded.value, edns })
  }
  const errorsIn = (answer: Uint8Array) => {
    const decoded = decodeMessage(answer)
    if (!decoded.ok) throw new Error(decoded.error.kind)
    const { rcode, edns } = decoded.value
    return { rcode, errors: edns && extendedErrorsOf(edns) }
  }
  const some: Key = {
    ...KEY,
    grants: [{ right: 'update', zone: name('example.org.'), owners: [name('w.example.org.')] }],
  }
  const partial: Key = { ...KEY, grants: [{ right: 'update', zone: name('.'), owners: [] }] }
  const other: Key = { ...KEY, grants: [{ right: 'update', zone: name('other.') }] }

  type Case = [string, Uint8Array, Key | typeof NOBODY, number, number, string]
  const ADD_NX = updateOf('nx.', ['add x.nx. 60 A 192.0.2.9'])
  test.each<Case>([
    ['no signature', ADD(), NOBODY, RCODE.REFUSED, 18, 'updates are signed here (TSIG)'],
    ['another zone', ADD(), other, RCODE.REFUSED, 18, 'no right to this zone'],
    ['another name', ADD(), some, RCODE.REFUSED, 18, 'no right to x.example.org. A'],
    ['no zone', ADD_NX, partial, RCODE.NOTAUTH, 20, 'no such zone'],
  ])('%s', async (_title, packet, key, rcode, code, text) => {
    const h = house()
    expect(errorsIn(await h.answer(withEdns(packet), key))).toEqual({ rcode, errors: [{ code, text }] })
    expect(errorsIn(await h.answer(packet, key))).toEqual({ rcode, errors: undefined })
  }) // prettier-ignore

  test('a zone that would be broken: with its line', async () => {
    const h = house()
    const packet = updateOf('example.org.', ['add x.dname.example.org. 60 A 192.0.2.9', 'add dname.example.org. 60 DNAME y.'])
    const { rcode, errors } = errorsIn(await h.answer(withEdns(packet)))
    expect(rcode).toBe(RCODE.REFUSED)
    expect(errors).toEqual([{ code: 18, text: expect.stringMatching(/^zones\/example\.org:\d+: /) }])
  }) // prettier-ignore

  test('what is done has nothing to explain; words are cut to the room there is', async () => {
    const h = house()
    const packet = withEdns(ADD())
    expect(errorsIn(await h.answer(packet))).toEqual({ rcode: RCODE.NOERROR, errors: [] })
    const whole = await h.answer(packet, other)
    const words = 'no right to this zone'
    const bare = whole.length - words.length - 6
    for (let limit = bare; limit <= whole.length; limit++) {
      const answer = await h.answer(packet, other, undefined, limit)
      const { errors } = errorsIn(answer)
      const room = limit - bare - 6
      expect(errors).toEqual(room < 0 ? [] : [{ code: 18, text: words.slice(0, room) }])
      expect(answer.length).toBe(room < 0 ? bare : limit)
    }
  })
})
