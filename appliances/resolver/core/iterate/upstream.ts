// A server as it is asked: address, port, and over what.

export type UpstreamTransport = 'udp' | 'tcp' | 'tls' | 'https'

export type Upstream = {
  /** IPv4 or IPv6 as text, without brackets. */
  readonly address: string
  readonly port: number
  /** `plain`: UDP, and TCP where that is not enough. */
  readonly protocol: 'plain' | 'tls' | 'https'
  /** The name that its certificate must be for; without, any certificate will do (RFC 7858 §4.1). */
  readonly tlsName?: string
  /** Of its URL, over HTTPS (RFC 8484); a name is there too. */
  readonly path?: string
}

/** Two upstreams with the same key are the same server. */
export function upstreamKey({ address, port, protocol, tlsName, path }: Upstream): string {
  const at = `${address}#${port}`
  if (protocol === 'plain') return at
  return protocol === 'tls' ? `tls ${at}` : `https ${tlsName}${path} ${at}`
}
