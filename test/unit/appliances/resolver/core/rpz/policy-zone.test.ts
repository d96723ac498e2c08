import { describe, expect, test } from 'vitest'
import { atOnce } from '../../../../../../appliances/resolver/core/policy/steps.ts'
import {
  PolicyZone,
  ZONE_ORIGIN,
} from '../../../../../../appliances/resolver/core/rpz/policy-zone.ts'
import { parseAddress } from '../../../../../../shared/net/address.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { name } from '../../../../../support/zones.ts'

const SOA = '@ 60 SOA ns.invalid. nobody.invalid. 1 3600 600 86400 60\n'

function zone(text: string): PolicyZone {
  const file = 'policy/rpz/test'
  return atOnce(
    PolicyZone.read({
      name: 'test',
      file,
      text: Buffer.from(text),
      origin: ZONE_ORIGIN,
      seed: 7,
    }),
  )
}

function rules(...lines: readonly string[]): PolicyZone {
  const made = zone(`$TTL 60\n${SOA}${lines.join('\n')}\n`)
  expect(made.problems).toEqual([])
  return made
}

describe('names', () => {
  const made = rules(
    'a.example CNAME .',
    '*.a.example CNAME *.',
    'b.c.a.example CNAME rpz-passthru.',
    'data.example A 192.0.2.1',
    'data.example A 192.0.2.2',
    'data.example TXT "x"',
    'twice.example CNAME rpz-drop.',
    'twice.example CNAME .',
    'self.example CNAME self.example.',
    'walled.example CNAME *.garden.example.',
  )
  const kind = (text: string): string | undefined => made.ofName('qname', name(text))?.kind

  test('are found as a name server finds records', () => {
    expect(kind('a.example')).toBe('nxdomain')
    expect(kind('x.y.a.example')).toBe('nodata')
    expect(kind('b.c.a.example')).toBe('passthru')
    // It is there, though nothing is said of it; and so is what is below it hidden from the wildcard.
    expect(kind('c.a.example')).toBeUndefined()
    expect(kind('x.c.a.example')).toBeUndefined()
    expect(kind('xa.example')).toBeUndefined()
    expect(kind('example')).toBeUndefined()
    expect(kind('.')).toBeUndefined()
  })

  test('with data have all of it; of two actions the first counts', () => {
    const data = made.ofName('qname', name('data.example'))
    expect(data?.kind === 'data' && data.sets.map(({ rdatas }) => rdatas.length)).toEqual([2, 1])
    expect(kind('twice.example')).toBe('drop')
    expect(kind('self.example')).toBe('passthru')
    expect(made.ofName('qname', name('walled.example'))).toMatchObject({
      kind: 'alias',
      isWildcard: true,
      target: name('garden.example'),
    })
  })

  test('of the root are meant by a wildcard alone', () => {
    const all = rules('* CNAME .', 'ours.example CNAME rpz-passthru.')
    expect(all.ofName('qname', name('any.org'))?.kind).toBe('nxdomain')
    expect(all.ofName('qname', name('ours.example'))?.kind).toBe('passthru')
    expect(all.ofName('qname', name('.'))).toBeUndefined()
  })
})

test('addresses: the longest prefix, of each kind by itself', () => {
  const made = rules(
    '8.0.0.0.10.rpz-ip CNAME .',
    '32.1.2.0.10.rpz-ip CNAME *.',
    '32.zz.db8.2001.rpz-ip CNAME rpz-drop.',
    '128.1.zz.db8.2001.rpz-ip CNAME rpz-passthru.',
    '24.0.2.0.192.rpz-client-ip CNAME rpz-tcp-only.',
    '0.zz.rpz-nsip CNAME .',
  )
  const of = (kind: 'ip' | 'client' | 'nsip', text: string): string | undefined =>
    made.ofAddress(kind, parseAddress(text)!)?.kind
  expect(of('ip', '10.9.9.9')).toBe('nxdomain')
  expect(of('ip', '10.0.2.1')).toBe('nodata')
  expect(of('ip', '11.0.2.1')).toBeUndefined()
  expect(of('ip', '2001:db8::2')).toBe('drop')
  expect(of('ip', '2001:db8::1')).toBe('passthru')
  expect(of('client', '192.0.2.200')).toBe('tcp-only')
  expect(of('client', '10.9.9.9')).toBeUndefined()
  expect(of('nsip', '2001:db8::1')).toBe('nxdomain')
  expect(of('nsip', '10.9.9.9')).toBeUndefined()
  expect(made.hasClients && made.hasServers).toBe(true)
})

test('names of servers are rules of their own', () => {
  const made = rules('ns.bad.example.rpz-nsdname CNAME .')
  expect(made.ofName('nsdname', name('ns.bad.example'))?.kind).toBe('nxdomain')
  expect(made.ofName('qname', name('ns.bad.example'))).toBeUndefined()
  expect(made.hasClients).toBe(false)
})

test('what is wrong is told with its place', () => {
  const problems = (text: string): readonly string[] => zone(text).problems.map(formatProblem)
  expect(problems('$TTL 60\nbad.example CNAME .\n')).toEqual([
    'policy/rpz/test:2: A policy zone begins with its SOA record',
  ])
  expect(problems('; nothing\n')).toEqual([
    'policy/rpz/test: A policy zone begins with its SOA record',
  ])
  expect(
    problems(
      `$TTL 60\n${SOA}a.example CNAME rpz-paasthru.\n\n24.1.2.0.192.rpz-ip CNAME .\nx.rpz-foo CNAME .\nb.example. A 192.0.2.1\nrpz-nsdname CNAME .\nc.example A 1.2.3\n`,
    ),
  ).toEqual([
    'policy/rpz/test:3: Is no action: rpz-paasthru.',
    'policy/rpz/test:5: Is no prefix: 24.1.2.0.192 (its length, then the address from its end)',
    'policy/rpz/test:6: Is no trigger: rpz-foo',
    'policy/rpz/test:7: Is not below rpz.invalid.',
    'policy/rpz/test:8: Expected a name before rpz-nsdname',
    expect.stringMatching(/^policy\/rpz\/test:9: /),
  ])
})
