// A tree of zones, signed from the root down by our own signer or by others' text, and what its servers say.
import { checkClaim } from '../../appliances/resolver/core/validate/claim-check.ts'
import { DEFAULT_POLICY } from '../../appliances/resolver/core/validate/check-limits.ts'
import type {
  Claim,
  Evidence,
  Need,
  Verdict,
} from '../../appliances/resolver/core/validate/claim.ts'
import { TrustMemory } from '../../appliances/resolver/core/validate/trust-memory.ts'
import type { ChainSetup } from '../../appliances/resolver/core/validate/trust-chain.ts'
import type { ZoneKey } from '../../appliances/dns/core/dnssec/key-file.ts'
import type { Denial } from '../../appliances/dns/core/dnssec/signing-plan.ts'
import type { Nameserver } from '../../appliances/dns/core/answer/nameserver.ts'
import type { AlgorithmName } from '../../shared/dnssec/algorithms.ts'
import { dsRdata } from '../../shared/dnssec/dnskey.ts'
import type { Message } from '../../shared/dns/message.ts'
import { canonicalName, formatName, isAtOrBelow, ROOT, type Name } from '../../shared/dns/name.ts'
import { formatRdata } from '../../shared/dns/rdata.ts'
import { TYPE, typeNumber, typeText } from '../../shared/dns/record-types.ts'
import { claimOf } from './claims.ts'
import { compactServer, keysOf, makeKey, SETTINGS, signWhole } from './signed-zone.ts'
import type { ScriptedInternet } from './scripted-internet.ts'
import { clientOf, name, queryOf, send, serverOf, zoneOf } from './zones.ts'

export type ZonePlan = {
  readonly origin: string
  /** Besides SOA and NS. Relative names end in the origin. */
  readonly text: string
  /** By us; without it the zone is unsigned, unless `signed` is there. */
  readonly sign?: {
    readonly denial: Denial
    readonly algorithm?: AlgorithmName
    /** Instead of one that is made for it. */
    readonly key?: ZoneKey
  }
  /** Text and DS lines of a zone that someone else signed. */
  readonly signed?: { readonly text: string; readonly ds: string }
  /** What the parent says instead of the right DS; empty for none. */
  readonly ds?: string
  /** Addresses of more servers; nobody is there unless someone is put there. */
  readonly spares?: readonly string[]
}

/** The moment at which all is signed. */
export const SIGNED_AT = 1_764_000_000

export class SignedHierarchy {
  readonly setup: ChainSetup
  /** What was asked for as evidence, in order. */
  readonly asked: string[] = []
  /** By origin: the root's is 192.0.2.1. */
  readonly addresses: ReadonlyMap<Name, string>
  readonly #servers = new Map<Name, Nameserver>()

