// The packet work of a gateway with its clients dealt out to threads, here all in one: what each does itself, and what it leaves.
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { nodeAead } from '../../../../../../appliances/vpn/core/data/aead.ts'
import { sealedPackets } from '../../../../../../appliances/vpn/core/data/sealed-packets.ts'
import { DataChannel } from '../../../../../../appliances/vpn/core/data/data-channel.ts'
import { dataKeysOf } from '../../../../../../appliances/vpn/core/data/key-material.ts'
import { Segments } from '../../../../../../appliances/vpn/core/data/segments.ts'
import { Traffic } from '../../../../../../appliances/vpn/core/data/traffic.ts'
import type { Remote } from '../../../../../../appliances/vpn/core/gateway/remote.ts'
import {
  DataPlane,
  MAIN,
  type PeerNews,
} from '../../../../../../appliances/vpn/core/plane/data-plane.ts'
import { OCC_EXIT, OCC_MAGIC, PING } from '../../../../../../appliances/vpn/core/tunnel/ping.ts'
import { parsePrefix } from '../../../../../../shared/net/prefix.ts'

const SETTINGS = {
  mtu: 1500,
  digest: 'SHA256',
  handWindowMs: 60_000,
  renegotiateMs: 3_600_000,
  clientToClient: true,
} as const

const FORMAT = { cipher: 'AES-128-GCM', usesEpochs: false, digest: 'SHA256' } as const

type Client = {
  readonly news: PeerNews<Remote>
  readonly seal: DataChannel
  readonly got: string[]
}

/** A thread's plane; `said` is what it did with packets that it did not seal for a client. */
function thread(self: number, settings: { readonly clientToClient: boolean } = SETTINGS) {
  const said: string[] = []
  let takesElsewhere = true
  let takesMoved = true
  const plane = new DataPlane(
    self,
    { ...SETTINGS, ...settings },
    {
      toTunnel: (packet) => void said.push(`tunnel ${packet.at(-1)}`),
      openAead: nodeAead,
      random: randomBytes,
      dropped: (reason) => void said.push(`dropped ${reason}`),
      elsewhere: (owner, remote, packet) => {
        if (takesElsewhere) said.push(`elsewhere ${owner} ${remote.name} ${packet.length > 0}`)
        return takesElsewhere
      },
      handOver: (owner, segments) => {
        said.push(`hand-over ${owner} ${segments.packet.at(-1)}`)
        return owner !== 9
      },
      moved: (id, remote) => {
        said.push(`moved ${id} ${remote.name}`)
        return takesMoved
      },
      left: (id) => void said.push(`left ${id}`),
    },
  )
  return {
    plane,
    said,
    take: (): readonly string[] => said.splice(0),
    refuseElsewhere: () => void (takesElsewhere = false),
    refuseMoved: () => void (takesMoved = false),
  }
}

function remoteAt(name: string, got: string[]): Remote {
  return {
    name,
    octets: Uint8Array.of(192, 0, 2, 1),
    isStream: false,
    room: (octets) => new Uint8Array(octets),
    send: (packet) => void got.push(Buffer.from(packet).toString('hex')),
  }
}

/** Client `id` has 10.8.0.id, and 10.id.0.0/16 behind it. */
function client(id: number, owner: number, planes: readonly DataPlane[]): Client {
  const got: string[] = []
  const news: PeerNews<Remote> = {
    id,
    owner,
    where: remoteAt(`udp client ${id}`, got),
    takesPeerId: true,
    ...FORMAT,
    addresses: [Uint8Array.of(10, 8, 0, id)],
    networks: [parsePrefix(`10.${id}.0.0/16`)!],
    traffic: new Traffic({ nowMs: 0 }).memory,
  }
  const material = randomBytes(256)
  for (const plane of planes) {
    plane.hear({ kind: 'peer', peer: news }, 0)
    plane.hear({ kind: 'keys', id, keyId: 0, material, atMs: 0 }, 0)
  }
  const seal = new DataChannel(id)
  const keys = dataKeysOf(material, 'client')
  seal.add(0, sealedPackets(FORMAT, keys, randomBytes, nodeAead), 0, 0, 1000)
  return { news, seal, got }
}

/** Its last octet tells it apart. */
function ip(from: readonly number[], to: readonly number[], mark: number): Uint8Array {
  return Uint8Array.of(0x45, 0, 0, 21, 0, 0, 0, 0, 64, 1, 0, 0, ...from, ...to, mark)
}

const host = (id: number): readonly number[] => [10, 8, 0, id]
const gateway = [10, 8, 0, 1]

function whole(packet: Uint8Array): Segments {
  const segments = new Segments()
  segments.takeWhole(packet)
  return segments
}

