// Our client against our gateway over bad networks, in virtual time: they always come together, and what goes through the
// tunnel comes out as it was, or not at all.
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AuthWrap,
  CryptWrap,
  PLAIN_WRAP,
} from '../../../../appliances/vpn/core/wrap/control-wrap.ts'
import { serverKeyOf, wrapKey } from '../../../../appliances/vpn/core/wrap/wrapped-key.ts'
import type { Decision } from '../../../../appliances/vpn/core/gateway/gateway.ts'
import { Segments } from '../../../../appliances/vpn/core/data/segments.ts'
import {
  ADMITTED,
  VpnSimulation,
  type Air,
  type SimulationOptions,
} from '../../../support/vpn-simulation.ts'

const key = randomBytes(256)
const serverKey = serverKeyOf(randomBytes(128))
const GOOD: Air = { lost: 0, doubled: 0, changed: 0, delayMs: 20 }

type Wraps = Pick<SimulationOptions, 'wrapping' | 'wrap' | 'wrapKey' | 'wrappedKey'>
const shared = (
  wrap: CryptWrap | AuthWrap | typeof PLAIN_WRAP,
  wrapKeyOctets: Uint8Array | undefined,
) => ({
  shared: { wrap, key: wrapKeyOctets },
  serverKey: undefined,
  allowsNoCookie: false,
})
const WRAPS: { readonly [name: string]: Wraps } = {
  'no wrapping': {
    wrapping: shared(PLAIN_WRAP, undefined),
    wrap: PLAIN_WRAP,
    wrapKey: undefined,
    wrappedKey: undefined,
  },
  'tls-auth': {
    wrapping: shared(new AuthWrap(key, 0, 'SHA256'), key),
    wrap: new AuthWrap(key, 1, 'SHA256'),
    wrapKey: key,
    wrappedKey: undefined,
  },
  'tls-crypt': {
    wrapping: shared(new CryptWrap(key, 'server'), key),
    wrap: new CryptWrap(key, 'client'),
    wrapKey: key,
    wrappedKey: undefined,
  },
  'tls-crypt-v2': {
    wrapping: { shared: undefined, serverKey, allowsNoCookie: false },
    wrap: new CryptWrap(key, 'client'),
    wrapKey: key,
    wrappedKey: wrapKey(serverKey, key, Uint8Array.of(0)),
  },
}

/** An IPv4 packet of the client to the gateway, or back; `n` tells it apart. */
function packetOf(n: number, isUp: boolean): Uint8Array {
  const packet = new Uint8Array(40)
  packet.set([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17])
  packet.set(isUp ? [10, 8, 0, 2, 10, 8, 0, 1] : [10, 8, 0, 1, 10, 8, 0, 2], 12)
  new DataView(packet.buffer).setUint32(36, n)
  return packet
}

describe.each(Object.entries(WRAPS))('%s', (name, wraps) => {
  test('comes up, carries packets both ways, and renegotiates without losing one', () => {
    const simulation = new VpnSimulation({
      ...wraps,
      seed: 1,
      air: GOOD,
      ciphers: ['AES-256-GCM'],
      renegotiateMs: 5_000,
    })
    simulation.run(2_000, () => simulation.pushed !== undefined)
    expect(simulation.pushed).toMatchObject({ peerId: 0, usesEpochs: true, mtu: 1500 })
    // Over several PUSH_REPLY messages.
    expect(simulation.pushed!.routes).toHaveLength(60)
    for (let n = 0; n < 400; n++) {
      simulation.client.fromTunnel(whole(packetOf(n, true)), simulation.nowMs)
      simulation.gateway.fromTunnel(whole(packetOf(n, false)), simulation.nowMs)
      simulation.run(50)
    }
    simulation.run(100)
    expect(simulation.keysMade).toBeGreaterThanOrEqual(3)
    expect([simulation.atGateway.length, simulation.atClient.length]).toEqual([400, 400])
    expect([...simulation.drops.keys()]).toEqual([])
    expect(simulation.ended).toBeUndefined()
  })

  test('comes up over a bad network, and lets nothing through that was changed or came before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0 }), (seed) => {
        // Without wrapping a changed handshake is TLS's to notice; the one played here does not.
        const changed = name === 'no wrapping' ? 0 : 5
        const air = { lost: 20, doubled: 10, changed, delayMs: 200 }
        const simulation = new VpnSimulation({
          ...wraps,
          seed,
          air,
          ciphers: ['CHACHA20-POLY1305'],
          renegotiateMs: 20_000,
        })
        simulation.run(
          59_000,
          () => simulation.pushed !== undefined || simulation.ended !== undefined,
        )
        expect(simulation.ended).toBeUndefined()
        expect(simulation.pushed).toBeDefined()
        for (let n = 0; n < 200; n++) {
          simulation.client.fromTunnel(whole(packetOf(n, true)), simulation.nowMs)
          simulation.run(250)
        }
        const seen = simulation.atGateway.map((packet) =>
          new DataView(packet.buffer, packet.byteOffset).getUint32(36),
        )
        expect(new Set(seen).size).toBe(seen.length)
        expect(seen.length).toBeGreaterThan(100)
        for (const [i, packet] of simulation.atGateway.entries())
          expect(Buffer.compare(packet, packetOf(seen[i]!, true))).toBe(0)
        expect(simulation.ended).toBeUndefined()
      }),
      { numRuns: 6 },
    )
  })
})

