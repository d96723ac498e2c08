import { expect, test } from 'vitest'
import { rootHints } from '../../../../../../appliances/resolver/core/iterate/root-hints.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { parseAddress } from '../../../../../../shared/net/address.ts'

test('thirteen servers with an address of each family', () => {
  const { servers } = rootHints()
  expect(servers.map(({ name }) => formatName(name))).toEqual(
    'abcdefghijklm'.split('').map((letter) => `${letter}.root-servers.net.`),
  )
  for (const { upstreams } of servers)
    expect(upstreams.map(({ address }) => parseAddress(address)?.length)).toEqual([4, 16])
})
