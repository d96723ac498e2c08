import { describe, expect, test } from 'vitest'
import { FLAG, RCODE } from '../../../../../shared/dns/message.ts'
import {
  canned,
  decoded,
  rewrite,
  ScriptedInternet,
  shown,
} from '../../../../support/scripted-internet.ts'

const SOA = '@ SOA ns host 1 2 3 4 60\n'

/** A root, `org.`, and `example.org.` on one server each. */
function smallInternet(options: ConstructorParameters<typeof ScriptedInternet>[0] = {}) {
  const internet = new ScriptedInternet(options)
  internet.serve(
    '192.0.2.1',
    '.',
    `. SOA root. host. 1 2 3 4 60\n. NS root.test.\nroot.test. A 192.0.2.1\n
org. NS ns.org.\nns.org. A 192.0.2.2\nnet. NS ns.net.\nns.net. A 192.0.2.4\n`,
  )
  internet.serve(
    '192.0.2.2',
    'org.',
    `${SOA}@ NS ns\nns A 192.0.2.2\nexample NS ns.example\nns.example A 192.0.2.3\n
far NS ns.far.net.\n`,
  )
  internet.serve(
    '192.0.2.3',
    'example.org.',
    `${SOA}@ NS ns\nns A 192.0.2.3\nwww A 198.51.100.1\nalias CNAME www\nloop1 CNAME loop2\nloop2 CNAME loop1
out CNAME www.far.org.\na.b.c.d A 198.51.100.9\nsub DNAME www.far.org.\n`,
  )
  internet.serve('192.0.2.4', 'net.', `${SOA}@ NS ns\nns A 192.0.2.4\nns.far A 192.0.2.5\n`)
  internet.serve(
    '192.0.2.5',
    'far.org.',
    `${SOA}@ NS ns.far.net.\nwww A 198.51.100.2\nx.www A 198.51.100.3\n`,
  )
  return internet
}

describe('iteration', () => {
  test('goes down from the root, and shows each server one label more', () => {
    const internet = smallInternet()
    const answer = internet.ask('www.example.org. A')
    expect(shown(answer)).toEqual(['www.example.org. A 198.51.100.1'])
    expect(answer.rcode).toBe(RCODE.NOERROR)
    expect(internet.asked()).toEqual([
      '192.0.2.1 org. A',
      '192.0.2.2 example.org. A',
      '192.0.2.3 www.example.org. A',
    ])
  })

  test('starts at the nearest cut it knows', () => {
    const internet = smallInternet()
    internet.ask('www.example.org. A')
    internet.seen.length = 0
    internet.ask('ns.example.org. A')
    expect(internet.asked()).toEqual(['192.0.2.3 ns.example.org. A'])
  })

  test('looks up the address of a server whose name lies elsewhere', () => {
    const internet = smallInternet()
    expect(shown(internet.ask('www.far.org. A'))).toEqual(['www.far.org. A 198.51.100.2'])
    expect(internet.asked()).toContain('192.0.2.4 ns.far.net. A')
  })

  test('follows aliases across zones', () => {
    const internet = smallInternet()
    expect(shown(internet.ask('out.example.org. A'))).toEqual([
      'out.example.org. CNAME www.far.org.',
      'www.far.org. A 198.51.100.2',
    ])
  })

  test('takes an alias and its target from one response where the zone holds both', () => {
    const internet = smallInternet()
    internet.ask('alias.example.org. A')
    expect(internet.asked().filter((line) => line.startsWith('192.0.2.3'))).toEqual([
      '192.0.2.3 alias.example.org. A',
    ])
  })

  test('makes the CNAME of a DNAME', () => {
    const internet = smallInternet()
    expect(shown(internet.ask('x.sub.example.org. A'))).toEqual([
      'sub.example.org. DNAME www.far.org.',
      'x.sub.example.org. CNAME x.www.far.org.',
      'x.www.far.org. A 198.51.100.3',
    ])
  })

  test('gives up on aliases that lead back', () => {
    expect(smallInternet().ask('loop1.example.org. A')).toMatchObject({
      rcode: RCODE.SERVFAIL,
      links: [],
    })
  })

  test('says that a name does not exist, and asks nothing for names below it', () => {
    const internet = smallInternet()
    expect(internet.ask('no.example.org. A').rcode).toBe(RCODE.NXDOMAIN)
    internet.seen.length = 0
    expect(internet.ask('below.no.example.org. AAAA').rcode).toBe(RCODE.NXDOMAIN)
    expect(internet.seen).toEqual([])
  })

  test('NODATA comes with the SOA', () => {
    const answer = smallInternet().ask('www.example.org. TXT')
    expect(answer.rcode).toBe(RCODE.NOERROR)
    expect(answer.links).toMatchObject([{ kind: 'nodata', ttlSeconds: 60 }])
  })

  test('goes through names that hold nothing', () => {
    const internet = smallInternet()
    expect(shown(internet.ask('a.b.c.d.example.org. A'))).toEqual([
      'a.b.c.d.example.org. A 198.51.100.9',
    ])
  })

  test('the same question of two clients is asked once', () => {
    const internet = smallInternet()
    const tickets = [internet.begin('www.example.org. A'), internet.begin('www.example.org. A')]
    const [first, second] = tickets.map((ticket) => internet.answerOf(ticket))
    expect(first).toEqual(second)
    expect(internet.asked()).toHaveLength(3)
  })

  test('asks the root who its servers are', () => {
    const internet = smallInternet()
    internet.ask('www.example.org. A')
    internet.settle()
    expect(internet.seen.filter(({ question }) => question === '. NS')).toHaveLength(1)
    expect(internet.resolver.cuts.closest('\0' as never, 2, internet.nowMs, true).kind).toBe(
      'referral',
    )
  })
})

