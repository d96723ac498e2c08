// A TCP port of the gateway: each connection is a remote until it ends.
import { createServer, type Socket } from 'node:net'
import { parseAddress } from '../../../shared/net/address.ts'
import { formatEndpoint, type Endpoint } from '../../../shared/net/endpoint.ts'
import { listenFault } from '../../../shared/net/listen-fault.ts'
import { StreamFrames } from '../core/control/stream-frames.ts'
import type { Remote } from '../core/gateway/remote.ts'
import { sendFramed } from './tcp-frames.ts'
import type { Port } from './udp-port.ts'

export type TcpLimits = {
  readonly connections: number
  /** Without a first good packet. */
  readonly silenceMs: number
}

export type TcpEvents = {
  receive(remote: Remote, packet: Uint8Array): void
  /** Around the packets of one chunk. */
  together(act: () => void): void
  gone(remote: Remote): void
  /** Whether a session came of it. */
  isKnown(remote: Remote): boolean
  failed(cause: Error): void
}

export async function openTcpPort(
  endpoint: Endpoint,
  limits: TcpLimits,
  events: TcpEvents,
): Promise<Port> {
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    const { remoteAddress, remotePort } = socket
    const octets = remoteAddress === undefined ? undefined : parseAddress(remoteAddress)
    if (octets === undefined) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    const name = `tcp ${formatEndpoint({ host: remoteAddress!, port: remotePort ?? 0 })}`
    const remote: Remote = {
      name,
      octets,
      isStream: true,
      room: (size) => Buffer.allocUnsafe(size),
      send(packet) {
        sendFramed(socket, packet)
      },
    }
    const frames = new StreamFrames()
    const silence = setTimeout(() => {
      if (!events.isKnown(remote)) socket.destroy()
    }, limits.silenceMs)
    socket.on('data', (chunk: Buffer) => {
      const packets = frames.take(chunk)
      if (packets === undefined) socket.destroy()
      else
        events.together(() => {
          for (const packet of packets) events.receive(remote, packet)
        })
    })
    // A reset is how connections end; 'close' follows and tidies up.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(silence)
      sockets.delete(socket)
      events.gone(remote)
    })
  })
  server.maxConnections = limits.connections
  await new Promise<void>((done, refuse) => {
    server.once('error', (cause) => refuse(listenFault(endpoint, cause)))
    server.listen({ port: endpoint.port, host: endpoint.host, ipv6Only: true }, () => done())
  })
  server.removeAllListeners('error')
  server.on('error', (cause) => events.failed(cause))
  const address = server.address()
  const port = address === null || typeof address === 'string' ? endpoint.port : address.port
  return {
    endpoint: { host: endpoint.host, port },
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
