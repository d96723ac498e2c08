// Epoch data keys: the octets that OpenVPN 2.7 is tested with, and how the two ends move on from epoch to epoch.
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeAead } from '../../../../../../appliances/vpn/core/data/aead.ts'
import {
  EpochPackets,
  type EpochLimits,
} from '../../../../../../appliances/vpn/core/data/epoch-packets.ts'
import { expandLabel } from '../../../../../../appliances/vpn/core/data/epoch-secret.ts'
import { dataKeysOf } from '../../../../../../appliances/vpn/core/data/key-material.ts'
import { openSealing } from '../../../../../../appliances/vpn/sealing.ts'

const HEAD = Uint8Array.of(9 << 3, 0, 0, 7)
const hex = (octets: Uint8Array): string => Buffer.from(octets).toString('hex')
const { openAead: evpAead } = await openSealing()

function seal(by: EpochPackets, payload: Uint8Array, head = HEAD): Uint8Array {
  const packet = Buffer.alloc(by.overhead + payload.length)
  packet.set(head)
  packet.set(payload, by.payloadAt(HEAD.length))
  return packet.subarray(0, by.seal(packet, HEAD.length, payload.length))
}

const open = (by: EpochPackets, packet: Uint8Array): string => {
  const opened = by.open(Buffer.from(packet), HEAD.length)
  return typeof opened === 'string' ? opened : Buffer.from(opened).toString()
}

const epochOf = (packet: Uint8Array): number => Buffer.from(packet).readUInt16BE(4)

const NONE: EpochLimits = { use: Infinity, forged: Infinity, counter: 2 ** 48 - 1 }

function ends(limits: Partial<EpochLimits> = {}, ofServer: Partial<EpochLimits> = {}) {
  const material = randomBytes(256)
  const end = (role: 'client' | 'server', own: Partial<EpochLimits>): EpochPackets =>
    new EpochPackets('AES-256-GCM', dataKeysOf(material, role), nodeAead, { ...NONE, ...own })
  return { client: end('client', limits), server: end('server', ofServer) }
}

describe('the octets of OpenVPN 2.7', () => {
  test('of its label expansion', () => {
    const secret = Buffer.from(
      '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
      'hex',
    )
    expect(hex(expandLabel(secret, 'unit test', 16))).toBe('185eaa1c7f228ab8eb29773214d92046')
    expect(hex(expandLabel(secret, 'unit test', 27))).toBe(
      '875a8eec18556380b8d933ed323c2df8e8eccf4972e683f06a83ac',
    )
  })

  test.each([
    ['node:crypto', nodeAead],
    ['OpenSSL', evpAead],
  ])('of a packet in epoch 4, sealed by %s', (_, openAead) => {
    const text = 'abcdefgh01234567ABCDEFGHjkuchenl'
    const cipher = Uint8Array.from({ length: 64 }, (_, i) => text.charCodeAt(i % 32) ^ i)
    const direction = { cipher, hmac: new Uint8Array(64) }
    const limits = { ...NONE, counter: 1 }
    const keys = { send: direction, receive: direction }
    const sender = new EpochPackets('AES-256-GCM', keys, openAead, limits)
    const clear = 'The quick little fox jumps over the bureaucratic hurdles'
    const head = Uint8Array.of(7, 0, 0, 23)
    // A packet an epoch: the fourth is the one.
    const packets = [1, 2, 3, 4].map(() => hex(seal(sender, Buffer.from(clear), head)))
    const packet = packets[3]!
    expect(packet.slice(8, 24)).toBe('0004000000000001')
    expect(packet.slice(36, 48)).toBe('36aab4d49ce6')
    expect(packet.slice(-32)).toBe('0ffff5913d39d75b18573b5748589a7d')
    const receiver = new EpochPackets('AES-256-GCM', keys, openAead, NONE)
    expect(open(receiver, Buffer.from(packet, 'hex'))).toBe(clear)
  })
})

