import { expect, test } from 'vitest'
import { encodeQuery } from '../../../../../../appliances/resolver/core/iterate/query-packet.ts'
import { EDNS_OPTION } from '../../../../../../shared/dns/edns.ts'
import { decodeMessage } from '../../../../../../shared/dns/message.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { name } from '../../../../../support/zones.ts'

const QUERY = {
  id: 7,
  qtype: TYPE.A,
  recursionDesired: true,
  checkingDisabled: true,
  hasEdns: true,
  cookie: new Uint8Array(0),
}

test.each(['.', 'example.org', `${'a'.repeat(60)}.example.org`, `${'x.'.repeat(120)}example`])(
  'a query for %s over TLS or HTTPS has 128 octets or twice or thrice as many',
  (text) => {
    const padded = encodeQuery({ ...QUERY, qname: name(text), isPadded: true })
    expect(padded.length % 128).toBe(0)
    const decoded = decodeMessage(padded)
    const options = decoded.ok ? decoded.value.edns?.options : undefined
    expect(options?.map(({ code }) => code)).toEqual([EDNS_OPTION.PADDING])
    expect(options![0]!.data.every((octet) => octet === 0)).toBe(true)
    const plain = encodeQuery({ ...QUERY, qname: name(text), isPadded: false })
    expect(plain.length).toBeLessThan(padded.length)
    expect(padded.length - plain.length).toBeLessThan(128 + 4)
  },
)
