// A gateway's UDP port, in batches by a loop and packet by packet by Node, against a socket of Node's.
import { createSocket } from 'node:dgram'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Remote } from '../../../../../appliances/vpn/core/gateway/remote.ts'
import { PacketLoop } from '../../../../../appliances/vpn/loop/packet-loop.ts'
import { openUdpPort } from '../../../../../appliances/vpn/network/udp-port.ts'

const fail = (cause: Error): never => {
  throw cause
}

async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; !is() && tries < 1000; tries++)
    await new Promise((done) => setTimeout(done, 10))
  expect(is()).toBe(true)
}

const CASES = ['127.0.0.1', '::1'].flatMap((host) =>
  ['batches', 'single'].map((way) => [host, way] as const),
)

describe.each(CASES)('a port at %s, %s', (host, way) => {
  test('packets come from one remote an address, and what it is sent arrives; also when nothing came for long', async () => {
    const loop = way === 'batches' ? await PacketLoop.open(fail) : undefined
    expect(loop === undefined).toBe(way === 'single')
    const got: { remote: Remote; text: string }[] = []
    const port = await openUdpPort(
      { host, port: 0 },
      loop,
      (remote, packet) => {
        const text = Buffer.from(packet).toString('latin1')
        got.push({ remote, text })
        // In its place, and another that needs none.
        const room = remote.room(text.length + 1)
        Buffer.from(`${text}!`, 'latin1').copy(room)
        remote.send(room.subarray(0, text.length + 1))
        if (text.length > 2000) remote.send(Buffer.from('long'))
      },
      fail,
    )
    const clients = [0, 1].map(() => createSocket(host.includes(':') ? 'udp6' : 'udp4'))
    const heard = clients.map((client) => {
      const texts: string[] = []
      client.on('message', (message) => texts.push(message.toString('latin1')))
      return texts
    })
    onTestFinished(async () => {
      for (const client of clients) client.close()
      await port.close()
      await loop?.close()
    })
    const say = (client: number, text: string): void =>
      clients[client]!.send(Buffer.from(text, 'latin1'), port.endpoint.port, host)
    for (let i = 0; i < 30; i++) for (const client of [0, 1]) say(client, `${client} ${i}`)
    await until(() => heard.every((texts) => texts.length === 30))
    // Longer than a slot, and after a silence in which a thread waits.
    await new Promise((done) => setTimeout(done, 100))
    say(1, 'x'.repeat(3000))
    await until(() => heard[1]!.length === 32)
    for (const client of [0, 1])
      expect(heard[client]!.slice(0, 30)).toEqual(
        Array.from({ length: 30 }, (_, i) => `${client} ${i}!`),
      )
    expect(heard[1]!.slice(30)).toEqual([`${'x'.repeat(3000)}!`, 'long'])
    expect(new Set(got.map(({ remote }) => remote)).size).toBe(2)
    for (const [client, socket] of clients.entries()) {
      const { remote } = got.find(({ text }) => text.startsWith(`${client} `))!
      const at = host.includes(':') ? `[${host}]` : host
      expect(remote.name).toBe(`udp ${at}:${socket.address().port}`)
      expect(remote.octets).toHaveLength(host.includes(':') ? 16 : 4)
      // Not as an answer, and by itself.
      remote.send(Buffer.from('later'))
    }
    await until(() => heard.every((texts) => texts.at(-1) === 'later'))
  })

  test('says why it cannot be had', async () => {
    const loop = way === 'batches' ? await PacketLoop.open(fail) : undefined
    const port = await openUdpPort({ host, port: 0 }, loop, () => {}, fail)
    onTestFinished(async () => {
      await port.close()
      await loop?.close()
    })
    await expect(openUdpPort(port.endpoint, loop, () => {}, fail)).rejects.toThrow(
      /another program listens there already/,
    )
  })
})

test('a loop without sources, or with one that was taken out, ends when it is closed', async () => {
  const loop = (await PacketLoop.open(fail))!
  const port = await openUdpPort({ host: '127.0.0.1', port: 0 }, loop, () => {}, fail)
  await port.close()
  await loop.close()
  await (await PacketLoop.open(fail))!.close()
})

test('what a source throws ends the program by its own words', async () => {
  const faults: string[] = []
  const loop = (await PacketLoop.open((cause) => void faults.push(cause.message)))!
  const port = await openUdpPort(
    { host: '127.0.0.1', port: 0 },
    loop,
    () => {
      throw new Error('a fault of ours')
    },
    fail,
  )
  const client = createSocket('udp4')
  client.send('x', port.endpoint.port, '127.0.0.1')
  await until(() => faults.length > 0)
  expect(faults).toEqual(['a fault of ours'])
  client.close()
  await port.close()
  await loop.close()
})
