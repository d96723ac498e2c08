// Makes the machine pass on what clients send to other networks: the kernel forwards, and rules of nftables masquerade.
// How it was before stands in the note of the table of rules, which ends with the machine's uptime as the kernel's switches
// do: whoever starts after a crash finds it there and puts it right at its own end. Of several gateways the last to stop does.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { openNetfilter, type Netfilter } from '../../../shared/native/netfilter.ts'
import { Fatal, ok, type Result } from '../../../shared/result/result.ts'
import {
  gatewayTable,
  gatewayTableName,
  type GatewayNetworks,
} from '../core/filter/gateway-table.ts'
import { askTables, removeTable, replaceTable, tablesIn } from '../core/filter/nft-messages.ts'

export type Forwarding = {
  /** As it was before. What went wrong, if anything did. */
  restore(): string | undefined
}

/** Before the words of a table's note. */
const NOTE = 'forwarding before: '

type Switch = { readonly word: string; readonly path: string }

const IPV4: Switch = { word: 'ipv4', path: '/proc/sys/net/ipv4/ip_forward' }
const IPV6: Switch = { word: 'ipv6', path: '/proc/sys/net/ipv6/conf/all/forwarding' }

/** The kernel's switches, for the sandbox: files to be written. */
export function forwardingFiles(): readonly string[] {
  return switchesHere().map(({ path }) => path)
}

/** Throws `Fatal` with what would help; then nothing has changed. */
export async function openForwarding(networks: GatewayNetworks): Promise<Forwarding> {
  const netfilter = await openNetfilter()
  if (netfilter === undefined)
    throw new Fatal(
      'nat = "nftables" needs Linux and Node with FFI; nat = "none" leaves the rules to you',
    )
  const name = gatewayTableName(networks.device)
  const left = forwardingTables(netfilter)
  if (!left.ok) throw refused(left.error)
  const own = left.value.find((table) => table.name === name)?.words ?? []
  const words = left.value.flatMap((table) => table.words)
  const switches = switchesHere()
  // What a run before this one that crashed, or another gateway, had switched on was off.
  const wereOff = switches.filter(
    (each) => words.includes(offWord(each)) || (!own.includes(onWord(each)) && !isOn(each)),
  )
  const note = switches.map((each) => (wereOff.includes(each) ? offWord(each) : onWord(each)))
  const table = gatewayTable(networks, `${NOTE}${note.join(' ')}`)
  const made = netfilter.request(replaceTable(table))
  if (!made.ok) throw refused(made.error)
  const wanted = switches.filter((each) => each === IPV4 || networks.ipv6 !== undefined)
  for (const each of wanted) {
    const fault = isOn(each) ? undefined : turn(each, '1')
    if (fault === undefined) continue
    restore(netfilter, name, wereOff)
    throw new Fatal(`${fault}: switch it on before (sysctl), or run as root`)
  }
  return { restore: () => restore(netfilter, name, wereOff) }
}

/** The rules last: nothing is passed on without them. While another gateway has some the kernel goes on forwarding. */
function restore(
  netfilter: Netfilter,
  name: string,
  wereOff: readonly Switch[],
): string | undefined {
  const faults: (string | undefined)[] = []
  const isLast = (): boolean => {
    const tables = forwardingTables(netfilter)
    if (!tables.ok) faults.push(`tables of nftables: ${tables.error}`)
    return tables.ok && tables.value.every((table) => table.name === name)
  }
  const turnOff = (): void => {
    for (const each of wereOff) if (isOn(each)) faults.push(turn(each, '0'))
  }
  const wasLast = isLast()
  if (wasLast) turnOff()
  const removed = netfilter.request(removeTable(name))
  if (!removed.ok && removed.error !== 'ENOENT') faults.push(`table ${name}: ${removed.error}`)
  // Two that stop at a time each saw the other.
  if (!wasLast && isLast()) turnOff()
  return faults.find((fault) => fault !== undefined)
}

/** Those of gateways, with what their notes say. */
function forwardingTables(
  netfilter: Netfilter,
): Result<readonly { readonly name: string; readonly words: readonly string[] }[], string> {
  const answer = netfilter.request(askTables())
  if (!answer.ok) return answer
  const tables = tablesIn(answer.value).flatMap(({ name, note = '' }) =>
    note.startsWith(NOTE) ? [{ name, words: note.slice(NOTE.length).split(' ') }] : [],
  )
  return ok(tables)
}

/** A kernel may be without IPv6. */
function switchesHere(): readonly Switch[] {
  return [IPV4, IPV6].filter(({ path }) => existsSync(path))
}

function offWord({ word }: Switch): string {
  return `${word}=off`
}

function onWord({ word }: Switch): string {
  return `${word}=on`
}

function isOn({ path }: Switch): boolean {
  return readFileSync(path, 'latin1').trim() !== '0'
}

function turn({ path }: Switch, value: '0' | '1'): string | undefined {
  try {
    writeFileSync(path, value)
    return undefined
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    return `${path} cannot be written (${code})`
  }
}

function refused(code: string): Fatal {
  return new Fatal(
    code === 'EPERM'
      ? 'The rules of nat = "nftables" need CAP_NET_ADMIN: run as root, or set nat = "none"'
      : `The kernel does not take the rules of nat = "nftables" (${code}): load nf_tables and nft_masq, or set nat = "none"`,
  )
}
