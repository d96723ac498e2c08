// The configuration of a scenario, in the words of unbound.conf, as options of our machine. What would change an answer
// and is not here is named as unsupported; what only tunes is passed over.
import type { Delegation } from '../../../appliances/resolver/core/iterate/delegation.ts'
import { hintsOf, rootHints } from '../../../appliances/resolver/core/iterate/root-hints.ts'
import type { Upstream } from '../../../appliances/resolver/core/iterate/upstream.ts'
import { atOnce } from '../../../appliances/resolver/core/policy/steps.ts'
import { PolicyZone } from '../../../appliances/resolver/core/rpz/policy-zone.ts'
import type { ResolverOptions } from '../../../appliances/resolver/core/options.ts'
import {
  parseAnchors,
  type TrustSetup,
} from '../../../appliances/resolver/core/validate/trust-anchors.ts'
import { canonicalName, parseName, ROOT, type Name } from '../../../shared/dns/name.ts'
import { formatProblem } from '../../../shared/result/problem.ts'
import type { Line } from './scenario.ts'
import { Unsupported } from './unsupported.ts'

export type Settings = {
  /** Response policy zones. */
  readonly zones: readonly PolicyZone[]
  readonly options: Pick<
    ResolverOptions,
    'delegations' | 'minimisation' | 'ipv4' | 'ipv6' | 'prefetch' | 'aggressiveNsec' | 'stale'
  >
  readonly trust: TrustSetup
  readonly validates: boolean
  /** Where the machine's time begins. */
  readonly nowMs: number | undefined
  readonly sendsToLoopback: boolean
  readonly sendsExtendedErrors: boolean
  readonly staleTtlSeconds: number
}

export function parseSettings(lines: readonly Line[]): Settings {
  const anchors: string[] = []
  const negative = new Set<Name>()
  const zones: ZoneTable[] = []
  let table = 'server'
  let validates = true
  let nowMs: number | undefined
  let staleMs = 1800
  let staleTtlSeconds = 30
  const flags = {
    aggressive: true,
    minimises: true,
    ipv4: true,
    ipv6: true,
    loopback: false,
    stale: false,
    ede: false,
    prefetch: false,
  }
  const policies: PolicyTable[] = []
  const { left, texts } = takeFiles(lines)
  for (const { text, number } of left.flatMap(splitTable)) {
    const [, key = '', rest = ''] = /^([\w-]+):\s*(.*)$/.exec(text) ?? []
    const value = rest.replace(/^"(.*)"$/, '$1').trim()
    const isOn = ON.has(value)
    if (key === '') throw new Unsupported(text, number)
    if (value === '' && TABLES.has(key)) {
      table = key
      if (key === 'rpz') policies.push({ line: number })
      else if (key !== 'server')
        zones.push({
          kind: key === 'stub-zone' ? 'stub' : 'forward',
          line: number,
          addresses: [],
          hosts: [],
          fallsBack: false,
        })
    } else if (key === 'stub-addr' && table === 'server')
      zones.push({
        kind: 'stub',
        line: number,
        name: ROOT,
        addresses: [value],
        hosts: [],
        fallsBack: false,
      })
    else if (table === 'rpz') setPolicy(policies.at(-1)!, key, value, number)
    else if (table !== 'server') setZone(zones.at(-1)!, key, value, number)
    else if (key === 'trust-anchor') anchors.push(value.replace(/[()]/g, ' '))
    else if (key === 'domain-insecure') negative.add(nameOf(value, number))
    else if (key === 'val-override-date' || key === 'val-override-timestamp')
      nowMs = timeOf(value, number)
    else if (key === 'qname-minimisation' || key === 'query-minimization') flags.minimises = isOn
    else if (key === 'do-ip4') flags.ipv4 = isOn
    else if (key === 'do-ip6') flags.ipv6 = isOn
    else if (key === 'do-not-query-localhost') flags.loopback = !isOn
    else if (key === 'serve-expired') flags.stale = isOn
    else if (key === 'serve-expired-client-timeout') staleMs = Number(value)
    else if (key === 'serve-expired-reply-ttl') staleTtlSeconds = Number(value)
    else if (key === 'prefetch') flags.prefetch = isOn
    else if (key === 'aggressive-nsec') flags.aggressive = isOn
    else if (key === 'ede') flags.ede = isOn
    else if (key === 'local-zone' && /\snodefault$/.test(value)) continue
    else if (key === 'module-config') {
      // The policy zones are ours whether a module is named for them or not.
      const modules = value.split(/\s+/).filter((name) => !/^(?:iterator|respip)$/.test(name))
      validates = modules.includes('validator')
      const other = modules.find((name) => name !== 'validator')
      if (other !== undefined) throw new Unsupported(`module ${other}`, number)
    } else if (!isHarmless(key, value)) throw new Unsupported(`${key}: ${value}`, number)
  }
  const parsed = parseAnchors(anchors.join('\n'), 'trust-anchor')
  if (parsed.problems.length > 0) throw new Unsupported(parsed.problems[0]!.message, 0)
  return {
    zones: policies.map((policy) => policyOf(policy, texts)),
    options: {
      delegations: delegationsOf(zones),
      minimisation: flags.minimises ? 'relaxed' : 'off',
      ipv4: flags.ipv4,
      ipv6: flags.ipv6,
      prefetch: flags.prefetch,
      aggressiveNsec: flags.aggressive,
      stale: { isServed: flags.stale, clientMs: staleMs },
    },
    trust: { anchors: parsed.anchors, negative },
    validates: validates && parsed.anchors.size > 0,
    nowMs,
    sendsToLoopback: flags.loopback,
    sendsExtendedErrors: flags.ede,
    staleTtlSeconds,
  }
}

