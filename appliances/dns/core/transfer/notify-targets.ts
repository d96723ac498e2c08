// Whom to tell of a changed zone (RFC 1996 §2): who is configured, who holds a transfer key with an address, and the
// servers that the zone itself names, as far as it has their addresses and they are not its primary.
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { formatAddress } from '../../../../shared/net/address.ts'
import { formatEndpoint } from '../../../../shared/net/endpoint.ts'
import { grantsFor, type Key } from '../../../../shared/tsig/key.ts'
import { rrsetOf, type Zone } from '../zone/zone.ts'
import type { NotifyTarget } from './notify-queue.ts'

const DNS_PORT = 53
/** Of one zone; a zone that names more servers names them to harm someone. */
export const TARGETS_LIMIT = 64

export type NotifyRules = {
  readonly also: readonly NotifyTarget[]
  /** Whether the NS records of a zone are looked at. */
  readonly nameServers: boolean
}

/** `mayHear` is asked of each. */
export function notifyTargets(
  zone: Zone,
  rules: NotifyRules,
  keys: Iterable<Key>,
  mayHear: (target: NotifyTarget) => boolean,
): readonly NotifyTarget[] {
  const targets = new Map<string, NotifyTarget>()
  const add = (target: NotifyTarget): void => {
    if (targets.size < TARGETS_LIMIT && !targets.has(target.address) && mayHear(target))
      targets.set(target.address, target)
  }
  for (const target of rules.also) add(target)
  for (const key of keys) {
    const { secondary: host, name } = key
    if (host !== undefined && grantsFor(key, 'transfer', zone.origin).length > 0)
      add({ address: formatEndpoint({ host, port: DNS_PORT }), key: name })
  }
  if (rules.nameServers) for (const target of namedServers(zone)) add(target)
  return [...targets.values()]
}

function* namedServers(zone: Zone): Generator<NotifyTarget> {
  const ns = zone.apex && rrsetOf(zone.apex, TYPE.NS)
  const primary: Name | undefined = zone.soa?.names[0]?.suffixes[0]
  for (const { suffixes } of ns?.names ?? []) {
    const host = suffixes[0]
    const node = host === undefined || host === primary ? undefined : zone.nodes.get(host)
    for (const type of [TYPE.A, TYPE.AAAA])
      for (const rdata of (node && rrsetOf(node, type))?.rdatas ?? [])
        yield {
          address: formatEndpoint({ host: formatAddress(rdata), port: DNS_PORT }),
          key: undefined,
        }
  }
}