/** What the client makes of the last packet it was sent. */
function lastOpened({ seal, got }: Client): number | undefined {
  const opened = seal.open(Uint8Array.from(Buffer.from(got.at(-1)!, 'hex')), 1)
  return typeof opened === 'string' ? undefined : opened.at(-1)
}

describe('a thread that has the client', () => {
  test('opens what comes and seals what goes, once each, and counts it for all', () => {
    const { plane, take } = thread(1)
    const own = client(2, 1, [plane])
    const packet = own.seal.seal(ip(host(2), gateway, 7), 1)!
    plane.receive(own.news.where, new Uint8Array(packet), 1000)
    plane.receive(own.news.where, new Uint8Array(packet), 1001)
    expect(take()).toEqual(['tunnel 7', 'dropped replayed'])
    plane.fromTunnel(whole(ip(gateway, host(2), 8)), 1002)
    plane.fromTunnel(whole(ip(gateway, [10, 2, 9, 9], 9)), 1003)
    expect(own.got).toHaveLength(2)
    expect(lastOpened(own)).toBe(9)
    const seen = new Traffic(own.news.traffic)
    expect([seen.packetsIn, seen.packetsOut, seen.receivedMs, seen.sentMs]).toEqual([
      1, 2, 1000, 1003,
    ])
    expect([seen.octetsIn, seen.octetsOut]).toEqual([packet.length, 2 * packet.length])
    expect(seen.isWorn).toBe(false)
  })

  test('refuses a source that is not its own, and addresses that are nobody’s', () => {
    const { plane, take } = thread(1)
    const own = client(2, 1, [plane])
    const receive = (packet: Uint8Array): void =>
      plane.receive(own.news.where, new Uint8Array(own.seal.seal(packet, 1)!), 1)
    receive(ip(host(3), gateway, 1))
    receive(ip(host(2), host(2), 1))
    receive(Uint8Array.of(1, 2, 3))
    plane.fromTunnel(whole(ip(gateway, host(9), 1)), 1)
    plane.fromTunnel(whole(Uint8Array.of(1)), 1)
    const forged = own.seal.seal(ip(host(2), gateway, 1), 1)!
    forged[20]! ^= 1
    plane.receive(own.news.where, forged, 1)
    expect(take()).toEqual([
      'dropped foreign-source',
      'dropped unroutable',
      'dropped malformed',
      'dropped unroutable',
      'dropped unroutable',
      'dropped forged',
    ])
  })

  test('says when it is seen elsewhere, sends there, and back when told so', () => {
    const { plane, take, refuseMoved } = thread(1)
    const own = client(2, 1, [plane])
    const got: string[] = []
    const there = remoteAt('udp elsewhere', got)
    const receive = (): void =>
      plane.receive(there, new Uint8Array(own.seal.seal(ip(host(2), gateway, 1), 1)!), 1)
    receive()
    plane.fromTunnel(whole(ip(gateway, host(2), 2)), 1)
    expect(take()).toEqual(['moved 2 udp elsewhere', 'tunnel 1'])
    expect([own.got.length, got.length]).toEqual([0, 1])
    expect([plane.idAt(there), plane.idAt(own.news.where)]).toEqual([2, undefined])
    receive()
    expect(take()).toEqual(['tunnel 1'])
    // The main thread would not have it there.
    plane.hear({ kind: 'moved', id: 2, where: own.news.where }, 1)
    plane.fromTunnel(whole(ip(gateway, host(2), 2)), 1)
    expect([own.got.length, got.length]).toEqual([1, 1])
    plane.hear({ kind: 'moved', id: 2, where: there }, 1)
    refuseMoved()
    plane.receive(own.news.where, new Uint8Array(own.seal.seal(ip(host(2), gateway, 1), 1)!), 1)
    expect(take()).toEqual(['moved 2 udp client 2', 'dropped unknown-client'])
    expect(plane.idAt(there)).toBe(2)
  })

  test('takes pings and good-byes for what they are, and sends one when told', () => {
    const { plane, take } = thread(1)
    const own = client(2, 1, [plane])
    for (const payload of [PING, Buffer.concat([OCC_MAGIC, Uint8Array.of(OCC_EXIT)])])
      plane.receive(own.news.where, new Uint8Array(own.seal.seal(payload, 1)!), 1)
    expect(take()).toEqual(['left 2'])
    plane.hear({ kind: 'send', id: 2, payload: PING }, 1)
    expect(lastOpened(own)).toBe(PING.at(-1))
    expect(new Traffic(own.news.traffic).packetsIn).toBe(2)
  })

  test('leaves a key it does not know to the main thread, drops what comes back, and knows the next', () => {
    const { plane, take, refuseElsewhere } = thread(1)
    const own = client(2, 1, [plane])
    const material = randomBytes(256)
    const next = new DataChannel(2)
    const keys = dataKeysOf(material, 'client')
    next.add(1, sealedPackets(FORMAT, keys, randomBytes, nodeAead), 0, 0, 1000)
    const packet = next.seal(ip(host(2), gateway, 5), 1)!
    plane.receive(own.news.where, new Uint8Array(packet), 1)
    expect(take()).toEqual(['elsewhere 0 udp client 2 true'])
    // As it was: whoever has the key opens it.
    refuseElsewhere()
    plane.receive(own.news.where, new Uint8Array(packet), 1)
    expect(take()).toEqual(['dropped no-key'])
    plane.hear({ kind: 'keys', id: 2, keyId: 1, material, atMs: 1 }, 1)
    plane.receive(own.news.where, new Uint8Array(packet), 1)
    // The old one goes on.
    plane.receive(own.news.where, new Uint8Array(own.seal.seal(ip(host(2), gateway, 6), 1)!), 1)
    expect(take()).toEqual(['tunnel 5', 'tunnel 6'])
  })

  test('has nothing of a client that is gone, and its addresses are free', () => {
    const { plane, take } = thread(1)
    const own = client(2, 1, [plane])
    const another = { ...own.news, id: 3 }
    expect(plane.add(another)).toBe(false)
    const packet = own.seal.seal(ip(host(2), gateway, 5), 1)!
    plane.hear({ kind: 'gone', id: 2 }, 1)
    plane.receive(own.news.where, packet, 1)
    plane.fromTunnel(whole(ip(gateway, host(2), 1)), 1)
    plane.fromTunnel(whole(ip(gateway, [10, 2, 0, 1], 1)), 1)
    expect(take()).toEqual([
      `elsewhere ${MAIN} udp client 2 true`,
      'dropped unroutable',
      'dropped unroutable',
    ])
    expect(own.got).toEqual([])
    expect(plane.add(another)).toBe(true)
  })
})

