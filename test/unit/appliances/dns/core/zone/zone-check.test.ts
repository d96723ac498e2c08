import { describe, expect, test } from 'vitest'
import { buildZone, updateZone } from '../../../../../../appliances/dns/core/zone/zone-build.ts'
import { checkZone, PROBLEM_LIMIT } from '../../../../../../appliances/dns/core/zone/zone-check.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { name, zoneOf, zoneText } from '../../../../../support/zones.ts'

const HEAD = '$TTL 300\n@ SOA ns h 1 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n'
const FIRST = 5

function check(text: string, origin = 'example.org.'): string[] {
  const change = buildZone(name(origin), zoneText(origin, text))
  return checkZone(change).map(formatProblem)
}

function checkEdit(before: string, after: string): string[] {
  const old = zoneOf('example.org.', filler + before)
  const text = zoneText('example.org.', filler + after, old.text)
  return checkZone(updateZone(old, text)).map((p) => p.message)
}

/** Enough that an edit is not the whole zone. */
const filler = HEAD + Array.from({ length: 300 }, (_, i) => `f${i} A 192.0.2.7\n`).join('')

test('a good zone has no problems', () => {
  expect(check(`${HEAD}www A 192.0.2.1\n_x._tcp SRV 0 0 1 www\n@ MX 0 .\n*.w CNAME www\n`)).toEqual(
    [],
  )
})

describe('errors', () => {
  test.each([
    ['w CNAME ns\nw A 192.0.2.1\n', `${FIRST}: CNAME and other data at w.example.org. (A)`],
    ['w CNAME ns\nw CNAME www\n', `${FIRST + 1}: More than one CNAME at w.example.org.`],
    ['@ SOA ns h 2 7200 3600 1209600 60\n', `${FIRST}: Two SOA records at example.org.`],
    [
      'w SOA ns h 2 7200 3600 1209600 60\n',
      `${FIRST}: SOA record below the apex, at w.example.org.`,
    ],
    ['@ NS nx\n', `${FIRST}: NS of example.org. points to nx.example.org., which has no address`],
    [
      '@ NS al\nal CNAME ns\n',
      `${FIRST}: NS of example.org. points to al.example.org., which is an alias`,
    ],
    [
      '@ NS 192.0.2.1\n',
      `${FIRST}: NS of example.org. points to 192.0.2.1.example.org., which has no address: a name is wanted, not an address`,
    ],
    [
      '@ NS 192.0.2.1.\n',
      `${FIRST}: NS of example.org. points to 192.0.2.1., an address and not the name of a host`,
    ],
    ['*.s NS ns\n', `${FIRST}: NS at the wildcard *.s.example.org.`],
    [
      'd DNAME x.test.\na.d A 192.0.2.1\n',
      `${FIRST}: DNAME at d.example.org., but there are names below it`,
    ],
    ['d DNAME x.test.\nd DNAME y.test.\n', `${FIRST + 1}: More than one DNAME at d.example.org.`],
    ['d DNAME x.test.\nd NS ns\n', `${FIRST}: DNAME and NS at d.example.org.`],
    [
      'n NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s A\n',
      `${FIRST}: NSEC3 at n.example.org., which is no hash in this zone`,
    ],
  ])('%j', (text, problem) => {
    expect(check(HEAD + text)).toContain(`zones/example.org:${problem}`)
  })

  test('a signed zone that cannot prove what is not there', () => {
    const signature = '13 2 300 20300101000000 20200101000000 1 @ AAAA'
    const signed = `${HEAD}@ DNSKEY 257 3 13 AAAA\n@ RRSIG DNSKEY ${signature}\n`
    const problem = `zones/example.org:${FIRST}: warning: The zone is signed, but has neither NSEC`
    expect(check(signed).join()).toContain(problem)
    expect(check(`${signed}@ NSEC @ SOA NSEC\n`).join()).not.toContain('The zone is signed')
    expect(check(HEAD).join()).not.toContain('The zone is signed')
  })

  test('no SOA, no NS, nothing at all', () => {
    expect(check('$TTL 1\n@ NS ns\nns A 192.0.2.1\n')).toEqual([
      'zones/example.org: No SOA record at example.org.',
    ])
    expect(check('$TTL 1\n@ SOA ns h 1 7200 3600 1209600 60\n')).toEqual([
      'zones/example.org: No NS record at example.org.',
    ])
    expect(check('; nothing\n')).toEqual(['zones/example.org: No SOA record at example.org.'])
  })
})

