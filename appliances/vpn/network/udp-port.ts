// A UDP port of the gateway: packets in, and remotes that can be answered.
import { createSocket, type Socket } from 'node:dgram'
import { parseAddress } from '../../../shared/net/address.ts'
import { formatEndpoint, type Endpoint } from '../../../shared/net/endpoint.ts'
import { listenFault } from '../../../shared/net/listen-fault.ts'
import type { PacketLoop } from '../loop/packet-loop.ts'
import type { Remote } from '../core/gateway/remote.ts'
import { BatchedUdp } from './batched-udp.ts'

/** Remotes that are kept: each packet of a known one costs a look. */
const REMOTES_LIMIT = 16_384
const BUFFER_BYTES = 4 * 1024 * 1024

export type Port = {
  /** As it was given, or as the system chose. */
  readonly endpoint: Endpoint
  close(): Promise<void>
}

/** In batches where there is a loop for them. */
export async function openUdpPort(
  endpoint: Endpoint,
  loop: PacketLoop | undefined,
  receive: (remote: Remote, packet: Uint8Array) => void,
  failed: (cause: Error) => void,
): Promise<Port> {
  const opened = loop && (await BatchedUdp.open(loop, endpoint, { receive, failed }))
  if (opened === undefined) return await openPlainPort(endpoint, receive, failed)
  if (!opened.ok) {
    const { call, code } = opened.error
    throw listenFault(endpoint, Object.assign(new Error(`${call}: ${code}`), { code }))
  }
  const udp = opened.value
  return {
    endpoint: { host: endpoint.host, port: udp.port },
    close: () => Promise.resolve(udp.close()),
  }
}

async function openPlainPort(
  endpoint: Endpoint,
  receive: (remote: Remote, packet: Uint8Array) => void,
  failed: (cause: Error) => void,
): Promise<Port> {
  const type = endpoint.host.includes(':') ? 'udp6' : 'udp4'
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  await new Promise<void>((done, refuse) => {
    socket.once('error', (cause) => refuse(listenFault(endpoint, cause)))
    socket.bind(endpoint.port, endpoint.host, () => done())
  })
  socket.removeAllListeners('error')
  socket.on('error', failed)
  growBuffers(socket)
  const remotes = new Map<string, Remote>()
  socket.on('message', (packet, { address, port }) => {
    const name = `udp ${formatEndpoint({ host: address, port })}`
    let remote = remotes.get(name)
    if (remote === undefined) {
      if (remotes.size >= REMOTES_LIMIT) remotes.delete(remotes.keys().next().value!)
      remote = {
        name,
        octets: parseAddress(address)!,
        isStream: false,
        room: (size) => Buffer.allocUnsafe(size),
        send: (octets) => socket.send(octets, port, address, () => {}),
      }
      remotes.set(name, remote)
    }
    receive(remote, packet)
  })
  return {
    endpoint: { host: endpoint.host, port: socket.address().port },
    close: () => new Promise((done) => socket.close(() => done())),
  }
}

/** As far as the system allows: a burst is lost in a small one. */
function growBuffers(socket: Socket): void {
  for (const grow of ['setRecvBufferSize', 'setSendBufferSize'] as const) socket[grow](BUFFER_BYTES)
}
