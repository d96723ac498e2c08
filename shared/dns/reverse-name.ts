// The name under which an address is looked up (RFC 1035 §3.5, RFC 3596 §2.5).
import { parseName, type Name } from './name.ts'

/** `octets` are 4 or 16. */
export function reverseName(octets: Uint8Array): Name {
  const labels =
    octets.length === 4
      ? [...[...octets].reverse().map(String), 'in-addr', 'arpa']
      : [...[...octets].reverse().flatMap(nibbles), 'ip6', 'arpa']
  const name = parseName(labels.join('.'))
  if (!name.ok) throw new Error(`No reverse name of ${octets.length} octets: ${name.error}`)
  return name.value
}

/** The IPv6 address that is looked up under `name`, canonical; undefined when that is no whole address. */
export function reversedIpv6(name: Name): Uint8Array | undefined {
  if (name.length !== IPV6_NAME_OCTETS || !name.endsWith(IP6_ARPA)) return undefined
  const octets = new Uint8Array(16)
  for (let i = 0; i < 32; i++) {
    const nibble = name.slice(2 * i, 2 * i + 2)
    if (!/^\x01[0-9a-f]$/.test(nibble)) return undefined
    octets[15 - (i >> 1)]! |= Number.parseInt(nibble[1]!, 16) << (4 * (i & 1))
  }
  return octets
}

const IP6_ARPA = '\x03ip6\x04arpa\0'
const IPV6_NAME_OCTETS = 64 + IP6_ARPA.length

function nibbles(octet: number): readonly string[] {
  return [(octet & 15).toString(16), (octet >> 4).toString(16)]
}
