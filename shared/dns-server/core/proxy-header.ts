// The PROXY protocol, version 2 (haproxy's proxy-protocol.txt §2.2): who is behind the proxy that a packet or a connection
// comes from. The text form of version 1 is refused; so are headers longer than the addresses and TLVs in use need.

export type ProxySource = {
  /** 4 or 16. */
  readonly octets: Uint8Array
  readonly port: number
}

export type ProxyHeader = {
  /** Where what follows the header begins. */
  readonly length: number
  /** Undefined when the proxy speaks for itself, or cannot say for whom. */
  readonly source: ProxySource | undefined
}

/** Longest header taken: addresses, and TLVs such as a TLS client's name. */
export const PROXY_LIMIT_OCTETS = 2048

const FIXED_OCTETS = 16
const PORTS_OCTETS = 4
const VERSION_2 = 0x20
const COMMAND = { LOCAL: 0, PROXY: 1 } as const
const FAMILY = { UNSPECIFIED: 0, IPV4: 1, IPV6: 2, UNIX: 3 } as const
const SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10)

/** 'more' while what is there may become a header, 'bad' once it cannot. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | 'more' | 'bad' {
  for (let i = 0; i < Math.min(bytes.length, SIGNATURE.length); i++)
    if (bytes[i] !== SIGNATURE[i]) return 'bad'
  if (bytes.length < FIXED_OCTETS) return 'more'
  const command = bytes[12]! ^ VERSION_2
  if (command !== COMMAND.LOCAL && command !== COMMAND.PROXY) return 'bad'
  const length = FIXED_OCTETS + ((bytes[14]! << 8) | bytes[15]!)
  if (length > PROXY_LIMIT_OCTETS) return 'bad'
  const family = bytes[13]! >>> 4
  // Whether it was a datagram or a stream is what we see ourselves.
  if (family > FAMILY.UNIX || (bytes[13]! & 0xf) > 2) return 'bad'
  const isAddress = family === FAMILY.IPV4 || family === FAMILY.IPV6
  if (command === COMMAND.LOCAL || !isAddress)
    return bytes.length < length ? 'more' : { length, source: undefined }
  const width = family === FAMILY.IPV4 ? 4 : 16
  if (length < FIXED_OCTETS + 2 * width + PORTS_OCTETS) return 'bad'
  if (bytes.length < length) return 'more'
  const portAt = FIXED_OCTETS + 2 * width
  const octets = Uint8Array.from(bytes.subarray(FIXED_OCTETS, FIXED_OCTETS + width))
  return { length, source: { octets, port: (bytes[portAt]! << 8) | bytes[portAt + 1]! } }
}