describe('warnings', () => {
  test.each([
    [
      'w 60 A 192.0.2.1\nw 30 A 192.0.2.2\n',
      `${FIRST + 1}: warning: The A records of w.example.org. have different TTLs; the lowest, 30, is used`,
    ],
    [
      'w A 192.0.2.1\nw A 192.0.2.1\n',
      `${FIRST + 1}: warning: One of the A records of w.example.org. is there twice`,
    ],
    [
      'w.example.net. A 192.0.2.1\n',
      `${FIRST}: warning: w.example.net. is not in the zone example.org. and is left out`,
    ],
    [
      'w.example.org A 192.0.2.1\n',
      `${FIRST}: warning: w.example.org.example.org. has the zone's name twice: is a final dot missing?`,
    ],
    [
      's NS ns\ns TXT "hidden"\n',
      `${FIRST + 1}: warning: TXT of s.example.org. is hidden by the delegation of s.example.org.`,
    ],
    [
      's NS ns\na.s MX 1 ns\n',
      `${FIRST + 1}: warning: MX of a.s.example.org. is hidden by the delegation of s.example.org.`,
    ],
    ['_w A 192.0.2.1\n', `${FIRST}: warning: _w.example.org. is not a host name, but has A`],
    [
      '*.d DNAME ns\n',
      `${FIRST}: warning: DNAME at the wildcard *.d.example.org. means nothing certain`,
    ],
    [
      's NS ns.s\n',
      `${FIRST}: warning: NS of s.example.org. points to ns.s.example.org. inside the delegated zone, but there is no glue address for it`,
    ],
    [
      's NS nx\n',
      `${FIRST}: warning: NS of s.example.org. points to nx.example.org., which has no address`,
    ],
    [
      '@ MX 5 nx\n',
      `${FIRST}: warning: MX of example.org. points to nx.example.org., which has no address`,
    ],
    [
      '@ MX 5 192.0.2.1.\n',
      `${FIRST}: warning: MX of example.org. points to 192.0.2.1., an address and not the name of a host`,
    ],
    [
      'x SRV 0 0 1 nx\n',
      `${FIRST}: warning: SRV of x.example.org. points to nx.example.org., which has no address`,
    ],
    [
      '@ MX 5 mx.example.org\n',
      `${FIRST}: warning: MX of example.org. points to mx.example.org.example.org., which has no address: is a final dot missing?`,
    ],
    [
      '@ MX 5 al\nal CNAME ns\n',
      `${FIRST}: warning: MX of example.org. points to al.example.org., which is an alias`,
    ],
  ])('%j', (text, problem) => {
    const problems = check(HEAD + text)
    expect(problems).toContain(`zones/example.org:${problem}`)
    expect(problems.every((p) => p.includes('warning'))).toBe(true)
  })

  test('records that no message could carry', () => {
    const long = Array.from({ length: 300 }, (_, i) => `t TXT "${i}${'x'.repeat(200)}"\n`).join('')
    expect(check(HEAD + long)).toEqual([])
    expect(check(HEAD + long + long.replaceAll('xx', 'yy'))).toEqual([
      `zones/example.org:${FIRST}: warning: The TXT records of t.example.org. do not fit into a message and cannot be answered`,
    ])
  })

  test('SOA timers that lose the zone', () => {
    expect(check(HEAD.replace('1209600', '600'))).toEqual([
      'zones/example.org:2: warning: SOA expire 600 is less than refresh 7200 + retry 3600: secondaries may give up',
    ])
  })

  test('targets that need no address here, or find one', () => {
    const fine = `@ NS ns.elsewhere.test.
s NS ns.elsewhere.test.
@ MX 1 mx.s
@ MX 2 mx.wild
*.wild A 192.0.2.1
x SRV 0 0 0 .
o NS ns.o
ns.o AAAA 2001:db8::1
`
    expect(check(HEAD + fine)).toEqual([])
  })
})

