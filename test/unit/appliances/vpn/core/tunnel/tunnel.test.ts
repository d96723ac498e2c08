import { describe, expect, test } from 'vitest'
import {
  AddressPool,
  formatLease,
} from '../../../../../../appliances/vpn/core/tunnel/address-pool.ts'
import { ClientRoutes } from '../../../../../../appliances/vpn/core/tunnel/client-routes.ts'
import { echoReply } from '../../../../../../appliances/vpn/core/tunnel/echo-host.ts'
import {
  clampSegmentSize,
  isIpPacket,
  isMulticast,
} from '../../../../../../appliances/vpn/core/tunnel/ip-packet.ts'
import { Traffic } from '../../../../../../appliances/vpn/core/data/traffic.ts'
import { Keepalive } from '../../../../../../appliances/vpn/core/tunnel/ping.ts'
import { maskOf, prefixOfMask } from '../../../../../../appliances/vpn/core/tunnel/netmask.ts'
import { parseAddress } from '../../../../../../shared/net/address.ts'
import { formatPrefix, parsePrefix } from '../../../../../../shared/net/prefix.ts'

const address = (text: string): Uint8Array => parseAddress(text)!
const network = (text: string) => parsePrefix(text)!
/** Of no more than a header. */
function packet(from: string, to: string): Uint8Array {
  const [source, destination] = [address(from), address(to)]
  const isIpv4 = source.length === 4
  const header = new Uint8Array(isIpv4 ? 20 : 40)
  header[0] = isIpv4 ? 0x45 : 0x60
  header.set(source, isIpv4 ? 12 : 8)
  header.set(destination, isIpv4 ? 16 : 24)
  return header
}

describe('the pool', () => {
  test('gives the hosts that stock OpenVPN gives, with the same offset for IPv6', () => {
    const pool = new AddressPool(network('10.8.0.0/24'), network('fd00:8::/64'))
    expect(formatLease(pool.gateway)).toBe('10.8.0.1 fd00:8::1')
    expect(formatLease(pool.take('a')!)).toBe('10.8.0.2 fd00:8::1000')
    expect(formatLease(pool.take('b')!)).toBe('10.8.0.3 fd00:8::1001')
  })

  test('gives a client what it had, and to others only when nothing else is left', () => {
    const pool = new AddressPool(network('10.8.0.0/29'), undefined)
    const taken = ['a', 'b', 'c', 'd', 'e'].map((owner) => pool.take(owner)!)
    expect(taken.map(formatLease)).toEqual([2, 3, 4, 5, 6].map((n) => `10.8.0.${n}`))
    expect(pool.take('f')).toBeUndefined()
    pool.release(taken[1]!)
    pool.release(taken[3]!)
    expect(formatLease(pool.take('d')!)).toBe('10.8.0.5')
    expect(formatLease(pool.take('f')!)).toBe('10.8.0.3')
    expect(pool.take('b')).toBeUndefined()
  })

  test('leaves out what is given by hand', () => {
    const pool = new AddressPool(network('10.8.0.0/24'), undefined)
    pool.reserve(address('10.8.0.2'))
    pool.reserve(address('192.0.2.1'))
    expect(formatLease(pool.take('a')!)).toBe('10.8.0.3')
  })
})

test('addresses belong to the longest match, and to nobody once their owner is gone', () => {
  const routes = new ClientRoutes<string>()
  expect(routes.addHost(address('10.8.0.2'), 'a')).toBe(true)
  expect(routes.addHost(address('10.8.0.2'), 'b')).toBe(false)
  routes.addNetwork(network('192.168.0.0/16'), 'a')
  routes.addNetwork(network('192.168.5.0/24'), 'b')
  expect(
    ['10.8.0.2', '192.168.4.1', '192.168.5.1', '10.8.0.3'].map((text) =>
      routes.receiverOf(packet('10.8.0.9', text)),
    ),
  ).toEqual(['a', 'a', 'b', undefined])
  expect(routes.senderOf(packet('192.168.5.1', '10.8.0.2'))).toBe('b')
  expect(routes.addHost(address('fd00:8::1000'), 'c')).toBe(true)
  routes.addNetwork(network('fd00:9::/64'), 'c')
  expect(routes.senderOf(packet('fd00:8::1000', 'fd00:9::1'))).toBe('c')
  expect(routes.receiverOf(packet('fd00:8::1000', 'fd00:9::1'))).toBe('c')
  expect(routes.receiverOf(packet('fd00:9::1', 'fd00:8::1001'))).toBeUndefined()
  expect(isMulticast(packet('10.8.0.2', '224.0.0.1'))).toBe(true)
  expect(isMulticast(packet('10.8.0.2', '223.0.0.1'))).toBe(false)
  expect(isMulticast(packet('fd00:9::1', 'ff02::1'))).toBe(true)
  expect(isMulticast(packet('fd00:9::1', 'fd00:8::1'))).toBe(false)
  routes.remove('b')
  expect(routes.receiverOf(packet('10.8.0.9', '192.168.5.1'))).toBe('a')
})

