// Trust anchors that are kept: the file from one start to the next, and a root whose key rolls under a running machine.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AnchorKeeper } from '../../../../appliances/resolver/anchor-keeper.ts'
import {
  readAnchorState,
  writeAnchorState,
} from '../../../../appliances/resolver/anchor-state-file.ts'
import {
  anchorPoints,
  validatorOf,
  type DnssecConfig,
} from '../../../../appliances/resolver/dnssec-table.ts'
import { DEFAULT_POLICY } from '../../../../appliances/resolver/core/validate/check-limits.ts'
import {
  ANCHOR_STATES,
  openAnchor,
} from '../../../../appliances/resolver/core/validate/anchor-point.ts'
import type { RRset } from '../../../../appliances/resolver/core/rrset.ts'
import { VirtualClock } from '../../../../shared/clock/clock.ts'
import { CLASS, TYPE, typeText } from '../../../../shared/dns/record-types.ts'
import { formatName, ROOT } from '../../../../shared/dns/name.ts'
import { dsRdata } from '../../../../shared/dnssec/dnskey.ts'
import type { SigningKey } from '../../../../shared/dnssec/rrsig.ts'
import { silentLog } from '../../../../shared/log/log.ts'
import { Registry } from '../../../../shared/metrics/registry.ts'
import { formatProblem } from '../../../../shared/result/problem.ts'
import { keySet, revoked } from '../../../support/key-sets.ts'
import { rewrite, ScriptedInternet } from '../../../support/scripted-internet.ts'
import { SignedHierarchy, SIGNED_AT, type ZonePlan } from '../../../support/signed-hierarchy.ts'
import { makeKey } from '../../../support/signed-zone.ts'
import { tempDir } from '../../../support/temp.ts'
import { name } from '../../../support/zones.ts'

const DAY_MS = 86_400_000
const OLD = makeKey()
const NEW = makeKey()
const folder = tempDir('anchors')

describe('the state file', () => {
  test('comes back as it was written', () => {
    const file = join(folder, 'own', 'round.toml')
    const keys = ANCHOR_STATES.map((state, i) => ({
      ds: Uint8Array.from(dsRdata(name('example.test.'), makeKey().dnskey)),
      state,
      sinceSeconds: 1_800_000_000 + i,
      ...((state === 'add-pending' || state === 'revoked') && { untilSeconds: 1_900_000_000 }),
    }))
    const zones = new Map([
      [
        ROOT,
        [
          {
            ds: Uint8Array.from(dsRdata(ROOT, OLD.dnskey)),
            state: 'valid' as const,
            sinceSeconds: 1,
          },
        ],
      ],
      [name('example.test.'), keys],
    ])
    writeAnchorState(file, zones)
    writeAnchorState(file, zones)
    const read = readAnchorState(file)
    const plain = [...((read.ok && read.value) || [])].map(([zone, kept]) => [
      zone,
      kept.map((key) => ({ ...key, ds: Uint8Array.from(key.ds) })),
    ])
    expect(plain).toEqual([...zones])
    expect(readFileSync(file, 'utf8')).toContain('since = "1970-01-01T00:00:01Z"')
  })

  test('that is not there yet is no problem', () => {
    expect(readAnchorState(join(folder, 'none.toml'))).toEqual({ ok: true, value: undefined })
  })

  const GOOD = `[[key]]\nzone = "."\nds = "1 13 2 ${'00'.repeat(32)}"\nstate = "valid"\nsince = "2026-01-01T00:00:00Z"\n`
  test.each([
    ['', /key: Missing; expected a list/],
    ['# nothing\nkey = []\n', /:2: .*Expected at least one key/],
    [GOOD.slice(0, -30), /damaged\.toml:/],
    [GOOD.replace('valid', 'trusted'), /:4: key\[0\]\.state: Expected one of/],
    [GOOD.replace('T00', ' 00'), /:5: key\[0\]\.since: Expected a time/],
    [GOOD.replace('13 2 00', '13 2 0x'), /:3: key\[0\]\.ds: Expected a DS/],
    [GOOD.replace('valid', 'add-pending'), /add-pending has to have "until"/],
    [`${GOOD}until = "2026-01-01T00:00:00Z"\n`, /valid has no "until"/],
    [GOOD + GOOD, /This key is there twice/],
  ])('that is damaged is refused, and nothing begins: %j', (text, why) => {
    const file = join(folder, 'damaged.toml')
    writeFileSync(file, text)
    const read = readAnchorState(file)
    expect(read.ok ? '' : read.error.map(formatProblem).join('\n')).toMatch(why)
    expect(() => anchorPoints(configOf(file), 0)).toThrow(why)
  })

  test('that cannot be written ends the start', () => {
    const points = [openAnchor(ROOT, [], { ds: [dsRdata(ROOT, OLD.dnskey)], nowSeconds: 0 })]
    const world = {
      policy: DEFAULT_POLICY,
      log: silentLog,
      metrics: new Registry(),
      clock: new VirtualClock(),
    }
    const under = join(folder, 'plain-file')
    writeFileSync(under, '')
    expect(() => new AnchorKeeper(join(under, 'x.toml'), points, world)).toThrow(
      /Cannot be written/,
    )
  })
})

