// DNSKEY RRsets signed by some of their keys, revoked ones too: what a zone publishes while its keys roll.
import type { ZoneKey } from '../../appliances/dns/core/dnssec/key-file.ts'
import type { RRset } from '../../appliances/resolver/core/rrset.ts'
import { KEY_FLAG, keyTag } from '../../shared/dnssec/dnskey.ts'
import { dataToSign, rrsigRdata, type SigningKey } from '../../shared/dnssec/rrsig.ts'
import type { Name } from '../../shared/dns/name.ts'
import { TYPE } from '../../shared/dns/record-types.ts'

const DAY_SECONDS = 86_400

/** The same key with the REVOKE bit, which makes another tag of it. */
export function revoked(key: ZoneKey): SigningKey {
  const dnskey = Uint8Array.from(key.dnskey)
  dnskey[1]! |= KEY_FLAG.revoked
  return { dnskey, algorithm: key.algorithm, tag: keyTag(dnskey), sign: (data) => key.sign(data) }
}

export function keySet(
  owner: Name,
  keys: readonly SigningKey[],
  {
    by,
    nowSeconds,
    ttlSeconds = 2 * DAY_SECONDS,
    lifetimeSeconds = 20 * DAY_SECONDS,
  }: {
    readonly by: readonly SigningKey[]
    readonly nowSeconds: number
    readonly ttlSeconds?: number
    readonly lifetimeSeconds?: number
  },
): RRset {
  const set = { owner, type: TYPE.DNSKEY, ttlSeconds, rdatas: keys.map(({ dnskey }) => dnskey) }
  const validity = { inception: nowSeconds - 3600, expiration: nowSeconds + lifetimeSeconds }
  const signatures = by.map((key) => {
    const toSign = dataToSign(set, { key, signer: owner }, validity)
    return rrsigRdata(toSign, key.sign(toSign.data))
  })
  return { ...set, signatures }
}
