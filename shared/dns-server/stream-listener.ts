// A TCP port: who connects is counted, said by a PROXY header if it is a proxy, and handed on to what speaks there.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Log } from '../log/log.ts'
import { formatAddress } from '../net/address.ts'
import type { Endpoint } from '../net/endpoint.ts'
import type { Transport } from './core/client.ts'
import { PROXY_LIMIT_OCTETS, readProxyHeader, type ProxyHeader } from './core/proxy-header.ts'
import { SocketClient } from './socket-client.ts'
import type { Admission, OpenStream } from './admission.ts'
import type { DnsLimits } from './handle.ts'

const BACKLOG = 1024

/** What speaks on a port: takes a connection over, with what it already brought still to be read. */
export interface StreamService {
  readonly transport: Transport
  take(open: OpenStream, client: SocketClient): void
  /** Answers under way leave; what is idle ends. */
  end(): void
}

export function createStreamServer(
  service: StreamService,
  world: { readonly admission: Admission; readonly limits: DnsLimits; readonly log: Log },
): Server {
  const { admission, limits, log } = world
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true })
  server.on('error', (error) => log.warn('tcp-listener', { why: error.message }))
  server.on('connection', (socket) => {
    const open = admission.enter(socket)
    if (open === undefined) return
    const peer = new SocketClient(
      service.transport,
      socket.remoteAddress ?? '',
      socket.remotePort ?? 0,
    )
    const takeFor = (client: SocketClient): void => {
      if (admission.admit(open, client.address)) service.take(open, client)
    }
    if (limits.proxies.size === 0 || !limits.proxies.has(peer.octets)) return takeFor(peer)
    readHeader(socket, (header) => {
      if (header === undefined) {
        log.debug('proxy-header', { from: peer.address, why: 'not a PROXY header of version 2' })
        socket.destroy()
      } else if (header.source === undefined) takeFor(peer)
      else {
        const { octets, port } = header.source
        takeFor(new SocketClient(service.transport, formatAddress(octets), port))
      }
    })
  })
  return server
}

/** Takes the header off the stream and leaves the rest on it. A peer that never finishes it is idle, and cut. */
function readHeader(socket: Socket, done: (header: ProxyHeader | undefined) => void): void {
  let held: Buffer = Buffer.alloc(0)
  const finish = (header: ProxyHeader | undefined): void => {
    socket.off('readable', read)
    done(header)
  }
  const read = (): void => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      held = Buffer.concat([held, chunk as Buffer])
      const header = readProxyHeader(held.subarray(0, PROXY_LIMIT_OCTETS))
      if (header === 'more') continue
      if (header === 'bad') return finish(undefined)
      if (held.length > header.length) socket.unshift(held.subarray(header.length))
      return finish(header)
    }
    if (socket.readableEnded) finish(undefined)
  }
  socket.on('readable', read)
}

/** Rejects with what the system said when the address cannot be had. */
export function bindTcp(server: Server, endpoint: Endpoint): Promise<AddressInfo> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    const { host, port } = endpoint
    server.listen({ host, port, backlog: BACKLOG, ipv6Only: host.includes(':') }, () => {
      server.removeListener('error', fail)
      done(server.address() as AddressInfo)
    })
  })
}