describe('servers that fail', () => {
  test('that say nothing: the question ends, and is not asked again at once', () => {
    const internet = smallInternet()
    internet.servers.delete('192.0.2.3')
    const answer = internet.ask('www.example.org. A')
    expect(answer.rcode).toBe(RCODE.SERVFAIL)
    expect(answer.extendedErrors[0]?.code).toBe(22)
    internet.settle()
    internet.seen.length = 0
    expect(internet.ask('www.example.org. A').rcode).toBe(RCODE.SERVFAIL)
    expect(internet.asked()).toEqual([])
  })

  test('that refuse are lame for the zone', () => {
    const internet = smallInternet()
    internet.servers.set('192.0.2.3', canned({ rcode: RCODE.REFUSED, flags: 0 }))
    expect(internet.ask('www.example.org. A').rcode).toBe(RCODE.SERVFAIL)
    expect(internet.asked().filter((line) => line.startsWith('192.0.2.3 '))).toHaveLength(1)
  })

  test('that delegate upwards are lame', () => {
    const internet = smallInternet()
    internet.servers.set('192.0.2.3', canned({ authority: 'org. NS ns.org.', flags: 0 }))
    expect(internet.ask('www.example.org. A').rcode).toBe(RCODE.SERVFAIL)
  })

  test('that truncate are asked over TCP', () => {
    const internet = smallInternet()
    const script = internet.servers.get('192.0.2.3')!
    internet.servers.set('192.0.2.3', (packet, transport) =>
      transport === 'udp'
        ? canned({ flags: FLAG.AA | FLAG.TC })(packet, transport)
        : script(packet, transport),
    )
    expect(shown(internet.ask('www.example.org. A'))).toEqual(['www.example.org. A 198.51.100.1'])
    expect(internet.seen.at(-1)).toMatchObject({ transport: 'tcp', to: '192.0.2.3' })
  })

  test('that know no EDNS are asked without, and that is remembered', () => {
    const internet = smallInternet()
    const script = internet.servers.get('192.0.2.3')!
    internet.servers.set('192.0.2.3', (packet, transport) =>
      decoded(packet).edns === undefined
        ? script(packet, transport)
        : rewrite(canned({ rcode: RCODE.FORMERR }), (message) => message)(packet, transport),
    )
    expect(shown(internet.ask('www.example.org. A'))).toHaveLength(1)
    internet.seen.length = 0
    expect(shown(internet.ask('ns.example.org. A'))).toHaveLength(1)
    expect(internet.seen).toHaveLength(1)
  })
})
