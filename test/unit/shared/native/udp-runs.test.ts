// Runs of datagrams by UDP_SEGMENT and UDP_GRO on loopback, against Node's own sockets and ours.
import { createSocket } from 'node:dgram'
import { afterEach, describe, expect, test } from 'vitest'
import { UdpBatch } from '../../../../shared/native/udp-batch.ts'
import { UdpRuns } from '../../../../shared/native/udp-runs.ts'
import { openUdpSystem, sockaddrOf, type UdpSocket } from '../../../../shared/native/udp-socket.ts'

const system = (await openUdpSystem())!
const open: { close(): unknown }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

function opened(host: string): UdpSocket {
  const socket = system.open({
    endpoint: { host, port: 0 },
    receiveBufferBytes: 1 << 20,
    sendBufferBytes: 1 << 20,
    isShared: false,
    isGrouped: true,
    waitMs: 20,
  })
  if (!socket.ok) throw new Error(JSON.stringify(socket.error))
  open.push(socket.value)
  return socket.value
}

/** Sizes of packets, the first octet of each tells which it is. */
function sendAll(runs: UdpRuns, to: ReturnType<UdpRuns['target']>, sizes: readonly number[]): void {
  for (const [i, size] of sizes.entries()) {
    runs.slot().fill(i, 0, size)
    runs.send(to, size)
  }
  runs.flush()
}

/** A run, ends of runs, longer ones after shorter ones, more than a run and more than all slots hold. */
const sizesWith = (octets: number): readonly number[] =>
  [
    Array.from({ length: 100 }, () => octets),
    [octets / 2, octets, octets, 8, 9, 1, 1, 1, 2, 1472, 1472],
    Array.from({ length: 70 }, () => 30),
  ].flat()

describe.each(['127.0.0.1', '::1'])('runs on %s', (host) => {
  // As many as the receiver's buffer has room for packet by packet.
  const sizes = sizesWith(300)

  test('arrive as the packets they were put up as, in their order', async () => {
    const heard: Buffer[] = []
    const receiver = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    receiver.on('message', (message) => heard.push(message))
    await new Promise<void>((done) => void receiver.bind(0, host, done))
    open.push(receiver)
    const socket = opened(host)
    const runs = new UdpRuns(system, 1500)
    const { port } = receiver.address()
    const to = runs.target(socket, sockaddrOf({ host, port }), new Uint8Array())
    sendAll(runs, to, sizes)
    for (let tries = 0; heard.length < sizes.length && tries < 500; tries++)
      await new Promise((done) => setTimeout(done, 10))
    expect(heard.map(({ length }) => length)).toEqual(sizes)
    for (const [i, message] of heard.entries())
      expect(message.every((octet) => octet === i)).toBe(true)
  })

  test('are cut again by who takes them as groups; each address gets its own', () => {
    const sizes = sizesWith(1400)
    const receivers = [opened(host), opened(host)]
    const socket = opened(host)
    const runs = new UdpRuns(system, 1500)
    const targets = receivers.map(({ port }) =>
      runs.target(socket, sockaddrOf({ host, port }), new Uint8Array()),
    )
    for (const [i, size] of sizes.entries()) {
      runs.slot().fill(i, 0, size)
      runs.send(targets[i % 40 < 20 ? 0 : 1]!, size)
    }
    runs.flush()
    const batch = new UdpBatch(system, 65_728, 8)
    for (const [n, receiver] of receivers.entries()) {
      const expected = [...sizes.entries()].filter(([i]) => (i % 40 < 20 ? 0 : 1) === n)
      const found: [number, number][] = []
      let grouped = 0
      for (let tries = 0; found.length < expected.length && tries < 50; tries++) {
        const count = batch.receive(receiver, true)
        for (let i = 0; i < count; i++) {
          const [length, from] = [batch.lengthOf(i), batch.inAt(i)]
          const step = batch.segmentOf(i) || length
          if (step < length) grouped++
          for (let at = 0; at < length; at += step)
            found.push([batch.memory[from + at]!, Math.min(step, length - at)])
          expect(batch.senderOf(i).to.subarray(2, 4)).toEqual(
            sockaddrOf({ host, port: socket.port }).subarray(2, 4),
          )
        }
      }
      expect(found).toEqual(expected)
      // Kernels before 5.0 give them one by one.
      expect(grouped).toBeGreaterThan(0)
    }
  })
})

test('bound to every address, a run leaves from the one that was asked', () => {
  const server = opened('0.0.0.0')
  const asking = opened('127.0.0.1')
  asking.send(Buffer.from('?'), sockaddrOf({ host: '127.0.0.9', port: server.port }), NONE)
  const batch = new UdpBatch(system, 65_728, 8)
  expect(batch.receive(server, true)).toBe(1)
  const { to, control } = batch.senderOf(0)
  const runs = new UdpRuns(system, 1500)
  sendAll(runs, runs.target(server, to, control), [10, 10, 10, 4])
  let octets = 0
  for (let tries = 0; octets < 34 && tries < 50; tries++) {
    const count = batch.receive(asking, true)
    for (let i = 0; i < count; i++) {
      octets += batch.lengthOf(i)
      const from = batch.addressAt(i, false)
      expect([...batch.memory.subarray(from, from + 4)]).toEqual([127, 0, 0, 9])
    }
  }
  expect(octets).toBe(34)
})

test('what cannot be sent is lost, and says nothing of what comes after', () => {
  const [socket, receiver] = [opened('127.0.0.1'), opened('127.0.0.1')]
  const runs = new UdpRuns(system, 1500)
  const { port } = receiver
  const nowhere = runs.target(socket, sockaddrOf({ host: '192.0.2.1', port }), NONE)
  const there = runs.target(socket, sockaddrOf({ host: '127.0.0.1', port }), NONE)
  for (const target of [nowhere, nowhere, nowhere, there, there]) {
    runs.slot().fill(7, 0, 100)
    runs.send(target, 100)
  }
  runs.flush()
  const batch = new UdpBatch(system, 65_728, 8)
  let octets = 0
  for (let tries = 0; octets < 200 && tries < 50; tries++) {
    const count = batch.receive(receiver, true)
    for (let i = 0; i < count; i++) octets += batch.lengthOf(i)
  }
  expect(octets).toBe(200)
})

const NONE = new Uint8Array()
