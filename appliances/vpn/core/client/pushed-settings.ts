// What a gateway pushes, read: addresses, routes, keepalives, and how packets are sealed. What a client does not know it
// passes over; what would run something or name a file is among that.
import { parseAddress } from '../../../../shared/net/address.ts'
import { parsePrefix, type Prefix } from '../../../../shared/net/prefix.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { isDataCipher, type DataCipher } from '../data/data-cipher.ts'
import { wordsOf } from '../options/option-lines.ts'
import { prefixOfMask } from '../tunnel/netmask.ts'

export type PushedSettings = {
  readonly addresses: readonly { readonly octets: Uint8Array; readonly bits: number }[]
  /** Networks that are reached through the tunnel. */
  readonly routes: readonly Prefix[]
  /** All traffic goes through it: of IPv4, of IPv6. */
  readonly redirects: { readonly ipv4: boolean; readonly ipv6: boolean }
  readonly dns: readonly string[]
  readonly domains: readonly string[]
  readonly mtu: number
  readonly cipher: DataCipher | undefined
  readonly peerId: number | undefined
  /** Epoch data keys. */
  readonly usesEpochs: boolean
  readonly pingMs: number | undefined
  readonly restartMs: number | undefined
  /** Options that nothing was done with. */
  readonly unknown: readonly string[]
}

const MTU = { default: 1500, lowest: 576, highest: 9000 } as const
/** Networks that are reached through the tunnel; more is no network plan. */
const ROUTES_LIMIT = 1000
/** Two halves each, more specific than the route that was there: it comes back by itself (`redirect-gateway def1`). */
const HALVES = ['0.0.0.0/1', '128.0.0.0/1'] as const
const HALVES_6 = ['2000::/4', '3000::/4'] as const
/** Said for others, or done anyhow. */
const WITHOUT_EFFECT = new Set([
  'topology',
  'route-gateway',
  'tun-ipv6',
  'key-derivation',
  'persist-tun',
  'persist-key',
  'sndbuf',
  'rcvbuf',
  'socket-flags',
  'echo',
  'explicit-exit-notify',
  'block-outside-dns',
  'register-dns',
  'ping-timer-rem',
  'auth-token',
  'auth-token-user',
])

/** `isFiltered` says of an option's text that the user does not want it. An error ends the connection. */
export function readPushed(options: readonly string[]): Result<PushedSettings, string> {
  const addresses: { octets: Uint8Array; bits: number }[] = []
  const routes: Prefix[] = []
  const redirects = { ipv4: false, ipv6: false }
  const dns: string[] = []
  const domains: string[] = []
  const unknown: string[] = []
  const found: {
    mtu: number
    cipher: DataCipher | undefined
    peerId: number | undefined
    usesEpochs: boolean
    pingMs: number | undefined
    restartMs: number | undefined
  } = {
    mtu: MTU.default,
    cipher: undefined,
    peerId: undefined,
    usesEpochs: false,
    pingMs: undefined,
    restartMs: undefined,
  }
  const isNet30 = options.includes('topology net30') || options.includes('topology p2p')
  for (const option of options) {
    const words = wordsOf(option)
    if (typeof words === 'string') return err(`the gateway pushed "${option}": ${words}`)
    const [name = '', first = '', second = ''] = words
    const number = /^\d{1,9}$/.test(first) ? Number(first) : undefined
    switch (name) {
      case 'ifconfig': {
        const octets = parseAddress(first)
        const network = isNet30 ? undefined : maskBits(second)
        if (octets?.length !== 4 || (network === undefined && !isNet30))
          return err(`the gateway pushed an address that is none: ${option}`)
        addresses.push({ octets, bits: network ?? 30 })
        break
      }
      case 'ifconfig-ipv6': {
        const match = /^([0-9A-Fa-f:.]+)\/(\d{1,3})$/.exec(first)
        const octets = match === null ? undefined : parseAddress(match[1]!)
        const bits = Number(match?.[2])
        if (octets?.length !== 16 || bits > 128)
          return err(`the gateway pushed an address that is none: ${option}`)
        addresses.push({ octets, bits })
        break
      }
      case 'route': {
        const network = prefixOfMask(first, second === '' ? '255.255.255.255' : second)
        if (network === undefined) unknown.push(option)
        else routes.push(network)
        break
      }
      case 'route-ipv6': {
        const network = parsePrefix(first)
        if (network?.octets.length !== 16) unknown.push(option)
        else routes.push(network)
        break
      }
      case 'redirect-gateway':
        redirects.ipv4 = !words.includes('!ipv4')
        redirects.ipv6 = words.includes('ipv6')
        break
      case 'dhcp-option':
        if (first === 'DNS' || first === 'DNS6') dns.push(second)
        else if (first === 'DOMAIN' || first === 'DOMAIN-SEARCH') domains.push(second)
        else unknown.push(option)
        break
      case 'tun-mtu':
        if (number === undefined || number < MTU.lowest || number > MTU.highest)
          return err(`the gateway pushed an MTU that cannot be: ${option}`)
        found.mtu = number
        break
      case 'cipher':
        if (!isDataCipher(first)) return err(`the gateway wants the cipher ${first}`)
        found.cipher = first
        break
      case 'peer-id':
        if (number === undefined || number > 0xff_ffff) return err(`the gateway pushed ${option}`)
        found.peerId = number
        break
      case 'protocol-flags':
        found.usesEpochs = words.includes('aead-epoch')
        break
      case 'ping':
        found.pingMs = number === undefined ? undefined : number * 1000
        break
      case 'ping-restart':
        found.restartMs = number === undefined ? undefined : number * 1000
        break
      case 'compress':
      case 'comp-lzo':
        // A stub is a byte that says "not compressed", which this client does not put there.
        if (first !== 'migrate')
          return err(`the gateway wants compression (${option}), which is not safe (VORACLE)`)
        break
      case 'fragment':
        return err(
          'the gateway wants fragments, which this client does not have: use a smaller tun-mtu',
        )
      default:
        if (!WITHOUT_EFFECT.has(name)) unknown.push(option)
    }
  }
  if (addresses.length === 0) return err('the gateway pushed no address')
  if (redirects.ipv4) routes.push(...HALVES.map((text) => parsePrefix(text)!))
  if (redirects.ipv6) routes.push(...HALVES_6.map((text) => parsePrefix(text)!))
  if (routes.length > ROUTES_LIMIT) return err(`the gateway pushed ${routes.length} routes`)
  return ok({ addresses, routes, redirects, dns, domains, unknown, ...found })
}

function maskBits(mask: string): number | undefined {
  return prefixOfMask('0.0.0.0', mask)?.bits
}