test('a key that sealed its share is followed by the next, and the other end follows', () => {
  // Of a packet of one block each.
  const { client, server } = ends({ use: 5 })
  const epochs: number[] = []
  for (let n = 0; n < 9; n++) {
    const packet = seal(client, Buffer.from(`up ${n}`))
    epochs.push(epochOf(packet))
    expect(open(server, packet)).toBe(`up ${n}`)
  }
  expect(epochs).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3])
  const back = seal(server, Buffer.from('back'))
  expect(epochOf(back)).toBe(3)
  expect(open(client, back)).toBe('back')
  expect(client.isWorn).toBe(false)
})

test('an end whose peer uses a key up asks for the next by taking it', () => {
  const { client, server } = ends({}, { use: 5 })
  for (let n = 0; n < 3; n++) expect(open(server, seal(client, Buffer.from('up')))).toBe('up')
  const asking = seal(server, Buffer.from('down'))
  expect(epochOf(asking)).toBe(2)
  expect(open(client, asking)).toBe('down')
  expect(epochOf(seal(client, Buffer.from('up')))).toBe(2)
})

test('packets of the epoch before, of this one and of those to come are taken, each once', () => {
  const { client, server } = ends({ counter: 1 })
  const packets = Array.from({ length: 40 }, (_, n) => seal(client, Buffer.from(`${n + 1}`)))
  const say = (epoch: number): string => open(server, packets[epoch - 1]!)
  // Further ahead than what can have been lost, no key is made for.
  expect(say(18)).toBe('forged')
  expect(say(17)).toBe('17')
  expect([17, 1].map(say)).toEqual(['replayed', '1'])
  expect([33, 17, 1, 32].map(say)).toEqual(['33', 'replayed', 'forged', 'forged'])
  expect(epochOf(seal(server, Buffer.from('x')))).toBe(33)
})

test('what is forged moves nothing, and at half of what a key may see of it another is taken', () => {
  const { client, server } = ends({}, { forged: 4 })
  const forged = seal(client, Buffer.from('x'))
  forged[forged.length - 1]! ^= 1
  for (const epoch of [1, 9, 1, 1]) {
    forged[5] = epoch
    expect(open(server, forged)).toBe('forged')
  }
  expect(epochOf(seal(server, Buffer.from('x')))).toBe(2)
  forged[5] = 1
  expect(open(server, forged)).toBe('forged')
  // The limit is there: not even what is genuine.
  expect(open(server, seal(client, Buffer.from('late')))).toBe('forged')
})

test('the last epochs ask for another key id, and the last of all ends it', () => {
  const keys = dataKeysOf(randomBytes(256), 'client')
  // Of 65,535 keys none seals anything here.
  const idle = { nonce: new Uint8Array(12), seal: () => {}, open: () => false }
  const limits = { ...NONE, counter: 1 }
  const client = new EpochPackets('AES-256-GCM', keys, () => idle, limits)
  let epoch = 0
  while (!client.isWorn) epoch = epochOf(seal(client, Buffer.from('x')))
  expect(epoch).toBe(0xf000)
  while (!client.isSpent) epoch = epochOf(seal(client, Buffer.from('x')))
  expect(epoch).toBe(0xffff)
})

test('whatever comes is opened as it was sealed, or refused', () => {
  const { client, server } = ends({ use: 50 })
  const sealed: Uint8Array[] = []
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(), fc.nat(), (payload, at, bit) => {
      const packet = seal(client, payload)
      const changed = Buffer.from(packet)
      changed[at % changed.length]! ^= 1 << (bit % 8)
      expect(['forged', 'replayed']).toContain(open(server, changed))
      expect(['malformed', 'forged', 'replayed']).toContain(
        open(server, packet.subarray(0, at % packet.length)),
      )
      const opened = server.open(Buffer.from(packet), HEAD.length)
      expect(opened).toEqual(Buffer.from(payload))
      sealed.push(packet)
      expect(['forged', 'replayed']).toContain(open(server, sealed[at % sealed.length]!))
    }),
    { numRuns: 300 },
  )
  expect(epochOf(sealed.at(-1)!)).toBeGreaterThan(3)
})