describe('a root whose key rolls', () => {
  test('is trusted by its new key when the old one is gone, over a restart', async () => {
    const file = join(folder, 'roll.toml')
    const anchors = join(folder, 'root.anchors')
    const digest = Buffer.from(dsRdata(ROOT, OLD.dnskey).subarray(4)).toString('hex')
    writeFileSync(anchors, `. DS ${OLD.tag} 13 2 ${digest}\n`)
    const house = new House({ ...configOf(file), anchors })
    house.publish([OLD], [OLD])
    await house.days(1)
    expect(house.security()).toBe('secure')
    house.publish([OLD, NEW], [OLD])
    await house.days(20)
    expect(house.states()).toEqual(['valid', 'add-pending'])
    house.restart()
    expect(house.states()).toEqual(['valid', 'add-pending'])
    await house.days(12)
    expect(house.states()).toEqual(['valid', 'valid'])
    house.publish([revoked(OLD), NEW], [revoked(OLD), NEW])
    await house.days(1)
    expect(house.states()).toEqual(['revoked', 'valid'])
    expect(house.security()).toBe('secure')
    house.publish([NEW], [NEW])
    await house.days(31)
    expect(house.states()).toEqual(['removed', 'valid'])
    expect(house.events).toEqual([
      `trust-anchor {"zone":".","key":${NEW.tag},"from":"start","to":"add-pending"}`,
      `trust-anchor {"zone":".","key":${NEW.tag},"from":"add-pending","to":"valid"}`,
      `trust-anchor {"zone":".","key":${OLD.tag},"from":"valid","to":"revoked"}`,
      `trust-anchor {"zone":".","key":${OLD.tag},"from":"revoked","to":"removed"}`,
    ])
    house.restart()
    await house.days(1)
    expect(house.security()).toBe('secure')
    house.publish([OLD], [OLD])
    await house.days(3)
    expect(house.security()).toBe('bogus')
    expect(house.states()).toEqual(['removed', 'valid'])
    expect(house.registry.openMetrics()).toMatch(/anchor_keys\{state="removed"\} 1/)
    house.keeper.close()
  })
})

const ROOT_ZONE_KEY = makeKey('ECDSAP256SHA256', 256)
const PLANS: readonly ZonePlan[] = [
  { origin: '.', text: '', sign: { denial: 'nsec', key: ROOT_ZONE_KEY } },
  { origin: 'test.', text: 'www A 192.0.2.9', sign: { denial: 'nsec', key: makeKey() } },
]

/** A keeper beside a machine in virtual time, in an Internet that is signed anew whenever it is asked. */
class House {
  readonly clock = new VirtualClock(SIGNED_AT * 1000)
  readonly events: string[] = []
  registry = new Registry()
  keeper!: AnchorKeeper
  #internet!: ScriptedInternet
  #keys: readonly SigningKey[] = []
  #by: readonly SigningKey[] = []
  readonly #config: DnssecConfig

  constructor(config: DnssecConfig) {
    this.#config = config
    this.restart()
  }

  publish(keys: readonly SigningKey[], by: readonly SigningKey[]): void {
    this.#keys = keys
    this.#by = by
  }

  restart(): void {
    this.keeper?.close()
    this.registry = new Registry()
    const points = anchorPoints(this.#config, this.clock.wallMs() / 1000)
    const validator = validatorOf(this.#config, points)!
    this.#internet = new ScriptedInternet({ validator })
    const say = (event: string, fields?: object): void =>
      void this.events.push(`${event} ${JSON.stringify(fields)}`)
    const log = { ...silentLog, info: say, warn: say, error: say }
    const world = { policy: DEFAULT_POLICY, log, metrics: this.registry, clock: this.clock }
    this.keeper = new AnchorKeeper(this.#config.anchorState!, points, world)
    const source = {
      askAnew: (question: { qname: typeof ROOT; qtype: number }) => {
        this.#serve()
        const text = `${formatName(question.qname)} ${typeText(question.qtype)}`
        return Promise.resolve(this.#internet.ask(text, { checkingDisabled: true }))
      },
    }
    // What is published first is there before anybody looks.
    this.clock.after(1, () => this.keeper.begin(source, (trusted) => validator.trust(trusted)))
  }

  async days(count: number): Promise<void> {
    for (let hour = 0; hour < count * 24; hour += 6) {
      this.clock.advance(DAY_MS / 4)
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    }
  }

  security(): string {
    this.#serve()
    return this.#internet.ask('www.test. A').security
  }

  states(): string[] {
    const [root] = this.keeper.status() as { keys: { state: string }[] }[]
    return root!.keys.map(({ state }) => state)
  }

  /** The hierarchy signed now, with the published keys beside the one that signs the root. */
  #serve(): void {
    const nowSeconds = Math.floor(this.clock.wallMs() / 1000)
    const tree = new SignedHierarchy(PLANS, {}, nowSeconds)
    this.#internet.nowMs = (nowSeconds + 10) * 1000
    const { cache } = this.#internet.resolver
    for (const link of cache.links()) cache.drop(link)
    tree.attach(this.#internet)
    const address = tree.addresses.get(ROOT)!
    const set = keySet(ROOT, [...this.#keys, ROOT_ZONE_KEY], { by: this.#by, nowSeconds })
    const script = rewrite(this.#internet.servers.get(address)!, (message) =>
      message.questions[0]!.qtype === TYPE.DNSKEY && message.questions[0]!.qname === ROOT
        ? { ...message, answers: recordsOf(set) }
        : message,
    )
    this.#internet.servers.set(address, script)
  }
}

function recordsOf({ owner, type, ttlSeconds, rdatas, signatures }: RRset) {
  const record = { owner, class: CLASS.IN, ttlSeconds }
  return [
    ...rdatas.map((rdata) => ({ ...record, type, rdata })),
    ...signatures.map((rdata) => ({ ...record, type: TYPE.RRSIG, rdata })),
  ]
}

function configOf(anchorState: string): DnssecConfig {
  return { validate: true, anchorState, negative: [], aggressive: true, sha1: false }
}