describe('clients of another thread', () => {
  test('are left to it, with what goes to them and what comes from them', () => {
    const { plane, take } = thread(1)
    const [own, other] = [client(2, 1, [plane]), client(3, 2, [plane])]
    plane.receive(other.news.where, new Uint8Array(other.seal.seal(ip(host(3), gateway, 1), 1)!), 1)
    plane.fromTunnel(whole(ip(gateway, host(3), 2)), 1)
    plane.receive(own.news.where, new Uint8Array(own.seal.seal(ip(host(2), host(3), 3), 1)!), 1)
    plane.hear({ kind: 'send', id: 3, payload: PING }, 1)
    expect(take()).toEqual(['elsewhere 2 udp client 3 true', 'hand-over 2 2', 'hand-over 2 3'])
    expect(other.got).toEqual([])
    client(4, 9, [plane])
    plane.fromTunnel(whole(ip(gateway, host(4), 2)), 1)
    expect(take()).toEqual(['hand-over 9 2', 'dropped limited'])
  })

  test('get it from the thread that has them, as it was, offloads and all', () => {
    const [a, b] = [thread(1), thread(2)]
    const [from, to] = [client(2, 1, [a.plane, b.plane]), client(3, 2, [a.plane, b.plane])]
    const handed: Uint8Array[] = []
    const packet = new Uint8Array(from.seal.seal(ip(host(2), host(3), 3), 1)!)
    const giving = new DataPlane(1, SETTINGS, {
      toTunnel: () => {},
      openAead: nodeAead,
      random: randomBytes,
      dropped: (reason) => void a.said.push(reason),
      elsewhere: () => false,
      handOver: (_, segments) => {
        handed.push(Buffer.concat(segments.parts))
        return true
      },
      moved: () => true,
      left: () => {},
    })
    giving.hear({ kind: 'peer', peer: to.news }, 0)
    giving.fromTunnel(whole(ip(host(2), host(3), 4)), 1)
    a.plane.receive(from.news.where, packet, 1)
    expect(a.take()).toEqual(['hand-over 2 3'])
    const segments = new Segments()
    expect(segments.take(handed[0]!)).toBe(true)
    b.plane.fromTunnel(segments, 1)
    expect(lastOpened(to)).toBe(4)
  })

  test('are not reached where clients are kept apart', () => {
    const { plane, take } = thread(1, { clientToClient: false })
    const own = client(2, 1, [plane])
    client(3, 2, [plane])
    plane.receive(own.news.where, new Uint8Array(own.seal.seal(ip(host(2), host(3), 3), 1)!), 1)
    expect(take()).toEqual(['dropped unroutable'])
  })
})
