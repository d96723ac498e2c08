// Where the network's own packets go now, from the kernel's text (`/proc/net/route`): traffic to the gateway has to stay
// there when everything else goes through the tunnel.

export type DefaultRoute = { readonly gateway: Uint8Array; readonly device: string }

/** The IPv4 default route with the lowest metric; undefined when there is none with a gateway. */
export function defaultRoute(table: string): DefaultRoute | undefined {
  let best: (DefaultRoute & { readonly metric: number }) | undefined
  for (const line of table.split('\n').slice(1)) {
    const [device = '', destination, gateway = '', , , , metric, mask] = line.trim().split(/\s+/)
    if (destination !== '00000000' || mask !== '00000000') continue
    if (!/^[0-9A-F]{8}$/.test(gateway) || gateway === '00000000') continue
    if (best !== undefined && best.metric <= Number(metric)) continue
    // Octets in the order of the machine, which is little-endian wherever we run.
    const octets = Uint8Array.from(Buffer.from(gateway, 'hex')).reverse()
    best = { gateway: octets, device, metric: Number(metric) }
  }
  return best && { gateway: best.gateway, device: best.device }
}
