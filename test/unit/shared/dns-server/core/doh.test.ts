import { describe, expect, test } from 'vitest'
import { freshnessSeconds, readDohRequest } from '../../../../../shared/dns-server/core/doh.ts'
import type { Nameserver } from '../../../../../appliances/dns/core/answer/nameserver.ts'
import { clientOf, queryOf, serverOf, zoneOf } from '../../../../support/zones.ts'

const get = (target: string) =>
  readDohRequest('/dns-query', { method: 'GET', target, contentType: '' })
const post = (contentType: string, target = '/dns-query') =>
  readDohRequest('/dns-query', { method: 'POST', target, contentType })

describe('a request', () => {
  test('by GET has its message in the one parameter dns', () => {
    expect(get('/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB')).toEqual({
      kind: 'message',
      message: Buffer.from('AAABAAABAAAAAAAAA3d3dwdleGFtcGxlA2NvbQAAAQAB', 'base64url'),
    })
    expect(get('/dns-query?ct=x&dns=AAAA')).toMatchObject({ kind: 'message' })
  })

  test('by POST has it in the body', () => {
    expect(post('application/dns-message')).toEqual({ kind: 'body' })
    expect(post('Application/DNS-Message; charset=x', '/dns-query?x')).toEqual({ kind: 'body' })
  })

  test.each([
    ['/', 404],
    ['/dns-query/', 404],
    ['//dns-query?dns=AAAA', 404],
    ['/x/../dns-query?dns=AAAA', 404],
    ['/dns%2dquery?dns=AAAA', 404],
    ['/DNS-QUERY?dns=AAAA', 404],
    ['http://other/dns-query?dns=AAAA', 404],
    ['/dns-query', 400],
    ['/dns-query?dns=', 400],
    ['/dns-query?dns=AA==', 400],
    ['/dns-query?dns=AA+A', 400],
    ['/dns-query?dns=AAAAA', 400],
    ['/dns-query?dns=AAAA&dns=AAAA', 400],
    [`/dns-query?dns=${'A'.repeat(8193)}`, 414],
  ])('GET %s is %d', (target, status) => {
    expect(get(target)).toMatchObject({ kind: 'refused', status })
  })

  test('of another type or method is refused', () => {
    expect(post('application/x-www-form-urlencoded')).toMatchObject({ status: 415 })
    expect(post('')).toMatchObject({ status: 415 })
    for (const method of ['HEAD', 'PUT', 'OPTIONS'])
      expect(
        readDohRequest('/dns-query', { method, target: '/dns-query', contentType: '' }),
      ).toMatchObject({ status: 405 })
  })
})

describe('freshness', () => {
  const server = serverOf(
    zoneOf(
      'example.org.',
      `@ 3600 SOA ns h 1 2 3 4 60\n@ 3600 NS ns\nns 7200 A 192.0.2.1\nwww 120 CNAME ns\n${'x'
        .repeat(20)
        .split('')
        .map((_, i) => `many 300 TXT "${i} ${'y'.repeat(100)}"`)
        .join('\n')}\n`,
    ),
  )
  const seconds = (from: Nameserver, question: string) => {
    const out = new Uint8Array(1232)
    return freshnessSeconds(
      out.slice(0, from.handle(queryOf(question, { edns: 1232 }), clientOf('udp'), out)),
    )
  }

  test.each([
    ['ns.example.org. A', 7200],
    ['www.example.org. A', 120],
    ['nx.example.org. A', 60],
    ['ns.example.org. MX', 60],
    // Truncated, and not ours.
    ['many.example.org. TXT', 0],
    ['example.net. A', 0],
  ])('%s: %d', (question, expected) => {
    expect(seconds(server, question)).toBe(expected)
  })
})