test('a packet with the address of another is not let into the tunnel', () => {
  const simulation = new VpnSimulation({
    ...WRAPS['tls-crypt']!,
    seed: 3,
    air: GOOD,
    ciphers: ['AES-128-GCM'],
    renegotiateMs: 1e9,
  })
  simulation.run(2_000, () => simulation.pushed !== undefined)
  const forged = packetOf(1, true)
  forged[15] = 77
  simulation.client.fromTunnel(whole(forged), simulation.nowMs)
  simulation.run(100)
  expect(simulation.atGateway).toEqual([])
  expect(simulation.drops.get('foreign-source')).toBe(1)
})

describe('a question before a client comes in', () => {
  const asked: string[] = []
  const asking = (code: string | undefined, waitMs = 120_000): VpnSimulation => {
    asked.length = 0
    const answered = (answer: string): Decision => {
      asked.push(answer)
      return answer === '123456' ? ADMITTED : { kind: 'refuse', reason: '' }
    }
    return new VpnSimulation({
      ...WRAPS['tls-crypt']!,
      seed: 5,
      air: { ...GOOD, lost: 10 },
      ciphers: ['AES-128-GCM'],
      renegotiateMs: 1e9,
      asks: {
        decision: { kind: 'ask', question: 'Code', waitMs, answered },
        code: code === undefined ? undefined : () => code,
      },
    })
  }

  test('is answered once, and rightly or not at all', () => {
    const right = asking('123456')
    right.run(30_000, () => right.pushed !== undefined)
    expect(right.pushed).toBeDefined()
    expect(right.atGateway).toEqual([])
    const wrong = asking('654321')
    wrong.run(30_000, () => wrong.ended !== undefined)
    expect(wrong.ended?.reason).toBe('the gateway refused the name or the password')
    expect([wrong.pushed, asked]).toEqual([undefined, ['654321']])
  })

  test('lets nothing through before, and ends when no answer comes, later than a handshake would', () => {
    const simulation = asking(undefined)
    simulation.run(100_000)
    expect([...simulation.gateway.clients()].map(({ data }) => data)).toEqual([undefined])
    simulation.client.fromTunnel(whole(packetOf(1, true)), simulation.nowMs)
    simulation.run(30_000, () => simulation.ended !== undefined)
    expect(simulation.ended?.reason).toBe('the gateway refused: no answer came')
    expect([simulation.atGateway, simulation.pushed, asked]).toEqual([[], undefined, []])
    simulation.run(10_000)
    expect([...simulation.gateway.clients()]).toEqual([])
  })
})

test('a network that is gone for good ends the connection, at both ends', () => {
  const simulation = new VpnSimulation({
    ...WRAPS['tls-crypt']!,
    seed: 4,
    air: GOOD,
    ciphers: ['AES-128-GCM'],
    renegotiateMs: 1e9,
  })
  simulation.run(2_000, () => simulation.pushed !== undefined)
  simulation.cut()
  simulation.run(130_000)
  expect(simulation.ended).toEqual({ reason: 'nothing came from the gateway', isFinal: false })
  expect([...simulation.gateway.clients()]).toEqual([])
})

function whole(packet: Uint8Array): Segments {
  const segments = new Segments()
  segments.takeWhole(packet)
  return segments
}