describe('after an edit', () => {
  test('problems that were there before are not told again', () => {
    const old = '_w A 192.0.2.1\n'
    expect(checkEdit(old, `${old}x A 192.0.2.1\n`)).toEqual([])
  })

  test.each([
    [
      'an address that others point to went',
      'm A 192.0.2.1\n@ MX 1 m\n',
      '@ MX 1 m\n',
      'has no address',
    ],
    ['a host became an alias', 'm A 192.0.2.1\ns NS m\n', 'm CNAME ns\ns NS m\n', 'is an alias'],
    [
      'a wildcard that gave the address went',
      '*.w A 192.0.2.1\n@ MX 1 m.w\n',
      '@ MX 1 m.w\n',
      'has no address',
    ],
    [
      'a new name keeps a wildcard away',
      '*.w A 192.0.2.1\n@ MX 1 m.n.w\n',
      '*.w A 192.0.2.1\n@ MX 1 m.n.w\nx.n.w A 192.0.2.1\n',
      'has no address',
    ],
    ['glue went', 's NS n.s\nn.s A 192.0.2.1\n', 's NS n.s\n', 'no glue address'],
    [
      'a new delegation hides names',
      'a.s TXT "x"\n',
      'a.s TXT "x"\ns NS ns\n',
      'is hidden by the delegation of s.example.org.',
    ],
    [
      'a new DNAME has names below it',
      'a.s TXT "x"\n',
      'a.s TXT "x"\ns DNAME x.test.\n',
      'there are names below it',
    ],
    [
      'a new name is below a DNAME',
      's DNAME x.test.\n',
      's DNAME x.test.\na.s TXT "x"\n',
      'a.s.example.org. is below the DNAME at s.example.org.',
    ],
    [
      'a DNAME replaced the address of a target',
      'm.s A 192.0.2.1\n@ MX 1 m.s\n',
      's DNAME x.test.\n@ MX 1 m.s\n',
      'is an alias',
    ],
    [
      'CNAME beside old data',
      'w A 192.0.2.1\n',
      'w A 192.0.2.1\nw CNAME ns\n',
      'CNAME and other data',
    ],
  ])('%s', (_title, before, after, message) => {
    const problems = checkEdit(before, after)
    expect(problems.join('\n')).toContain(message)
  })

  test('lines are those of the new text, though what moved was not read again', () => {
    const body = `${filler}m A 192.0.2.1\n@ MX 1 m\n`
    const old = zoneOf('example.org.', body)
    const moved = `; one\n; two\n${body.replace('\nm A 192.0.2.1', '')}`
    const change = updateZone(old, zoneText('example.org.', moved, old.text))
    const line = moved.split('\n').indexOf('@ MX 1 m') + 1
    expect(checkZone(change)).toMatchObject([{ severity: 'warning', line }])
  })
})

test('a hopeless file is not answered with a line for each line', () => {
  const bad = Array.from(
    { length: 500 },
    (_, i) => `w${i} A 192.0.2.1\nw${i} CNAME ns\n_u${i} A 192.0.2.1\n`,
  )
  const problems = check(HEAD + bad.join(''))
  expect(problems).toHaveLength(PROBLEM_LIMIT + 1)
  expect(problems.slice(0, PROBLEM_LIMIT).every((p) => p.includes('CNAME and other data'))).toBe(
    true,
  )
  expect(problems.at(-1)).toBe('zones/example.org: and 900 more problems')
})
