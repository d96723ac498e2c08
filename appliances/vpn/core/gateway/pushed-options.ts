// Options that every client is pushed, in OpenVPN's words.
import { formatAddress, parseAddress } from '../../../../shared/net/address.ts'
import { formatPrefix, type Prefix } from '../../../../shared/net/prefix.ts'
import { maskOf } from '../tunnel/netmask.ts'

export function pushedOptions(push: {
  readonly routes: readonly Prefix[]
  readonly dns: readonly string[]
  readonly domain?: string
  readonly redirectGateway: boolean
  readonly options: readonly string[]
}): readonly string[] {
  const options = push.routes.map((route) =>
    route.octets.length === 4
      ? `route ${formatAddress(route.octets)} ${maskOf(route.bits)}`
      : `route-ipv6 ${formatPrefix(route)}`,
  )
  for (const address of push.dns) {
    const word = parseAddress(address)!.length === 4 ? 'DNS' : 'DNS6'
    options.push(`dhcp-option ${word} ${address}`)
  }
  if (push.domain !== undefined) options.push(`dhcp-option DOMAIN ${push.domain}`)
  if (push.redirectGateway) options.push('redirect-gateway def1 ipv6')
  return [...options, ...push.options]
}
