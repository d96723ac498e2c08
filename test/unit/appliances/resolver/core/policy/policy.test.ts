import { describe, expect, test } from 'vitest'
import { lineMatcher } from '../../../../../../appliances/resolver/core/policy/mention-line.ts'
import { Policy } from '../../../../../../appliances/resolver/core/policy/policy.ts'
import { PolicyList } from '../../../../../../appliances/resolver/core/policy/policy-list.ts'
import { PolicyAnswers } from '../../../../../../appliances/resolver/core/policy/policy-answers.ts'
import { RCODE } from '../../../../../../shared/dns/message.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { formatRdata } from '../../../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { name } from '../../../../../support/zones.ts'

const SEED = 0x5eed
const NOW_MS = 1_700_000_000_000
const PLACE = { file: 'ads.txt', line: 1 }

/** Lists by name; one that begins with `allow` is an allow list. */
function policy(lists: { readonly [list: string]: readonly string[] }): Policy {
  return new Policy(
    Object.entries(lists).map(([list, lines]) => {
      const made = new PolicyList(list.startsWith('allow') ? 'allow' : 'block', list, SEED)
      for (const line of lines) expect(made.addLine(line, PLACE)).toBe(true)
      made.trim()
      expect(made.problems).toEqual([])
      return made
    }),
  )
}

function by(made: Policy, text: string): string | undefined {
  const block = made.find(name(text))
  return block && `${block.list} ${formatName(block.name)}`
}

describe('a policy', () => {
  test('a plain name is blocked with all below it, a hosts line alone', () => {
    const made = policy({ plain: ['ads.example.org'], hosts: ['0.0.0.0 one.example.org'] })
    expect(by(made, 'ads.example.org')).toBe('plain ads.example.org.')
    expect(by(made, 'a.b.ads.example.org')).toBe('plain ads.example.org.')
    expect(by(made, 'one.example.org')).toBe('hosts one.example.org.')
    for (const other of [
      'a.one.example.org',
      'example.org',
      'bads.example.org',
      'ads.example',
      '.',
    ])
      expect(by(made, other), other).toBeUndefined()
  })

  test('the nearest name counts, then the list that was read first', () => {
    const made = policy({
      one: ['example.org', 'twice.example'],
      two: ['ads.example.org', 'twice.example'],
    })
    expect(by(made, 'x.ads.example.org')).toBe('two ads.example.org.')
    expect(by(made, 'x.example.org')).toBe('one example.org.')
    expect(by(made, 'twice.example')).toBe('one twice.example.')
  })

  test('an allow list wins, and so does an exception in a block list', () => {
    const made = policy({
      block: ['example.org', 'ads.good.example.org', '@@||fine.example.org^'],
      allow: ['good.example.org', '0.0.0.0 alone.example.org'],
    })
    for (const free of ['good.example.org', 'ads.good.example.org', 'a.fine.example.org'])
      expect(by(made, free), free).toBeUndefined()
    expect(by(made, 'alone.example.org')).toBeUndefined()
    expect(by(made, 'a.alone.example.org')).toBe('block example.org.')
  })

  test('a hosts line counts before a tree of an earlier list', () => {
    const made = policy({ tree: ['one.example'], hosts: ['0.0.0.0 one.example'] })
    expect(by(made, 'one.example')).toBe('hosts one.example.')
    expect(by(made, 'a.one.example')).toBe('tree one.example.')
  })
})

test('every list that mentions a name is named, with the line that does', () => {
  const texts = {
    one: ['# ads.example', '0.0.0.0 b.ads.example', 'ADS.example', '@@||ads.example^'],
    two: ['x.ads.example', '||ads.example^'],
  }
  const made = policy(texts)
  const said = made.mentions(name('a.ads.example')).map((mention) => {
    const lines = texts[mention.list.name as keyof typeof texts]
    const at = lines.findIndex(lineMatcher(mention))
    return `${mention.list.name}:${at + 1} ${mention.isException} ${formatName(mention.name)}`
  })
  expect(said).toEqual([
    'one:4 true ads.example.',
    'one:3 false ads.example.',
    'two:2 false ads.example.',
  ])
  const [exact] = policy({ one: ['0.0.0.0 b.ads.example'] }).mentions(name('b.ads.example'))
  expect(texts.one.findIndex(lineMatcher(exact!))).toBe(1)
  expect(made.mentions(name('other.example'))).toEqual([])
})

