// What a key's name says it may do: `laptop._update.example.org.` (the convention of robur's DNS servers).
import { formatAddress } from '../../../../shared/net/address.ts'
import { parentName, type Name } from '../../../../shared/dns/name.ts'
import type { Grant, Right } from '../../../../shared/tsig/key.ts'

export type KeyNameMeaning = {
  readonly grant: Grant
  readonly primary?: string
  readonly secondary?: string
}

/**
 * `name` is canonical; undefined when no label names an operation. The labels behind the first one that does are the
 * zone; the four before it may be an IPv4 address, whichever side it is on, and the eight before it the primary's
 * address and the secondary's.
 */
export function meaningOf(name: Name): KeyNameMeaning | undefined {
  const before: string[] = []
  for (let at = name; at !== '\0'; at = parentName(at)!) {
    const label = at.slice(1, 1 + at.charCodeAt(0))
    const right = OPERATIONS[label]
    if (right === undefined) before.push(label)
    else return { grant: { right, zone: parentName(at)! }, ...addressesIn(before) }
  }
  return undefined
}

function addressesIn(labels: readonly string[]): { primary?: string; secondary?: string } {
  const last = addressOf(labels.slice(-4))
  if (last === undefined) return {}
  return { primary: addressOf(labels.slice(-8, -4)) ?? last, secondary: last }
}

function addressOf(labels: readonly string[]): string | undefined {
  const isAddress = labels.length === 4 && labels.every((l) => /^\d{1,3}$/.test(l) && +l < 256)
  return isAddress ? formatAddress(Uint8Array.from(labels, Number)) : undefined
}

const OPERATIONS: { readonly [label: string]: Right | undefined } = {
  __proto__: null as unknown as undefined,
  _update: 'update',
  _transfer: 'transfer',
  _notify: 'notify',
}