type PolicyTable = { readonly line: number; name?: Name; file?: string }

/** Files that stand in the scenario itself, and the lines without them. */
function takeFiles(lines: readonly Line[]): {
  readonly left: readonly Line[]
  readonly texts: ReadonlyMap<string, string>
} {
  const left: Line[] = []
  const texts = new Map<string, string>()
  let file: string | undefined
  for (const line of lines) {
    const [word = '', name = ''] = line.text.split(/\s+/)
    if (word === 'TEMPFILE_END') file = undefined
    else if (file !== undefined) texts.set(file, `${texts.get(file)}${line.raw ?? ''}\n`)
    else if (word === 'TEMPFILE_CONTENTS') texts.set((file = name), '')
    // The file's name stands behind `zonefile:`, on the next line.
    else if (word === 'TEMPFILE_NAME') left.push({ ...line, text: `zonefile: "${name}"` })
    else if (line.text !== 'zonefile:') left.push(line)
  }
  return { left, texts }
}

function setPolicy(policy: PolicyTable, key: string, value: string, line: number): void {
  if (key === 'name') policy.name = nameOf(value, line)
  else if (key === 'zonefile') policy.file = value
  else if (key !== 'rpz-log' && key !== 'rpz-log-name')
    throw new Unsupported(`${key}: ${value}`, line)
}

function policyOf(
  { name, file, line }: PolicyTable,
  texts: ReadonlyMap<string, string>,
): PolicyZone {
  const text = texts.get(file ?? '')
  if (name === undefined || file === undefined || text === undefined)
    throw new Unsupported('an rpz table without name and zonefile', line)
  const zone = atOnce(
    PolicyZone.read({ name: file, file, text: Buffer.from(text), origin: name, seed: 7 }),
  )
  const [fault] = zone.problems
  if (fault !== undefined) throw new Unsupported(formatProblem(fault), line)
  return zone
}

/** A table's first option may stand behind its name. */
function splitTable({ text, number }: Line): Line[] {
  const [, table = '', rest = ''] = /^([\w-]+:)\s+(\S.*)$/.exec(text) ?? []
  if (!TABLES.has(table.slice(0, -1))) return [{ text, number }]
  const options = rest.match(/[\w-]+:\s*\S+/g) ?? []
  return [table, ...options].map((option) => ({ text: option, number }))
}