describe('a list', () => {
  const list = (limits?: { names: number; problems: number }): PolicyList =>
    new PolicyList('block', 'ads', SEED, limits)

  test('a wrong line is a problem with its place, and they are not counted for ever', () => {
    const made = list({ names: 10, problems: 2 })
    expect(made.addLine('a b', { file: 'ads.txt', line: 7 })).toBe(true)
    expect(made.addLine('<p>', { file: 'ads.txt', line: 9 })).toBe(false)
    expect(made.problems.map(formatProblem)).toEqual([
      'ads.txt:7: Expected one name, or an address before the names: "a"',
      'ads.txt:9: Is no rule or name: "<p>"',
    ])
  })

  test('no more names than the limit', () => {
    const made = list({ names: 2, problems: 20 })
    expect(made.addLine('a.example', PLACE)).toBe(true)
    expect(made.addLine('@@||b.example^', PLACE)).toBe(true)
    expect(made.addLine('a.example', PLACE)).toBe(true)
    expect(made.addLine('c.example', PLACE)).toBe(false)
    expect(made.problems.map(({ message }) => message)).toEqual(['More than 2 names in one list'])
  })

  test('one name has 16 addresses at most', () => {
    const made = list()
    for (let i = 1; i <= 17; i++) made.addLine(`192.0.2.${i} a.example`, PLACE)
    made.addLine('192.0.2.1 a.example', PLACE)
    expect(made.block(name('a.example'))!.addresses).toHaveLength(16)
    expect(made.problems).toHaveLength(1)
  })

  test('a hundred thousand names take 60 octets each at most', () => {
    const made = list()
    for (let i = 0; i < 100_000; i++)
      made.addLine(`0.0.0.0 host${i}.ads-${i % 500}.example.com`, PLACE)
    made.trim()
    expect(made.size).toBe(100_000)
    expect(made.octets).toBeLessThan(60 * 100_000)
    expect(made.block(name('host99999.ads-499.example.com'))).toMatchObject({ at: 0 })
    expect(made.block(name('host99999.ads-498.example.com'))).toBeUndefined()
  })
})

describe('the answer', () => {
  const answers = new PolicyAnswers(
    policy({
      'ads.txt': [
        'ads.example.org',
        'address=/nas.example/192.0.2.9',
        'address=/nas.example/2001:db8::9',
      ],
    }),
  )
  const ask = (text: string, qtype: number) =>
    answers.find({ qname: name(text), qtype, checkingDisabled: false }, NOW_MS)

  test('none for others', () => {
    expect(ask('www.example.org', TYPE.A)).toBeUndefined()
    expect(answers.blocked).toBe(0)
  })

  test('there is no such name, and why', () => {
    const answer = ask('x.ads.example.org', TYPE.MX)!
    expect(answer.rcode).toBe(RCODE.NXDOMAIN)
    expect(answer.extendedErrors).toEqual([{ code: 15, text: 'blocked by ads.txt' }])
    const [soa] = answer.links[0]!.authority
    expect(formatName(soa!.owner)).toBe('ads.example.org.')
    expect(formatRdata(TYPE.SOA, soa!.rdatas[0]!)).toBe('. nobody.invalid. 1 3600 1200 604800 60')
    expect(answers.blocked).toBe(1)
  })

  test.each([
    [TYPE.A, ['192.0.2.9']],
    [TYPE.AAAA, ['2001:db8::9']],
    [TYPE.TXT, []],
  ])('of type %i, where addresses are given', (qtype, expected) => {
    const answer = ask('a.nas.example', qtype)!
    expect(answer.rcode).toBe(RCODE.NOERROR)
    const rdatas = answer.links[0]!.rrsets.flatMap((rrset) => rrset.rdatas)
    expect(rdatas.map((rdata) => formatRdata(qtype, rdata))).toEqual(expected)
    expect(answer.extendedErrors.map(({ code }) => code)).toEqual([15])
  })

  test('nothing is blocked during a pause, and whoever repeats answers is told', () => {
    let changes = 0
    answers.watch(() => changes++)
    answers.pause(NOW_MS + 1)
    expect(ask('ads.example.org', TYPE.A)).toBeUndefined()
    answers.pause(0)
    expect(ask('ads.example.org', TYPE.A)).toBeDefined()
    expect(changes).toBe(2)
  })

  test('another policy holds at once', () => {
    answers.use(policy({}))
    expect(ask('ads.example.org', TYPE.A)).toBeUndefined()
  })
})
