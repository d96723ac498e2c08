// A way to one gateway: a UDP socket that is connected to it, or a TCP connection.
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { framed, StreamFrames } from '../core/control/stream-frames.ts'

export type GatewayLink = {
  send(packet: Uint8Array): void
  close(): void
}

export type LinkEvents = {
  receive(packet: Uint8Array): void
  /** It does not work, or no more. */
  lost(reason: string): void
}

const BUFFER_BYTES = 4 * 1024 * 1024
const BACKLOG_BYTES = 1024 * 1024

/** `address` is an IP address. */
export async function openLink(
  transport: 'udp' | 'tcp',
  address: string,
  port: number,
  events: LinkEvents,
): Promise<GatewayLink> {
  return transport === 'udp'
    ? await openUdpLink(address, port, events)
    : await openTcpLink(address, port, events)
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
    else for (const packet of packets) events.receive(packet)
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    if (!isClosed) events.lost('the connection ended')
  })
  return {
    send(packet) {
      if (socket.writable && socket.writableLength < BACKLOG_BYTES) socket.write(framed(packet))
    },
    close() {
      isClosed = true
      socket.end()
      socket.destroySoon()
    },
  }
}
