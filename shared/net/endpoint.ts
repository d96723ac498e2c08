// An address and a port as people write them: `127.0.0.1:53`, `[2001:db8::1]:53`.

/** `host` is an IPv4 or IPv6 address without brackets; port 0 lets the system choose. */
export type Endpoint = { readonly host: string; readonly port: number }

/** undefined when the text is not an address and a port; names are not looked up. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\][]+)\]|([^:\][]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const [, bracketed, plain, digits] = match
  const port = Number(digits)
  if (port > 65_535) return undefined
  if (bracketed !== undefined) return isIpv6(bracketed) ? { host: bracketed, port } : undefined
  return plain !== undefined && isIpv4(plain) ? { host: plain, port } : undefined
}

export function formatEndpoint(endpoint: Endpoint): string {
  const { host, port } = endpoint
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export function isIpv4(host: string): boolean {
  const parts = host.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && +part < 256)
}

/** With or without a zone: `fe80::1%eth0`. */
export function isIpv6(host: string): boolean {
  const [address = '', zone, ...rest] = host.split('%')
  if (rest.length > 0 || (zone !== undefined && !/^[\w.-]+$/.test(zone))) return false
  return /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(address) && URL.canParse(`http://[${address}]/`)
}

/** Whether only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  if (isIpv4(host)) return host.startsWith('127.')
  if (!isIpv6(host) || host.includes('%')) return false
  const canonical = new URL(`http://[${host}]/`).hostname
  return canonical === '[::1]' || /^\[::ffff:7f[0-9a-f]{2}:/.test(canonical)
}
