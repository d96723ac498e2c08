import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gatewayTable } from '../../../../../../appliances/vpn/core/filter/gateway-table.ts'
import {
  askTables,
  removeTable,
  replaceTable,
  tablesIn,
} from '../../../../../../appliances/vpn/core/filter/nft-messages.ts'
import { formatTable } from '../../../../../../appliances/vpn/core/filter/nft-table.ts'
import { parsePrefix } from '../../../../../../shared/net/prefix.ts'

const NETWORKS = {
  device: 'tun0',
  ipv4: parsePrefix('10.8.0.0/21')!,
  ipv6: parsePrefix('fd00:8::/64')!,
  clientToClient: false,
}

describe('rules of a gateway', () => {
  test('keep clients apart that the gateway keeps apart, and masquerade each family', () => {
    const text = formatTable(gatewayTable(NETWORKS))
    expect(text).toContain('iifname "tun0" oifname "tun0" drop')
    expect(text).toContain('ip saddr 10.8.0.0/21 oifname != "tun0" masquerade')
    expect(text).toContain('ip6 saddr fd00:8::/64 oifname != "tun0" masquerade')
    expect(formatTable(gatewayTable({ ...NETWORKS, clientToClient: true }))).not.toContain('drop')
  })
})

describe('messages of netlink', () => {
  test('a change is one batch: its marks around the table, its chains, its rules', () => {
    // NFNL_MSG_BATCH_BEGIN, tables made, deleted and made again, chains before their rules, NFNL_MSG_BATCH_END.
    const types = typesOf(replaceTable(gatewayTable(NETWORKS)))
    const table = [0xa00, 0xa02, 0xa00]
    expect(types).toEqual([0x10, ...table, 0xa03, 0xa06, 0xa03, 0xa06, 0xa06, 0x11])
    expect(typesOf(removeTable('t'))).toEqual([0x10, 0xa02, 0x11])
    expect(typesOf(askTables())).toEqual([0xa01])
  })

  test('a note is read back as it was put', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9=: ]{1,100}$/), (note) => {
        const messages = split(replaceTable(gatewayTable(NETWORKS, note)))
        // Made, deleted and made again, with the note the last time.
        const [first, second] = tablesIn(messages)
        expect(first).toEqual({ name: 'cairn-vpn-tun0', note: undefined })
        expect(second).toEqual({ name: 'cairn-vpn-tun0', note })
      }),
    )
  })

  test('whatever the answer is, no note is made of what is none', () => {
    const told = split(replaceTable(gatewayTable(NETWORKS, 'x'.repeat(60)))).find(
      (each) => tablesIn([each])[0]?.note !== undefined,
    )!
    fc.assert(
      fc.property(fc.nat(told.length - 1), fc.nat(255), (at, octet) => {
        const changed = told.slice()
        changed[at] = octet
        for (const answer of [changed, changed.subarray(0, at)]) {
          for (const { name, note = '' } of tablesIn([answer]))
            expect([name.length <= told.length, note.length <= 60]).toEqual([true, true])
        }
      }),
    )
  })
})

function split(octets: Uint8Array): readonly Uint8Array[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const messages: Uint8Array[] = []
  for (let at = 0; at < octets.length; at += view.getUint32(at, true))
    messages.push(octets.slice(at, at + view.getUint32(at, true)))
  return messages
}

function typesOf(octets: Uint8Array): readonly number[] {
  return split(octets).map((each) => each[4]! | (each[5]! << 8))
}
