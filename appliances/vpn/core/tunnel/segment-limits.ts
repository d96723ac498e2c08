// The largest TCP segment whose packet still fits, sealed, into one of the network's.

/** IP and UDP header, DATA_V2 header, packet id, tag. With epochs 4 more, which Ethernet has room for. */
const OUTER_OCTETS = 52
/** `mssfix` of stock OpenVPN. */
const OUTER_LIMIT = 1492
const TCP_HEADERS = { ipv4: 40, ipv6: 60 } as const

export function segmentLimits(mtu: number): { readonly ipv4: number; readonly ipv6: number } {
  const room = Math.min(OUTER_LIMIT - OUTER_OCTETS, mtu)
  return { ipv4: room - TCP_HEADERS.ipv4, ipv6: room - TCP_HEADERS.ipv6 }
}
