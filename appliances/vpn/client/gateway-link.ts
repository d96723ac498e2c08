// A way to one gateway: a UDP socket that is connected to it, or a TCP connection.
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { PacketLoop } from '../loop/packet-loop.ts'
import { BatchedUdp } from '../network/batched-udp.ts'
import { sendFramed } from '../network/tcp-frames.ts'
import { StreamFrames } from '../core/control/stream-frames.ts'

export type GatewayLink = {
  /** As of `Remote`. */
  room(octets: number): Uint8Array
  send(packet: Uint8Array): void
  close(): void
}

export type LinkEvents = {
  receive(packet: Uint8Array): void
  /** It does not work, or no more. */
  lost(reason: string): void
}

const BUFFER_BYTES = 4 * 1024 * 1024

/** `address` is an IP address. */
export async function openLink(
  transport: 'udp' | 'tcp',
  address: string,
  port: number,
  loop: PacketLoop | undefined,
  events: LinkEvents,
): Promise<GatewayLink> {
  if (transport === 'tcp') return await openTcpLink(address, port, loop, events)
  const batched = loop && (await openBatchedLink(address, port, loop, events))
  return batched ?? (await openUdpLink(address, port, events))
}

async function openBatchedLink(
  address: string,
  port: number,
  loop: PacketLoop,
  events: LinkEvents,
): Promise<GatewayLink | undefined> {
  const own = { host: address.includes(':') ? '::' : '0.0.0.0', port: 0 }
  const opened = await BatchedUdp.open(loop, own, {
    receive(from, packet) {
      if (from.name === gateway.name) events.receive(packet)
    },
    failed: (cause) => events.lost(cause.message),
  })
  if (opened === undefined) return undefined
  if (!opened.ok) throw new Error(`${opened.error.call}: ${opened.error.code}`)
  const udp = opened.value
  const gateway = udp.remote({ host: address, port })
  return {
    room: (octets) => gateway.room(octets),
    send: (packet) => gateway.send(packet),
    close: () => udp.close(),
  }
}

async function openUdpLink(
  address: string,
  port: number,
  events: LinkEvents,
): Promise<GatewayLink> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  await new Promise<void>((done, refuse) => {
    socket.once('error', refuse)
    socket.connect(port, address, () => done())
  })
  socket.removeAllListeners('error')
  // "Connection refused" and the like may be anybody's word: the handshake has a time limit of its own.
  socket.on('error', () => {})
  for (const grow of ['setRecvBufferSize', 'setSendBufferSize'] as const) socket[grow](BUFFER_BYTES)
  socket.on('message', (packet) => events.receive(packet))
  let isClosed = false
  return {
    room: (octets) => Buffer.allocUnsafe(octets),
    send(packet) {
      if (!isClosed) socket.send(packet, () => {})
    },
    close() {
      if (isClosed) return
      isClosed = true
      socket.removeAllListeners('message').close()
    },
  }
}

async function openTcpLink(
  address: string,
  port: number,
  loop: PacketLoop | undefined,
  events: LinkEvents,
): Promise<GatewayLink> {
  const socket = connect({ host: address, port, noDelay: true })
  await new Promise<void>((done, refuse) => {
    socket.once('error', refuse)
    socket.once('connect', () => done())
  })
  socket.removeAllListeners('error')
  const frames = new StreamFrames()
  let isClosed = false
  socket.on('data', (chunk: Buffer) => {
    const packets = frames.take(chunk)
    if (packets === undefined) events.lost('what came is not OpenVPN')
    else {
      const receive = (): void => {
        for (const packet of packets) events.receive(packet)
      }
      if (loop === undefined) receive()
      else loop.together(receive)
    }
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    if (!isClosed) events.lost('the connection ended')
  })
  return {
    room: (octets) => Buffer.allocUnsafe(octets),
    send(packet) {
      sendFramed(socket, packet)
    },
    close() {
      isClosed = true
      socket.end()
      socket.destroySoon()
    },
  }
}
