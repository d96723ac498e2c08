// DNS in datagrams (RFC 1035 §4.2.1): one socket, buffers that are used again, answers the kernel has not taken bounded.
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import type { Log } from '../log/log.ts'
import { formatAddress } from '../net/address.ts'
import { formatEndpoint, type Endpoint } from '../net/endpoint.ts'
import { listenFault } from '../net/listen-fault.ts'
import type { Client } from './core/client.ts'
import { readProxyHeader } from './core/proxy-header.ts'
import { DEFERRED } from './core/defer.ts'
import { SocketClient } from './socket-client.ts'
import type { DnsLimits, Handle } from './handle.ts'

/** Asked of the kernel; it gives what net.core.rmem_max allows. A burst of queries waits there while we work. */
export const RECEIVE_BUFFER_BYTES: number = 8 * 1024 * 1024
/** Answers handed to the kernel and not yet taken; beyond it an answer is dropped, as a network would. */
const SENDS_LIMIT = 1024

export type DeferUdp = (
  packet: Uint8Array,
  client: Client,
  send: (message: Uint8Array) => void,
) => void

export function serveUdp(socket: Socket, handle: Handle, defer: DeferUdp, limits: DnsLimits): void {
  const free: Buffer[] = []
  const { proxies } = limits
  let lent = 0
  socket.on('message', (received: Buffer, from: RemoteInfo) => {
    // Nobody listens on port 0, and `send` would take it for a fault of ours.
    if (from.port === 0 || lent >= SENDS_LIMIT) return
    let packet = received
    let client = new SocketClient('udp', from.address, from.port)
    if (proxies.size > 0 && proxies.has(client.octets)) {
      const header = readProxyHeader(received)
      if (typeof header === 'string') return
      packet = received.subarray(header.length)
      const { source } = header
      if (source !== undefined)
        client = new SocketClient('udp', formatAddress(source.octets), source.port)
    }
    const out = free.pop() ?? Buffer.allocUnsafeSlow(limits.udpOctets)
    const length = handle(packet, client, out)
    if (length <= 0) {
      free.push(out)
      if (length === DEFERRED)
        defer(packet, client, (message) => socket.send(message, from.port, from.address, ignore))
      return
    }
    lent++
    socket.send(out, 0, length, from.port, from.address, () => {
      // Whether it left or not: UDP promises nothing, and the client asks again.
      lent--
      free.push(out)
    })
  })
}

/** Throws `Fatal` when the address cannot be had. */
export async function bindUdp(endpoint: Endpoint, log: Log): Promise<Socket> {
  const isIpv6 = endpoint.host.includes(':')
  const socket = createSocket({
    type: isIpv6 ? 'udp6' : 'udp4',
    ipv6Only: isIpv6,
    recvBufferSize: RECEIVE_BUFFER_BYTES,
    // Answers go to addresses, never to names: no look-up, and no turn of the event loop for one.
    lookup: (host, _options, done) => done(null, host, isIpv6 ? 6 : 4),
  })
  await new Promise<void>((done, fail) => {
    socket.once('error', (cause) => fail(listenFault(endpoint, cause)))
    socket.bind({ port: endpoint.port, address: endpoint.host }, done)
  })
  socket.removeAllListeners('error')
  socket.on('error', (error) => {
    log.warn('udp-socket', { address: formatEndpoint(endpoint), why: error.message })
  })
  return socket
}

function ignore(): void {
  // UDP promises nothing, and the client asks again.
}
