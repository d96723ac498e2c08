// One line of a block list, in any of the four forms that lists come in: hosts file, plain names, adblock, dnsmasq.
import { canonicalName, parseName, ROOT, type Name } from '../../../../shared/dns/name.ts'
import { parseAddress } from '../../../../shared/net/address.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'

export type ListRule = {
  readonly names: readonly Name[]
  /** Whether only these names are meant, and not what lies below them: so it is in a hosts file. */
  readonly isExact: boolean
  /** An exception, in a list of the other kind too: `@@||name^`. */
  readonly isException: boolean
  /** What to answer; without, there is no such name. */
  readonly address?: Uint8Array
}

/** A line longer than this is no rule. */
const LINE_LIMIT = 4096
const SHOWN_LIMIT = 60

/** Undefined for lines that say nothing: empty ones, comments, a hosts file's names of the machine itself. */
export function parseListLine(text: string): Result<ListRule | undefined, string> {
  if (text.length > LINE_LIMIT) return err(`Is longer than ${LINE_LIMIT} characters`)
  const line = text.trim().replace(/(?:^|\s+)#.*$/, '')
  // Adblock lists have comments and a title of their own.
  if (line === '' || line.startsWith('!') || /^\[.*\]$/.test(line)) return ok(undefined)
  if (line.startsWith('||') || line.startsWith('@@')) return adblockRule(line)
  if (line.includes('=')) return dnsmasqRule(line)
  const [first = '', ...rest] = line.split(/\s+/)
  if (rest.length > 0) return hostsRule(first, rest)
  if (/^[\d.]+$|:/.test(first) && parseAddress(first) !== undefined)
    return err(`An address without a name: ${shown(line)}`)
  return ruleOf([first.startsWith('*.') ? first.slice(2) : first], {})
}

/** `0.0.0.0 name name`. */
function hostsRule(first: string, names: readonly string[]): Result<ListRule | undefined, string> {
  const address = first === '0.0.0.0' ? UNSPECIFIED : parseAddress(first)
  if (address === undefined)
    return err(`Expected one name, or an address before the names: ${shown(first)}`)
  const others = names.filter((name) => !OWN_NAMES.has(name.toLowerCase()))
  if (others.length === 0) return ok(undefined)
  return ruleOf(others, { isExact: true, ...meant(address) })
}

/** `||name^`, `||name^$important`, `@@||name^`. */
function adblockRule(line: string): Result<ListRule, string> {
  const match = /^(@@)?\|\|([^^$/|]+)\^\|?(?:\$(.*))?$/.exec(line)
  if (match === null) return err(`Expected ||name^ or @@||name^: ${shown(line)}`)
  const [, exception, name, modifiers = ''] = match
  // The others hold for some pages or some content only, which nobody can tell from a name.
  const unknown = modifiers.split(',').find((word) => !/^(?:|important|all)$/.test(word))
  if (unknown !== undefined) return err(`The modifier ${shown(unknown)} says nothing of names`)
  return ruleOf([name!], { isException: exception !== undefined })
}

/** `address=/name/name/ADDRESS`; without an address or with `#`, and with `local` and `server`, there is no such name. */
function dnsmasqRule(line: string): Result<ListRule, string> {
  const match = /^(address|local|server)=\/(.+)\/([^/]*)$/.exec(line)
  if (match === null) return err(`Expected address=/name/ADDRESS: ${shown(line)}`)
  const [, key, names, value] = match
  if (value === '' || (key === 'address' && value === '#')) return ruleOf(names!.split('/'), {})
  const address = key === 'address' ? parseAddress(value!) : undefined
  if (address === undefined) return err(`Expected an address behind ${key}=/…/: ${shown(value!)}`)
  return ruleOf(names!.split('/'), meant(address))
}

function ruleOf(
  texts: readonly string[],
  how: Partial<Omit<ListRule, 'names'>>,
): Result<ListRule, string> {
  const names: Name[] = []
  for (const text of texts) {
    // Stricter than the DNS, so that a list that is a page of HTML is noticed.
    if (!/^[A-Za-z0-9_.-]+$/.test(text)) return err(`Is no rule or name: ${shown(text)}`)
    const name = parseName(text)
    if (!name.ok) return err(`Is no name: ${name.error}`)
    if (name.value === ROOT) return err('The root cannot be in a list')
    names.push(canonicalName(name.value))
  }
  return ok({ names, isExact: false, isException: false, ...how })
}

/** Lists have the unspecified and the loopback address for "nowhere". */
function meant(address: Uint8Array): { readonly address?: Uint8Array } {
  const last = address.at(-1)!
  if (address.every((octet, i) => octet === 0 || i === address.length - 1) && last <= 1) return {}
  return address.length === 4 && address[0] === 127 ? {} : { address }
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN_LIMIT ? `${text.slice(0, SHOWN_LIMIT)}…` : text)
}

/** What nearly every line of nearly every hosts file begins with. */
const UNSPECIFIED = new Uint8Array(4)

/** What hosts files name besides others: the machine itself. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  '0.0.0.0',
  'broadcasthost',
  'ip6-allhosts',
  'ip6-allnodes',
  'ip6-allrouters',
  'ip6-localhost',
  'ip6-localnet',
  'ip6-loopback',
  'ip6-mcastprefix',
  'local',
  'localhost',
  'localhost.localdomain',
])