  constructor(
    plans: readonly ZonePlan[],
    setup: Partial<ChainSetup> = {},
    nowSeconds: number = SIGNED_AT,
  ) {
    const lines = new Map<Name, string[]>(plans.map((plan) => [name(plan.origin), []]))
    let rootDs: Uint8Array | undefined
    const origins = [...lines.keys()].sort((a, b) => a.length - b.length)
    this.addresses = new Map(
      origins.map((origin, i) => [origin, `192.0.${2 + (i >> 7)}.${(i & 127) + 1}`]),
    )
    // Children first, since their DS records are the parent's to sign.
    for (const plan of [...plans].sort((a, b) => labels(b.origin) - labels(a.origin))) {
      const origin = name(plan.origin)
      const parent = closest([...lines.keys()], origin, true)
      const add = (line: string): void => void lines.get(parent ?? origin)!.push(line)
      const address = this.addresses.get(origin)!
      const host = plan.origin === '.' ? 'ns.' : `ns.${plan.origin}`
      if (parent !== undefined) add(`${plan.origin} NS ${host}\n${host} A ${address}`)
      const spare = (plan.spares ?? []).map((_, i) => `${plan.origin} NS ns${i}.${plan.origin}`)
      if (parent !== undefined) for (const line of spare) add(line)
      if (parent !== undefined)
        for (const [i, at] of (plan.spares ?? []).entries()) add(`ns${i}.${plan.origin} A ${at}`)
      const soa = '@ SOA ns hostmaster 1 7200 3600 1209600 300'
      const head = `$TTL 3600\n${soa}\n@ NS ns\nns A ${address}\n`
      const unsigned = `${head}${plan.text}\n${lines.get(origin)!.join('\n')}\n`
      if (plan.signed !== undefined || plan.sign === undefined) {
        this.#servers.set(origin, serverOf(zoneOf(plan.origin, plan.signed?.text ?? unsigned)))
        if (parent !== undefined) add(plan.ds ?? plan.signed?.ds ?? '')
        continue
      }
      const key = plan.sign.key ?? makeKey(plan.sign.algorithm)
      const ds = dsRdata(origin, key.dnskey)
      if (parent === undefined) rootDs = ds
      else add(plan.ds ?? `${plan.origin} DS ${formatRdata(TYPE.DS, ds)}`)
      if (plan.sign.denial === 'compact') {
        const zone = zoneOf(plan.origin, unsigned)
        const { server } = compactServer(zone, { key, nowSeconds: () => nowSeconds })
        this.#servers.set(origin, server)
        continue
      }
      const keys = keysOf(origin, key)
      const { signed } = signWhole(
        zoneOf(plan.origin, unsigned),
        { keys: { ...keys, cds: [], cdnskeys: [] }, serial: 1, nowSeconds },
        { ...SETTINGS, denial: plan.sign.denial },
      )
      this.#servers.set(origin, serverOf(signed))
    }
    this.setup = {
      trust: {
        anchors: new Map(rootDs === undefined ? [] : [[ROOT, [rootDs]]]),
        negative: new Set(),
      },
      memory: new TrustMemory(),
      policy: DEFAULT_POLICY,
      ...setup,
    }
  }

  /** Puts each zone's server where its parent says. */
  attach(internet: ScriptedInternet): void {
    for (const [origin, server] of this.#servers)
      internet.servers.set(this.addresses.get(origin)!, (packet, transport) => {
        const out = new Uint8Array(65_535)
        return out.slice(
          0,
          server.handle(packet, clientOf(transport === 'udp' ? 'udp' : 'tcp'), out),
        )
      })
  }

  /** `www.example.test. A`, asked of the servers of the zone it is in. */
  answer(question: string): Message {
    const [qname, qtype] = question.split(' ')
    const owner = canonicalName(name(qname!))
    const zone = closest([...this.#servers.keys()], owner, qtype === 'DS')
    return this.at(formatName(zone ?? ROOT), question)
  }

  /** Asked of the servers of one zone. */
  at(origin: string, question: string): Message {
    const query = queryOf(question, { transport: 'tcp', edns: 4096, dnssecOk: true })
    return send(this.#servers.get(name(origin))!, query, 'tcp')
  }

  claim(question: string): Claim {
    const [qname, qtype] = question.split(' ')
    const owner = canonicalName(name(qname!))
    return claimOf(this.answer(question), owner, typeNumber(qtype!)!)
  }

  /** Of what the servers say, or of another claim; evidence may be changed on its way. */
  check(
    claim: Claim | string,
    options: {
      readonly nowSeconds?: number
      readonly setup?: Partial<ChainSetup>
      readonly change?: (evidence: Claim) => Evidence
    } = {},
  ): Verdict {
    const { nowSeconds = SIGNED_AT + 3600, change = (evidence) => evidence } = options
    const start = typeof claim === 'string' ? this.claim(claim) : claim
    const check = checkClaim(
      start,
      { ...this.setup, ...options.setup },
      {
        nowSeconds,
        isRetry: false,
      },
    )
    for (let step = check.next(undefined); ;) {
      if (step.done === true) return step.value
      const question = questionText(step.value)
      this.asked.push(question)
      step = check.next(change(this.claim(question)))
    }
  }
}

export function questionText({ qname, qtype }: Need): string {
  return `${formatName(qname)} ${typeText(qtype)}`
}

function closest(origins: readonly Name[], qname: Name, isAbove: boolean): Name | undefined {
  const above = origins.filter((origin) => {
    return isAtOrBelow(qname, origin) && (!isAbove || origin !== qname)
  })
  return above.sort((a, b) => b.length - a.length)[0]
}

function labels(origin: string): number {
  return origin === '.' ? 0 : origin.split('.').length
}
