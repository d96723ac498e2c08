// A table of nftables rules, as far as a tunnel needs them: what leaves is masqueraded, what must not pass is dropped.
// Here as a value and as nft(8) reads it; nft-messages.ts has it as the kernel does.
import { formatPrefix, type Prefix } from '../../../../shared/net/prefix.ts'

export type NftTable = {
  /** Of the family inet. */
  readonly name: string
  /** What whoever takes the table away should know; `nft list` shows it as the comment. At most 120 octets, no quotes. */
  readonly note?: string
  readonly chains: readonly NftChain[]
}

export type NftChain = {
  readonly name: string
  readonly type: 'filter' | 'nat'
  readonly hook: 'forward' | 'postrouting'
  readonly priority: number
  readonly rules: readonly NftRule[]
}

export type NftRule = {
  /** All of them. */
  readonly matches: readonly NftMatch[]
  readonly verdict: 'accept' | 'drop' | 'masquerade'
}

export type NftMatch =
  | {
      readonly kind: 'device'
      readonly way: 'in' | 'out'
      readonly isNot?: true
      readonly name: string
    }
  | { readonly kind: 'address'; readonly end: 'source' | 'destination'; readonly network: Prefix }
  | { readonly kind: 'port'; readonly transport: 'udp' | 'tcp'; readonly port: number }

/** For `nft -f`: replaces a table of the name as one step. */
export function formatTable({ name, chains }: NftTable): string {
  const table = `table inet ${name}`
  const lines = chains.flatMap((chain) => [
    `  chain ${chain.name} {`,
    `    type ${chain.type} hook ${chain.hook} priority ${chain.priority}; policy accept;`,
    ...chain.rules.map(
      ({ matches, verdict }) => `    ${[...matches.map(formatMatch), verdict].join(' ')}`,
    ),
    '  }',
  ])
  return [table, `delete ${table}`, `${table} {`, ...lines, '}', ''].join('\n')
}

function formatMatch(match: NftMatch): string {
  if (match.kind === 'device')
    return `${match.way === 'in' ? 'iifname' : 'oifname'}${match.isNot === true ? ' !=' : ''} "${match.name}"`
  if (match.kind === 'port') return `${match.transport} dport ${match.port}`
  const family = match.network.octets.length === 4 ? 'ip' : 'ip6'
  return `${family} ${match.end === 'source' ? 'saddr' : 'daddr'} ${formatPrefix(match.network)}`
}
