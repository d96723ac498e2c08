// What systemd-resolved is told of a network device (org.freedesktop.resolve1(5)): its DNS servers, and which names they are for.
import { parseAddress } from '../../../../shared/net/address.ts'
import { BusWriter, type BusCall } from './bus-messages.ts'

export type TunnelDns = {
  /** Addresses. */
  readonly servers: readonly string[]
  readonly domains: readonly string[]
  /** All traffic goes through the tunnel, so all names are for its servers. */
  readonly takesAll: boolean
}

/** In the order in which they are to be made; `link` is the number of the device. */
export function setCalls(link: number, dns: TunnelDns): readonly BusCall[] {
  const domains = dns.domains.map((name) => ({ name, isRouteOnly: false }))
  // Servers without domains are for all names, as they are in a resolv.conf.
  if (dns.takesAll || domains.length === 0) domains.push({ name: '.', isRouteOnly: true })
  const servers = new BusWriter().number(link)
  servers.structures(dns.servers, (address) => {
    const octets = parseAddress(address)!
    servers.number(octets.length === 4 ? AF_INET : AF_INET6).octets(octets)
  })
  const names = new BusWriter().number(link)
  names.structures(domains, ({ name, isRouteOnly }) => names.text(name).boolean(isRouteOnly))
  return [call('SetLinkDNS', 'ia(iay)', servers), call('SetLinkDomains', 'ia(sb)', names)]
}

export function revertCall(link: number): BusCall {
  return call('RevertLink', 'i', new BusWriter().number(link))
}

/** Whether systemd-resolved answers for this machine: by its stub, or in files that it keeps. */
export function isResolvedFile(resolvConf: string): boolean {
  return /^\s*nameserver\s+127\.0\.0\.5[34]\s*$/m.test(resolvConf) || resolvConf.includes(KEPT_BY)
}

function call(member: string, signature: string, body: BusWriter): BusCall {
  return {
    destination: 'org.freedesktop.resolve1',
    path: '/org/freedesktop/resolve1',
    interface: 'org.freedesktop.resolve1.Manager',
    member,
    signature,
    body: body.finish(),
  }
}

const AF_INET = 2
const AF_INET6 = 10
/** In the comment at the head of its files. */
const KEPT_BY = 'systemd-resolved(8)'
