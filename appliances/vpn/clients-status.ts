// Who is connected, for /status.
import { formatLease } from './core/tunnel/address-pool.ts'
import type { Client } from './core/gateway/client.ts'
import { MAIN } from './core/plane/data-plane.ts'
import type { Gateway } from './core/gateway/gateway.ts'

/** Clients that /status lists one by one. */
const LIST_LIMIT = 1000

export function isConnected(client: Client): boolean {
  return client.data !== undefined
}

export function clientsStatus(gateway: Gateway): unknown {
  const connected = [...gateway.clients()].filter(isConnected)
  const list = connected.slice(0, LIST_LIMIT).map((client) => ({
    name: client.identity!.commonName,
    user: client.settings!.user === '' ? undefined : client.settings!.user,
    from: client.remote.name,
    address: formatLease(client.lease!),
    cipher: client.cipher,
    worker: client.owner === MAIN ? undefined : client.owner,
    since: new Date(client.sinceMs).toISOString(),
    received: client.data!.octetsIn,
    sent: client.data!.octetsOut,
    version: client.session.peerInfo.get('IV_VER'),
    platform: client.session.peerInfo.get('IV_PLAT'),
  }))
  return { count: connected.length, list }
}
