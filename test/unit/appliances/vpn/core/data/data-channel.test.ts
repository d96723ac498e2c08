import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nodeAead } from '../../../../../../appliances/vpn/core/data/aead.ts'
import { DATA_CIPHERS, isAead } from '../../../../../../appliances/vpn/core/data/data-cipher.ts'
import { DataChannel } from '../../../../../../appliances/vpn/core/data/data-channel.ts'
import {
  dataKeysOf,
  prf,
  prfMaterial,
} from '../../../../../../appliances/vpn/core/data/key-material.ts'
import {
  REPLAY_WINDOW,
  ReplayWindow,
} from '../../../../../../appliances/vpn/core/data/replay-window.ts'
import {
  sealedPackets,
  type DataFormat,
} from '../../../../../../appliances/vpn/core/data/sealed-packets.ts'
import { randomSource } from '../../../../../../appliances/vpn/core/control/key-method.ts'

const payload = Buffer.from(
  '4500 0014 0000 0000 4001 0000 0a080002 0a080001'.replaceAll(' ', ''),
  'hex',
)

function ends(format: DataFormat, peerId: number | undefined) {
  const material = randomBytes(256)
  const channel = (role: 'server' | 'client') => {
    const made = new DataChannel(peerId)
    const sealed = sealedPackets(format, dataKeysOf(material, role), randomBytes, nodeAead)
    made.add(0, sealed, 0, 0, 1000)
    return made
  }
  return { client: channel('client'), server: channel('server') }
}

const FORMATS = DATA_CIPHERS.flatMap((cipher) => {
  const format = { cipher, digest: 'SHA256', usesEpochs: false } as const
  const short = [7, undefined].map((id) => [cipher, id, '32-bit ids', format] as const)
  if (!isAead(cipher)) return short
  return [...short, [cipher, 7, 'epochs', { ...format, usesEpochs: true }] as const]
})

describe.each(FORMATS)('%s, peer id %s, %s', (cipher, peerId, _, format) => {
  test('opens at the other end, once', () => {
    const { client, server } = ends(format, peerId)
    const packet = client.seal(payload, 0)!
    expect(Buffer.from(server.open(packet, 0) as Uint8Array).equals(payload)).toBe(true)
    expect(server.open(packet, 0)).toBe('replayed')
    const back = server.seal(payload, 0)!
    expect(Buffer.from(client.open(back, 0) as Uint8Array).equals(payload)).toBe(true)
  })

  test('not when any octet was changed, nor cut short, nor reflected', () => {
    const { client, server } = ends(format, peerId)
    const packet = client.seal(payload, 0)!
    // CBC does not cover the header, whose peer id is no secret.
    const from = cipher.endsWith('CBC') && peerId !== undefined ? 4 : 1
    for (let i = from; i < packet.length; i++) {
      const changed = new Uint8Array(packet)
      changed[i]! ^= 1
      expect(['forged', 'malformed', 'replayed'], `octet ${i}`).toContain(server.open(changed, 0))
    }
    for (let length = 1; length < packet.length; length++)
      expect(['forged', 'malformed', 'replayed']).toContain(
        server.open(packet.subarray(0, length), 0),
      )
    expect(client.open(packet, 0)).toBe('forged')
  })
})

test('a new key is sent with after its delay, and the old one opens until it is retired', () => {
  const materials = [randomBytes(256), randomBytes(256)]
  const make = (role: 'server' | 'client', n: number) =>
    sealedPackets(FORMATS[0]![3], dataKeysOf(materials[n]!, role), randomBytes, nodeAead)
  const server = new DataChannel(1)
  const client = new DataChannel(1)
  server.add(0, make('server', 0), 0, 0, 1000)
  client.add(0, make('client', 0), 0, 0, 1000)
  server.add(1, make('server', 1), 100, 600, 1000)
  const keyIdOf = (packet: Uint8Array | undefined): number => packet![0]! & 7
  expect([200, 599, 600].map((now) => keyIdOf(server.seal(payload, now)))).toEqual([0, 0, 1])
  const old = client.seal(payload, 700)!
  expect(typeof server.open(old, 700)).toBe('object')
  expect(server.open(client.seal(payload, 1101)!, 1101)).toBe('no-key')
  client.add(1, make('client', 1), 1101, 1101, 1000)
  expect(typeof server.open(client.seal(payload, 1102)!, 1102)).toBe('object')
})

test('a new key is sent with as soon as a packet shows that the other side has it', () => {
  const materials = [randomBytes(256), randomBytes(256)]
  const end = (role: 'server' | 'client', delayMs: number): DataChannel => {
    const channel = new DataChannel(1)
    for (const [n, material] of materials.entries()) {
      const keys = dataKeysOf(material, role)
      const sealed = sealedPackets(FORMATS[0]![3], keys, randomBytes, nodeAead)
      channel.add(n, sealed, 0, n * delayMs, 1e6)
    }
    return channel
  }
  const [client, server] = [end('client', 60_000), end('server', 0)]
  const keyId = (): number => client.seal(payload, 10)![0]! & 7
  expect(keyId()).toBe(0)
  const forged = server.seal(payload, 10)!
  forged[forged.length - 1]! ^= 1
  expect(client.open(forged, 10)).toBe('forged')
  expect(keyId()).toBe(0)
  expect(typeof client.open(server.seal(payload, 10)!, 10)).toBe('object')
  expect(keyId()).toBe(1)
})

test('the replay window says what a set of all ids would, within its width', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20_000 }), { maxLength: 300 }), (ids) => {
      const window = new ReplayWindow()
      const seen = new Set<number>()
      let highest = 0
      for (const id of ids) {
        const expected = !seen.has(id) && highest - id < REPLAY_WINDOW
        expect(window.isNew(id)).toBe(expected)
        if (!expected) continue
        window.mark(id)
        seen.add(id)
        highest = Math.max(highest, id)
      }
    }),
    { numRuns: 300 },
  )
  expect(new ReplayWindow().isNew(0)).toBe(false)
  // Of 32 bits, and of an epoch's 48; what is far behind comes not again round the ring.
  for (const id of [0xffff_ffff, 2 ** 48 - 1]) {
    const last = new ReplayWindow()
    last.mark(id - 8000)
    last.mark(id)
    expect([id, id - 1, id - 8000, id - 4095].map((each) => last.isNew(each))).toEqual([
      false,
      true,
      false,
      true,
    ])
  }
})

test('the PRF gives both ends the same octets, and other ones for other session ids', () => {
  const [client, server] = [randomSource(true, randomBytes), randomSource(false, randomBytes)]
  const [a, b] = [randomBytes(8), randomBytes(8)]
  expect(prfMaterial(client, server, a, b)).toHaveLength(256)
  expect(prfMaterial(client, server, a, b)).toEqual(prfMaterial(client, server, a, b))
  expect(prfMaterial(client, server, a, b)).not.toEqual(prfMaterial(client, server, b, a))
  // A longer answer begins with a shorter one.
  const secret = randomBytes(48)
  expect(prf(secret, [a], 20)).toEqual(prf(secret, [a], 100).subarray(0, 20))
})