describe('packets', () => {
  /** RFC 1071 over a whole range; 0 when the checksum in it is right. */
  const sum = (octets: Uint8Array, start = 0): number => {
    let total = start
    for (let i = 0; i < octets.length; i += 2) total += (octets[i]! << 8) | (octets[i + 1] ?? 0)
    while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
    return ~total & 0xffff
  }
  const pseudo = (packet: Uint8Array, at: number, protocol: number): number => {
    const isV4 = packet[0]! >>> 4 === 4
    const addresses = packet.subarray(isV4 ? 12 : 8, isV4 ? 20 : 40)
    return (~sum(addresses) & 0xffff) + protocol + packet.length - at
  }

  test.each([
    ['4', 20, 6],
    ['6', 40, 6],
  ])('a SYN of IPv%s is clamped, and its checksum stays right', (version, at, protocol) => {
    const packet = new Uint8Array(at + 28)
    packet[0] = version === '4' ? 0x45 : 0x60
    packet[version === '4' ? 9 : 6] = protocol
    packet.set([10, 8, 0, 2, 10, 8, 0, 1], version === '4' ? 12 : 20)
    packet.set([0x70, 2], at + 12)
    // No-operations first, so that the size stands at an odd offset.
    packet.set([1, 2, 4, 0x05, 0xb4, 1, 1, 0], at + 20)
    packet[at + 12] = 0x70
    const checksum = sum(packet.subarray(at), pseudo(packet, at, protocol))
    packet.set([checksum >>> 8, checksum & 0xff], at + 16)
    expect(sum(packet.subarray(at), pseudo(packet, at, protocol))).toBe(0)
    clampSegmentSize(packet, 1300, 1280)
    expect((packet[at + 23]! << 8) | packet[at + 24]!).toBe(version === '4' ? 1300 : 1280)
    expect(sum(packet.subarray(at), pseudo(packet, at, protocol))).toBe(0)
    const again = new Uint8Array(packet)
    clampSegmentSize(packet, 1400, 1400)
    expect(packet).toEqual(again)
  })

  test('options that lie about their length do not lead out of the packet', () => {
    for (const option of [[2, 0], [2, 200], [3, 1], [2]]) {
      const packet = new Uint8Array(20 + 24)
      packet.set([0x45, 0, 0, 44, 0, 0, 0, 0, 64, 6])
      packet.set([0x60, 2], 32)
      packet.set(option, 40)
      const before = new Uint8Array(packet)
      clampSegmentSize(packet, 500, 500)
      expect(packet).toEqual(before)
    }
    expect(isIpPacket(new Uint8Array(0))).toBe(false)
    expect(isIpPacket(Uint8Array.of(0x45, 0))).toBe(false)
    expect(isIpPacket(new Uint8Array(39).fill(0x60))).toBe(false)
    expect(isIpPacket(new Uint8Array(40).fill(0x60))).toBe(true)
    expect(isIpPacket(new Uint8Array(40).fill(0x50))).toBe(false)
  })

  test('a ping is answered to its sender, with checksums that are right', () => {
    const four = new Uint8Array(28)
    four.set([
      0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1, 0, 0, 10, 8, 0, 2, 10, 8, 0, 1, 8, 0, 0, 0, 1, 2, 0, 1,
    ])
    const four16 = sum(four.subarray(20))
    four.set([four16 >>> 8, four16 & 0xff], 22)
    const reply = echoReply(Buffer.from(four))!
    expect([...reply.subarray(12, 21)]).toEqual([10, 8, 0, 1, 10, 8, 0, 2, 0])
    expect(sum(reply.subarray(20))).toBe(0)
    const six = new Uint8Array(48)
    six.set([0x60, 0, 0, 0, 0, 8, 58, 64])
    six.set([1], 23)
    six.set([2], 39)
    six.set([128, 0, 0, 0, 1, 2, 0, 1], 40)
    const checksum = sum(six.subarray(40), pseudo(six, 40, 58))
    six.set([checksum >>> 8, checksum & 0xff], 42)
    const reply6 = echoReply(Buffer.from(six))!
    expect([reply6[23], reply6[39], reply6[40]]).toEqual([2, 1, 129])
    expect(sum(reply6.subarray(40), pseudo(reply6, 40, 58))).toBe(0)
    expect(echoReply(Buffer.from(reply))).toBeUndefined()
  })
})

test('masks and prefixes', () => {
  expect([0, 8, 20, 24, 32].map(maskOf)).toEqual([
    '0.0.0.0',
    '255.0.0.0',
    '255.255.240.0',
    '255.255.255.0',
    '255.255.255.255',
  ])
  expect(formatPrefix(prefixOfMask('192.168.5.0', '255.255.255.0')!)).toBe('192.168.5.0/24')
  expect(prefixOfMask('192.168.5.1', '255.255.255.0')).toBeUndefined()
  expect(prefixOfMask('192.168.5.0', '255.0.255.0')).toBeUndefined()
})

test('keepalives are sent when nothing else was, and missed after a while', () => {
  const traffic = new Traffic({ nowMs: 0 })
  const keepalive = new Keepalive(10, 60, traffic)
  expect([9, 10].map((now) => keepalive.isPingDue(now))).toEqual([false, true])
  traffic.left(100, 10)
  expect(keepalive.isPingDue(19)).toBe(false)
  traffic.came(100, 50)
  expect([109, 110].map((now) => keepalive.isLost(now))).toEqual([false, true])
})