type ZoneTable = {
  readonly kind: 'stub' | 'forward'
  readonly line: number
  name?: Name
  readonly addresses: string[]
  readonly hosts: Name[]
  fallsBack: boolean
}

function setZone(zone: ZoneTable, key: string, value: string, line: number): void {
  if (key === 'name') zone.name = nameOf(value, line)
  else if (key === 'stub-addr' || key === 'forward-addr') zone.addresses.push(value)
  else if (key === 'stub-host' || key === 'forward-host') zone.hosts.push(nameOf(value, line))
  else if (key === 'stub-first' || key === 'forward-first') zone.fallsBack = ON.has(value)
  else if (key !== 'stub-prime') throw new Unsupported(`${key}: ${value}`, line)
}

function delegationsOf(tables: readonly ZoneTable[]): Delegation[] {
  const roots = tables.filter(({ name, kind }) => name === ROOT && kind === 'stub')
  const root = roots.flatMap(serversOf)
  const delegations: Delegation[] = [root.length > 0 ? hintsOf(root) : rootHints()]
  for (const zone of tables) {
    if (roots.includes(zone)) continue
    if (zone.name === undefined) throw new Unsupported('a zone without name', zone.line)
    const { name, kind, fallsBack } = zone
    const servers = serversOf(zone)
    delegations.push({ zone: name, kind, servers, expiresMs: Infinity, fallsBack, inOrder: false })
  }
  return delegations
}

function serversOf({ name = ROOT, addresses, hosts }: ZoneTable): Delegation['servers'] {
  const upstreams = addresses.map((address): Upstream => {
    const [host = '', port = '53'] = address.toLowerCase().split('@')
    return { address: host, port: Number(port), protocol: 'plain' }
  })
  const known = upstreams.length === 0 ? [] : [{ name, upstreams }]
  return [...known, ...hosts.map((host) => ({ name: host, upstreams: [] }))]
}

function nameOf(text: string, line: number): Name {
  const parsed = parseName(text, ROOT)
  if (!parsed.ok) throw new Unsupported(parsed.error, line)
  return canonicalName(parsed.value)
}

/** `20070916134226`, or seconds since 1970. */
function timeOf(text: string, line: number): number {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text)
  if (parts !== null) {
    const [year, month, ...rest] = parts.slice(1).map(Number) as [number, number, ...number[]]
    return Date.UTC(year, month - 1, rest[0], rest[1], rest[2], rest[3])
  }
  if (/^[0-9]{1,10}$/.test(text)) return Number(text) * 1000
  throw new Unsupported(`a time of ${text}`, line)
}

/** Options that only tune; and the values of others that say what our machine does anyway. */
function isHarmless(key: string, value: string): boolean {
  return TUNING.has(key) || DEFAULTS[key]?.includes(value) === true
}

const ON: ReadonlySet<string> = new Set(['yes', 'on', 'true'])
const TABLES: ReadonlySet<string> = new Set(['server', 'stub-zone', 'forward-zone', 'rpz'])
const TUNING: ReadonlySet<string> = new Set(
  `target-fetch-policy trust-anchor-signaling fake-sha1 val-min-rsa-size minimal-responses iter-scrub-promiscuous
  access-control verbosity log-time-ascii log-servfail rrset-roundrobin harden-referral-path harden-unknown-additional
  outbound-msg-retry num-queries-per-thread msg-cache-size rrset-cache-size msg-cache-slabs val-log-level discard-timeout
  prefetch-key harden-unverified-glue max-global-quota val-max-restart do-udp do-tcp
  log-queries log-replies statistics-cumulative root-hints directory`.split(/\s+/),
)
const DEFAULTS: { readonly [key: string]: readonly string[] | undefined } = {
  'harden-glue': ['yes'],
  'harden-dnssec-stripped': ['yes'],
  'harden-below-nxdomain': ['yes'],
  'harden-algo-downgrade': ['no'],
  'do-nat64': ['no'],
  'serve-original-ttl': ['no'],
}
