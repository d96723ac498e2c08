// An Internet made from a seed: a root, top-level domains and zones below them, signed and not, each on several servers in
// virtual time, of which all but one may be broken in some way.
import { ChainValidator } from '../../appliances/resolver/core/validate/chain-validator.ts'
import { FLAG, RCODE, type Message } from '../../shared/dns/message.ts'
import { Random } from './random-zone.ts'
import { decoded, rewrite, ScriptedInternet, type Script } from './scripted-internet.ts'
import { SignedHierarchy, SIGNED_AT, type ZonePlan } from './signed-hierarchy.ts'
import { name } from './zones.ts'

export type Expected = {
  readonly question: string
  readonly security: 'secure' | 'insecure'
  readonly rcode: number
  /** Data of the last name, as `shown` gives it; none for what is not there. */
  readonly data: readonly string[]
}

export type VirtualInternet = {
  readonly internet: ScriptedInternet
  readonly expected: readonly Expected[]
  readonly servers: number
}

const LEAF = `
www A 198.51.100.1
alias CNAME www
*.wild A 198.51.100.2
b.ent A 198.51.100.3
`
/** Questions below a zone, and what they come to. */
const ASKED: readonly (readonly [label: string, rcode: number, data: string | undefined])[] = [
  ['www', RCODE.NOERROR, '198.51.100.1'],
  ['alias', RCODE.NOERROR, '198.51.100.1'],
  ['x.wild', RCODE.NOERROR, '198.51.100.2'],
  ['ent', RCODE.NOERROR, undefined],
  ['nx', RCODE.NXDOMAIN, undefined],
]

export function virtualInternet(seed: number, size: number): VirtualInternet {
  const random = new Random(seed)
  const plans = plansOf(random, size)
  const tree = new SignedHierarchy(plans)
  const internet = new ScriptedInternet({ validator: new ChainValidator(tree.setup) })
  internet.nowMs = (SIGNED_AT + 3600) * 1000
  tree.attach(internet)
  let servers = 0
  for (const [origin, address] of tree.addresses) {
    servers += 1 + plans.find((plan) => name(plan.origin) === origin)!.spares!.length
    const good = internet.servers.get(address)!
    for (const spare of plans.find((plan) => name(plan.origin) === origin)!.spares!)
      internet.servers.set(spare, random.of(FAULTS)(good))
  }
  const expected = plans
    .filter(({ text }) => text !== '')
    .flatMap(({ origin, sign }) =>
      ASKED.map(([label, rcode, data]): Expected => {
        const isBelow = label === 'alias' ? `www.${origin}` : `${label}.${origin}`
        const owner = label === 'x.wild' ? `x.wild.${origin}` : isBelow
        return {
          question: `${label}.${origin} A`,
          security: sign !== undefined && isReached(plans, origin) ? 'secure' : 'insecure',
          rcode,
          data: data === undefined ? [] : [`${owner} A ${data}`],
        }
      }),
    )
  return { internet, expected, servers }
}

/** Whether every zone above is signed too. */
function isReached(plans: readonly ZonePlan[], origin: string): boolean {
  return plans.every(
    ({ origin: other, sign }) => sign !== undefined || !`.${origin}`.endsWith(`.${other}`),
  )
}

function plansOf(random: Random, size: number): ZonePlan[] {
  const sign = (percent: number): Pick<ZonePlan, 'sign'> => {
    if (!random.chance(percent)) return {}
    return { sign: { denial: random.of(['nsec', 'nsec3']), algorithm: 'ED25519' } }
  }
  let host = 0
  const spares = (): string[] =>
    Array.from({ length: random.below(3) }, () => `203.0.113.${++host}`)
  const tops = Array.from({ length: 1 + Math.floor(size / 8) }, (_, i) => `tld${i}.`)
  const plans: ZonePlan[] = [
    { origin: '.', text: '', sign: { denial: 'nsec', algorithm: 'ED25519' }, spares: [] },
  ]
  for (const origin of tops) plans.push({ origin, text: '', ...sign(80), spares: spares() })
  for (let i = plans.length; i < size; i++) {
    const above = random.chance(70) ? random.of(tops) : random.of(plans.slice(1)).origin
    plans.push({ origin: `z${i}.${above}`, text: LEAF, ...sign(60), spares: spares() })
  }
  return plans
}

/** What a broken server makes of the answers of one that is not. */
const FAULTS: readonly ((good: Script) => Script)[] = [
  // Dead, or its packets get lost.
  () => () => undefined,
  (good) => {
    let count = 0
    return (packet, transport) => (count++ % 3 === 0 ? good(packet, transport) : undefined)
  },
  // Lame, or out of order.
  (good) =>
    rewrite(good, (message) => ({
      ...message,
      rcode: RCODE.REFUSED,
      answers: [],
      authorities: [],
      additionals: [],
    })),
  (good) =>
    rewrite(good, (message) => ({
      ...message,
      rcode: RCODE.SERVFAIL,
      answers: [],
      authorities: [],
      additionals: [],
    })),
  // Noise, half an answer, the answer of another question.
  () => () => Uint8Array.from({ length: 40 }, (_, i) => (i * 37) & 0xff),
  (good) => (packet, transport) => {
    const answer = good(packet, transport)
    return answer instanceof Uint8Array ? answer.slice(0, answer.length >> 1) : answer
  },
  (good) => rewrite(good, (message) => ({ ...message, id: message.id ^ 1 })),
  // Everything by TCP.
  (good) => (packet, transport) =>
    transport === 'udp'
      ? rewrite(good, (message) => ({
          ...message,
          flags: message.flags | FLAG.TC,
          answers: [],
          authorities: [],
          additionals: [],
        }))(packet, transport)
      : good(packet, transport),
  // From before EDNS.
  (good) => (packet, transport) =>
    decoded(packet).edns === undefined
      ? good(packet, transport)
      : rewrite(good, (message) => ({
          ...withoutEdns(message),
          rcode: RCODE.FORMERR,
          answers: [],
          authorities: [],
          additionals: [],
        }))(packet, transport),
]

function withoutEdns(message: Message): Message {
  const { id, opcode, flags, rcode, questions, answers, authorities, additionals } = message
  return { id, opcode, flags, rcode, questions, answers, authorities, additionals }
}
