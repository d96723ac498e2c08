// A response policy zone, compiled (draft-vixie-dnsop-dns-rpz): rules by the name that is asked, by the client, by addresses in
// the answer, and by the servers of the zones on the way. What a rule says is found by a number.
import { canonicalName, formatName, isAtOrBelow, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { parsePrefix, type Prefix } from '../../../../shared/net/prefix.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import type { EntryState } from '../../../../shared/zone-text/entry-context.ts'
import type { ReadRecord } from '../../../../shared/zone-text/record-sink.ts'
import { GENERATED_LIMIT } from '../../../../shared/zone-text/zone-text.ts'
import { EntryReader } from '../../../../shared/zone-text/zone-text-entry.ts'
import { LIST_LIMITS } from '../policy/policy-list.ts'
import { STEP_LINES, type Steps } from '../policy/steps.ts'
import { actionOf, joinedAction, type RpzAction } from './rpz-action.ts'
import { AddressRules, NameRules } from './rule-tables.ts'

type Trigger = 'client' | 'qname' | 'ip' | 'nsdname' | 'nsip'

export type PolicyZoneSource = {
  /** What clients are told. */
  readonly name: string
  readonly file: string
  readonly text: Uint8Array
  /** What relative names end in, where the text does not say. */
  readonly origin: Name
  /** As NameTable has it. */
  readonly seed: number
  /** Of somebody else's zone: what is wrong in it is left out, and all the rest is read. */
  readonly isCopy?: boolean
}

/** For files that name no origin: what stands before it is all that counts. */
export const ZONE_ORIGIN = '\x03rpz\x07invalid\0' as Name

/** Records that say something of the zone itself, or of its signatures, and nothing of names. */
const OWN_TYPES: ReadonlySet<number> = new Set([
  TYPE.SOA,
  TYPE.NS,
  TYPE.RRSIG,
  TYPE.NSEC,
  TYPE.NSEC3,
  TYPE.NSEC3PARAM,
  TYPE.DNSKEY,
  TYPE.DS,
])

export class PolicyZone {
  readonly name: string
  readonly file: string
  readonly #problems: Problem[] = []
  readonly #names: { readonly qname: NameRules; readonly nsdname: NameRules }
  readonly #addresses = {
    client: new AddressRules(),
    ip: new AddressRules(),
    nsip: new AddressRules(),
  }
  /** By number; the actions without more to them stand once. */
  readonly #actions: RpzAction[] = [{ kind: 'passthru' }]
  readonly #plain = new Map<string, number>()
  #apex: Name | undefined
  #soaRdata: Uint8Array | undefined

  private constructor({ name, file, seed }: PolicyZoneSource) {
    this.name = name
    this.file = file
    this.#names = { qname: new NameRules(seed), nsdname: new NameRules(seed) }
  }

  /** The zone of a text, with what is wrong in it. */
  static *read(source: PolicyZoneSource): Steps<PolicyZone> {
    const zone = new PolicyZone(source)
    yield* zone.#readText(source)
    return zone
  }

  /** At most as many as a list tells. */
  get problems(): readonly Problem[] {
    return this.#problems
  }

  /** Timers and serial of the zone itself; undefined when it does not begin with a SOA record. */
  get soaRdata(): Uint8Array | undefined {
    return this.#soaRdata
  }

  get size(): number {
    const { client, ip, nsip } = this.#addresses
    return this.#names.qname.size + this.#names.nsdname.size + client.size + ip.size + nsip.size
  }

  get octets(): number {
    return this.#names.qname.octets + this.#names.nsdname.octets
  }

  /** Whether it tells clients apart. */
  get hasClients(): boolean {
    return this.#addresses.client.size > 0
  }

  /** Whether the servers of zones matter. */
  get hasServers(): boolean {
    return this.#names.nsdname.size + this.#addresses.nsip.size > 0
  }

  /** `name` is canonical. */
  ofName(trigger: 'qname' | 'nsdname', name: Name): RpzAction | undefined {
    const rule = this.#names[trigger].find(name)
    return rule === 0 ? undefined : this.#actions[rule]
  }

  /** `octets` are 4 or 16. */
  ofAddress(trigger: 'client' | 'ip' | 'nsip', octets: Uint8Array): RpzAction | undefined {
    const rule = this.#addresses[trigger].find(octets)
    return rule === 0 ? undefined : this.#actions[rule]
  }

  *#readText({ text, file, origin, isCopy = false }: PolicyZoneSource): Steps<void> {
    const octets = Buffer.from(text.buffer, text.byteOffset, text.length)
    let startLine = 1
    const add = (record: ReadRecord): void => {
      const wrong = this.#add(record)
      if (wrong !== undefined) this.#note(wrong, { file, line: startLine + record.line })
    }
    const reader = new EntryReader(octets, { add })
    let generated = 0
    let state: EntryState = { ...AT_THE_START, origin }
    const mayGoOn = (): boolean => isCopy || this.#problems.length < LIST_LIMITS.problems
    for (let at = 0; at < octets.length && mayGoOn();) {
      startLine = reader.line
      reader.begin(at, startLine, state)
      for (let entries = 0; entries < STEP_LINES && !reader.isAtEnd; entries++) {
        const read = reader.readEntry()
        if (typeof read === 'object')
          this.#note('A policy zone is one file: $INCLUDE is not read', {
            file,
            line: startLine + read.line,
          })
        if (generated + reader.generatedCount > GENERATED_LIMIT) break
      }
      for (const { severity, line, message } of reader.problems)
        if (severity === 'error') this.#note(message, { file, line: startLine + line })
      generated += reader.generatedCount
      if (generated > GENERATED_LIMIT) {
        this.#note(`$GENERATE makes more than ${GENERATED_LIMIT} records`, { file })
        break
      }
      ;({ at, state } = reader)
      yield
    }
    if (this.#apex === undefined && this.#problems.length === 0) this.#note(NO_SOA, { file })
    this.#names.qname.trim()
    this.#names.nsdname.trim()
  }

  #note(message: string, place: { readonly file: string; readonly line?: number }): void {
    if (this.#problems.length < LIST_LIMITS.problems) this.#problems.push(problem(message, place))
  }

  /** The sentence says what is wrong. */
  #add(record: ReadRecord): string | undefined {
    const owner = canonicalName(record.ownerName())
    if (this.#apex === undefined) {
      if (record.type !== TYPE.SOA) return NO_SOA
      this.#apex = owner
      this.#soaRdata = Uint8Array.from(record.rdata.subarray(0, record.rdataOctets))
    }
    if (owner === this.#apex || OWN_TYPES.has(record.type)) return undefined
    if (!isAtOrBelow(owner, this.#apex)) return `Is not below ${formatName(this.#apex)}`
    const trigger = (owner.slice(0, owner.length - this.#apex.length) + '\0') as Name
    const rdata = Uint8Array.from(record.rdata.subarray(0, record.rdataOctets))
    const action = actionOf(trigger, record.type, record.ttlSeconds, rdata)
    return action.ok ? this.#put(trigger, action.value) : action.error
  }

  #put(trigger: Name, action: RpzAction): string | undefined {
    const labels = labelsOf(trigger)
    const last = labels.at(-1)!
    if (!last.startsWith('rpz-')) return this.#putName(this.#names.qname, trigger, action)
    const kind = SUFFIXES[last]
    if (kind === undefined) return `Is no trigger: ${last}`
    if (kind === 'nsdname') {
      const server = (trigger.slice(0, trigger.length - last.length - 2) + '\0') as Name
      return server.length > 1
        ? this.#putName(this.#names.nsdname, server, action)
        : 'Expected a name before rpz-nsdname'
    }
    const prefix = prefixOf(labels.slice(0, -1))
    if (!prefix.ok) return prefix.error
    const rules = this.#addresses[kind]
    const old = rules.own(prefix.value)
    rules.put(prefix.value, this.#joined(old, action))
    return undefined
  }

  #putName(rules: NameRules, owner: Name, action: RpzAction): string | undefined {
    const old = rules.own(owner)
    if (rules.names >= LIST_LIMITS.names) return `More than ${LIST_LIMITS.names} names in one zone`
    rules.put(owner, this.#joined(old, action))
    return undefined
  }

  /** The number of `action`, or of what it makes of the rule `old`. */
  #joined(old: number, action: RpzAction): number {
    if (old !== 0) {
      const before = this.#actions[old]!
      if (before.kind === 'data') this.#actions[old] = joinedAction(before, action)
      return old
    }
    if (action.kind === 'data' || action.kind === 'alias') return this.#actions.push(action) - 1
    const known = this.#plain.get(action.kind)
    if (known !== undefined) return known
    const made = this.#actions.push(action) - 1
    this.#plain.set(action.kind, made)
    return made
  }
}

/** `24.0.2.0.192` or `32.zz.db8.2001`: the length, then the address from its end; `zz` stands for `::`. */
function prefixOf(labels: readonly string[]): Result<Prefix, string> {
  const [bits = '', ...reversed] = labels
  const groups = reversed.toReversed()
  const isIpv4 = groups.length === 4 && groups.every((group) => /^\d{1,3}$/.test(group))
  const gap = groups.indexOf('zz')
  const address = isIpv4
    ? groups.join('.')
    : gap < 0
      ? groups.join(':')
      : `${groups.slice(0, gap).join(':')}::${groups.slice(gap + 1).join(':')}`
  const prefix = parsePrefix(`${address}/${bits}`)
  return prefix === undefined
    ? err(`Is no prefix: ${labels.join('.')} (its length, then the address from its end)`)
    : ok(prefix)
}

function labelsOf(name: Name): string[] {
  const labels: string[] = []
  for (let at = 0; name.charCodeAt(at) !== 0; at += 1 + name.charCodeAt(at))
    labels.push(name.slice(at + 1, at + 1 + name.charCodeAt(at)))
  return labels
}

const NO_SOA = 'A policy zone begins with its SOA record'
const AT_THE_START = {
  owner: undefined,
  defaultTtl: undefined,
  lastTtl: undefined,
  lost: undefined,
} as const

const SUFFIXES: { readonly [label: string]: Exclude<Trigger, 'qname'> | undefined } = {
  'rpz-client-ip': 'client',
  'rpz-ip': 'ip',
  'rpz-nsdname': 'nsdname',
  'rpz-nsip': 'nsip',
}
