// Where the network's own packets go now, from the kernel's text (`/proc/net/route`): traffic to the gateway has to stay
// there when everything else goes through the tunnel.

import type { Prefix } from '../../../../shared/net/prefix.ts'

export type DefaultRoute = { readonly gateway: Uint8Array; readonly device: string }

/** IPv4 networks this machine is in, by other devices than `tunnel`. */
export function neighbourNetworks(table: string, tunnel: string): readonly Prefix[] {
  const networks: Prefix[] = []
  for (const line of table.split('\n').slice(1)) {
    const [device, destination = '', gateway, , , , , mask = ''] = line.trim().split(/\s+/)
    if (device === tunnel || gateway !== '00000000') continue
    if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask)) continue
    const bits = [...octetsOf(mask)].reduce((sum, octet) => sum + bitsIn(octet), 0)
    if (bits > 0) networks.push({ octets: octetsOf(destination), bits })
  }
  return networks
}

/** The IPv4 default route with the lowest metric; undefined when there is none with a gateway. */
export function defaultRoute(table: string): DefaultRoute | undefined {
  let best: (DefaultRoute & { readonly metric: number }) | undefined
  for (const line of table.split('\n').slice(1)) {
    const [device = '', destination, gateway = '', , , , metric, mask] = line.trim().split(/\s+/)
    if (destination !== '00000000' || mask !== '00000000') continue
    if (!/^[0-9A-F]{8}$/.test(gateway) || gateway === '00000000') continue
    if (best !== undefined && best.metric <= Number(metric)) continue
    best = { gateway: octetsOf(gateway), device, metric: Number(metric) }
  }
  return best && { gateway: best.gateway, device: best.device }
}

/** In the order of the machine, which is little-endian wherever we run. */
function octetsOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex')).reverse()
}

function bitsIn(octet: number): number {
  return octet.toString(2).replaceAll('0', '').length
}
