import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dsRdata } from '../../../../../shared/dnssec/dnskey.ts'
import { checkZoneDigest } from '../../../../../appliances/dns/core/dnssec/zone-digest.ts'
import { isEntryKey } from '../../../../../appliances/dns/core/dnssec/key-roll.ts'
import { parseRrsig, verifyRrsig } from '../../../../../shared/dnssec/rrsig.ts'
import { changeZone } from '../../../../../appliances/dns/core/zone/zone-change.ts'
import { coveredType, rrsetOf, type Zone } from '../../../../../appliances/dns/core/zone/zone.ts'
import { dnssecTable, type SigningTable } from '../../../../../appliances/dns/dnssec-table.ts'
import { KeyFolder } from '../../../../../appliances/dns/key-folder.ts'
import { SignThread } from '../../../../../appliances/dns/signing/sign-thread.ts'
import { RollingKeys, type ParentDs } from '../../../../../appliances/dns/signing/rolling-keys.ts'
import { SigningState } from '../../../../../appliances/dns/signing/signing-state.ts'
import { ZoneSigning } from '../../../../../appliances/dns/signing/zone-signing.ts'
import { VirtualClock } from '../../../../../shared/clock/clock.ts'
import { decodeConfig } from '../../../../../shared/config/decode.ts'
import { silentLog } from '../../../../../shared/log/log.ts'
import { TYPE } from '../../../../../shared/dns/record-types.ts'
import { formatProblem } from '../../../../../shared/result/problem.ts'
import { tempDir } from '../../../../support/temp.ts'
import { name, zoneOf, zoneRecords } from '../../../../support/zones.ts'

const ORIGIN = name('example.org.')
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const TEXT = `$TTL 3600\n@ SOA ns h 5 2 3 4 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.2\n`

function signingOf(toml: string): SigningTable {
  const text = `zones = ["example.org"]\nkey_folder = "x"\nalgorithm = "ED25519"\n${toml}`
  const decoded = decodeConfig(text, 'dns.toml', dnssecTable)
  if (!decoded.ok) throw new Error(decoded.error.map(formatProblem).join('\n'))
  return decoded.value.zones.get(ORIGIN)!
}

class Site {
  readonly folder: string
  readonly clock: VirtualClock
  readonly keys: RollingKeys
  readonly signing: ZoneSigning
  readonly #setting: SigningTable
  served: Zone | undefined
  parent: ParentDs | undefined = { rdatas: [], ttlSeconds: 86_400 }

  constructor(
    toml = '',
    folder: string = tempDir('keys'),
    clock: VirtualClock = new VirtualClock(),
    thread?: SignThread,
    /** Another view's zone of the name. */
    beside?: Site,
  ) {
    this.folder = folder
    this.clock = clock
    this.#setting = signingOf(toml)
    const view = beside === undefined ? '' : 'office'
    const shell = { folder: new KeyFolder(folder, view), clock, log: silentLog }
    const state = new SigningState(shell.folder, ORIGIN)
    const keysShell = { ...shell, askParent: async () => this.parent }
    this.keys = beside?.keys ?? new RollingKeys(ORIGIN, this.#setting, keysShell, state)
    this.signing = new ZoneSigning(ORIGIN, this.#setting, {
      ...shell,
      keys: this.keys,
      state,
      publish: (_, zone) => void (this.served = zone),
      thread,
      fail: (fault) => {
        throw fault
      },
    })
  }

  offer(zone: Zone): Zone {
    this.served = this.signing.offer(zone)
    return this.served
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    await this.signing.tick()
  }

  /** `256+tag` and the like. */
  get dnskeys(): readonly Uint8Array[] {
    return rrsetOf(this.served!.apex!, TYPE.DNSKEY)?.rdatas ?? []
  }

  get cds(): readonly Uint8Array[] {
    return rrsetOf(this.served!.apex!, TYPE.CDS)?.rdatas ?? []
  }

  /** Every rrset has a signature that holds now, by a key that is published. */
  check(): void {
    const now = this.clock.wallMs() / 1000
    for (const node of this.served!.everyNode())
      for (const { type, ttlSeconds, rdatas } of node.rrsets) {
        if (type === TYPE.RRSIG) continue
        const rrset = { owner: node.name, type, ttlSeconds, rdatas }
        const over = rrsetOf(node, TYPE.RRSIG)!.rdatas.filter((r) => coveredType(r) === type)
        const good = over.filter((rrsig) => {
          const { inception, expiration } = parseRrsig(rrsig)
          if (inception > now || expiration < now) return false
          return this.dnskeys.some((dnskey) => verifyRrsig(rrset, rrsig, dnskey))
        })
        expect(good.length).toBeGreaterThan(0)
      }
  }
}

function add(zone: Zone, owner: string): Zone {
  const soa = zone.soa!
  const rdata = Buffer.from(soa.rdatas[0]!)
  rdata.writeUInt32BE(zone.serial! + 1, rdata.length - 20)
  const at = { owner: ORIGIN, type: TYPE.SOA, ttlSeconds: soa.ttlSeconds }
  return changeZone(zone, {
    added: [
      {
        owner: name(`${owner}.example.org.`),
        type: TYPE.A,
        ttlSeconds: 60,
        rdata: Buffer.from([192, 0, 2, 9]),
      },
      { ...at, rdata },
    ],
    removed: [{ ...at, rdata: soa.rdatas[0]! }],
  })
}

describe('a zone that is kept signed', () => {
  test('is signed at once, and a change too', () => {
    const site = new Site()
    const zone = zoneOf('example.org.', TEXT)
    expect(site.offer(zone).serial).toBe(5)
    site.check()
    site.offer(add(zone, 'new'))
    expect(site.served!.serial).toBe(6)
    expect(site.served!.nodes.get(name('new.example.org.'))).toBeDefined()
    site.check()
  })

  test('is the same after a restart, without a new signature; its serial never goes back', async () => {
    const site = new Site()
    const zone = zoneOf('example.org.', TEXT)
    site.offer(zone)
    await site.pass(10 * DAY)
    await site.pass(HOUR)
    site.check()
    const { serial } = site.served!
    expect(serial).toBeGreaterThan(5)
    const again = new Site('', site.folder, site.clock)
    again.offer(zoneOf('example.org.', TEXT))
    expect(again.served!.serial).toBe(serial)
    expect(zoneRecords(again.served!)).toEqual(zoneRecords(site.served!))
    const third = new Site('', site.folder, site.clock)
    third.offer(add(zone, 'new'))
    expect(third.served!.serial).toBe(serial! + 1)
    third.check()
  })

  test('survives a damaged file of signatures and a state that was cut off', () => {
    const site = new Site()
    site.offer(zoneOf('example.org.', TEXT))
    const signatures = join(site.folder, 'example.org.signatures')
    const bytes = readFileSync(signatures)
    bytes[Math.floor(bytes.length / 2)]! ^= 1
    writeFileSync(signatures, bytes)
    appendFileSync(join(site.folder, 'example.org.state'), '{"serial":99')
    const again = new Site('', site.folder, site.clock)
    again.offer(zoneOf('example.org.', TEXT))
    again.check()
    expect(again.served!.serial).toBe(6)
    expect(again.dnskeys).toEqual(site.dnskeys)
  })

  test('keeps its keys to itself', () => {
    const site = new Site()
    site.offer(zoneOf('example.org.', TEXT))
    const [key] = new KeyFolder(site.folder).keys(ORIGIN)
    const file = join(site.folder, `Kexample.org.+015+${String(key!.tag).padStart(5, '0')}.private`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readFileSync(file, 'utf8')).toMatch(
      /^Private-key-format: v1\.3\nAlgorithm: 15 \(ED25519\)\n/,
    )
  })

  test('a zone that was signed elsewhere is served as it is', () => {
    const site = new Site()
    site.offer(zoneOf('example.org.', TEXT))
    const elsewhere = new Site()
    expect(elsewhere.offer(site.served!)).toBe(site.served)
  })

  test('a large zone is signed in slices, and changes that come meanwhile are in it', async () => {
    const lines = Array.from({ length: 4000 }, (_, i) => `h${i} A 192.0.2.1\n`)
    const site = new Site()
    const clock = new VirtualClock()
    // Time passes with every look at the clock, as it does for signatures.
    clock.monotonicMs = (() => {
      let ms = 0
      return () => (ms += 1)
    })()
    const slow = new Site('', site.folder, clock)
    const zone = zoneOf('example.org.', TEXT + lines.join(''))
    expect(slow.offer(zone)).toBe(zone)
    const changed = add(zone, 'new')
    expect(slow.offer(changed)).toBe(changed)
    await slow.signing.tick()
    await slow.signing.stop()
    expect(slow.served!.isSigned).toBe(true)
    expect(slow.served!.nodes.get(name('new.example.org.'))).toBeDefined()
  })
})

describe('a zone that a thread signs', { timeout: 60_000 }, () => {
  const patient = { timeout: 30_000 }
  const large = `${TEXT}${Array.from({ length: 600 }, (_, i) => `h${i} A 192.0.2.1\n`).join('')}`

  async function ready(site: Site): Promise<void> {
    await expect.poll(() => site.served?.isSigned, patient).toBe(true)
    await site.signing.tick()
  }

  test('is served unsigned until it is whole, then with the changes that came meanwhile', async () => {
    const thread = SignThread.open()
    const site = new Site('', tempDir('keys'), new VirtualClock(), thread)
    const zone = zoneOf('example.org.', large)
    expect(site.offer(zone)).toBe(zone)
    const changed = add(zone, 'new')
    expect(site.offer(changed)).toBe(changed)
    await ready(site)
    await expect.poll(() => site.served!.serial, patient).toBe(6)
    site.check()
    await thread!.stop()
  })

  test('is the same after a restart; a digest over the zone is made there too', async () => {
    const thread = SignThread.open()
    const site = new Site('zonemd = true', tempDir('keys'), new VirtualClock(), thread)
    site.offer(zoneOf('example.org.', large))
    await ready(site)
    expect(checkZoneDigest(site.served!)).toBe('good')
    const again = new Site('zonemd = true', site.folder, site.clock, thread)
    const offered = again.offer(zoneOf('example.org.', large))
    expect(zoneRecords(offered)).toEqual(zoneRecords(site.served!))
    again.offer(add(zoneOf('example.org.', large), 'new'))
    await expect
      .poll(() => again.served!.nodes.get(name('new.example.org.')) !== undefined, patient)
      .toBe(true)
    expect(checkZoneDigest(again.served!)).toBe('good')
    again.check()
    await thread!.stop()
  })

  test('goes on without it when the server stops', async () => {
    const thread = SignThread.open()
    const site = new Site('', tempDir('keys'), new VirtualClock(), thread)
    site.offer(zoneOf('example.org.', large))
    await Promise.all([thread!.stop(), site.signing.stop()])
    expect(site.served!.isSigned).toBe(false)
  })
})

describe('zones of one name in two views', () => {
  const views = (toml: string, folder?: string, clock?: VirtualClock): readonly [Site, Site] => {
    const site = new Site(toml, folder, clock)
    return [site, new Site(toml, site.folder, site.clock, undefined, site)]
  }

  test('are signed by the same keys, have serials of their own, and are what they were after a restart', async () => {
    const [all, office] = views('')
    all.offer(zoneOf('example.org.', TEXT))
    office.offer(add(zoneOf('example.org.', TEXT), 'inside'))
    expect([all.served!.serial, office.served!.serial]).toEqual([5, 6])
    expect(office.dnskeys).toEqual(all.dnskeys)
    for (const site of [all, office]) site.check()
    expect(all.served!.nodes.get(name('inside.example.org.'))).toBeUndefined()
    const [allAgain, officeAgain] = views('', all.folder, all.clock)
    allAgain.offer(zoneOf('example.org.', TEXT))
    officeAgain.offer(add(zoneOf('example.org.', TEXT), 'inside'))
    expect(zoneRecords(allAgain.served!)).toEqual(zoneRecords(all.served!))
    expect(zoneRecords(officeAgain.served!)).toEqual(zoneRecords(office.served!))
  })

  test.each([true, false])(
    'roll their keys together, also when the view of all has no such zone: %s',
    async (isInAll) => {
      const [all, office] = views('scheme = "ksk-zsk"\nzsk_lifetime = "30d"')
      const sites = isInAll ? [all, office] : [office]
      for (const site of sites) site.offer(zoneOf('example.org.', TEXT))
      const before = office.dnskeys
      let most = 0
      for (let hour = 0; hour < 34 * 24; hour++) {
        all.clock.advance(HOUR)
        // The one whose turn comes later is one step behind at times.
        for (const site of hour % 2 === 0 ? sites : sites.toReversed()) await site.signing.tick()
        for (const site of sites) site.check()
        most = Math.max(most, office.dnskeys.length)
      }
      expect(most).toBe(3)
      expect(office.dnskeys).toHaveLength(2)
      expect(office.dnskeys).not.toEqual(before)
      if (isInAll) expect(office.dnskeys).toEqual(all.dnskeys)
    },
  )

  test('keep a key until both are signed by the next one', async () => {
    const [all, office] = views('scheme = "ksk-zsk"\nzsk_lifetime = "30d"')
    for (const site of [all, office]) site.offer(zoneOf('example.org.', TEXT))
    // One of them is never looked at: nothing of it is signed anew.
    for (let hour = 0; hour < 40 * 24; hour++) await all.pass(HOUR)
    expect(all.dnskeys).toHaveLength(3)
    office.signing.leave()
    for (let hour = 0; hour < 4 * 24; hour++) await all.pass(HOUR)
    expect(all.dnskeys).toHaveLength(2)
  })
})

describe('rolls', () => {
  test('a ZSK is published, then signs, then the old one goes when nothing is left of it', async () => {
    const site = new Site('scheme = "ksk-zsk"\nzsk_lifetime = "30d"')
    site.offer(zoneOf('example.org.', TEXT))
    expect(site.dnskeys).toHaveLength(2)
    const counts: number[] = []
    const zsks = new Set<string>()
    for (let hour = 0; hour < 34 * 24; hour++) {
      await site.pass(HOUR)
      site.check()
      counts.push(site.dnskeys.length)
      for (const key of site.dnskeys) if (key[1] === 0) zsks.add(Buffer.from(key).toString('hex'))
    }
    expect(zsks.size).toBe(2)
    expect(Math.max(...counts)).toBe(3)
    expect(counts.at(-1)).toBe(2)
  })

  test.each(['csk', 'ksk-zsk'])(
    'the key of the parent is never gone before the parent has the next one: %s',
    async (scheme) => {
      const site = new Site(`scheme = "${scheme}"\nparents = ["192.0.2.53:53"]`)
      site.offer(zoneOf('example.org.', TEXT))
      expect(site.cds).toEqual([])
      for (let hour = 0; hour < 5; hour++) await site.pass(HOUR)
      const first = site.cds
      expect(first).toHaveLength(1)
      site.parent = { rdatas: first, ttlSeconds: 86_400 }
      await site.pass(HOUR)
      new KeyFolder(site.folder).leaveRequest(ORIGIN, 'roll ksk')
      for (let hour = 0; hour < 30 * 24; hour++) await site.pass(HOUR)
      site.check()
      const second = site.cds
      expect(second).not.toEqual(first)
      const all = scheme === 'csk' ? 2 : 3
      expect(site.dnskeys).toHaveLength(all)
      const pointed = site.dnskeys.filter(
        (key) => Buffer.compare(dsRdata(ORIGIN, key), first[0]!) === 0,
      )
      expect(pointed).toHaveLength(1)
      // Nobody answers for the parent: nothing happens.
      site.parent = undefined
      for (let hour = 0; hour < 48; hour++) await site.pass(HOUR)
      expect(site.dnskeys).toHaveLength(all)
      site.parent = { rdatas: second, ttlSeconds: 86_400 }
      for (let hour = 0; hour < 24; hour++) await site.pass(HOUR)
      expect(site.dnskeys).toHaveLength(all)
      for (let hour = 0; hour < 6; hour++) await site.pass(HOUR)
      expect(site.dnskeys).toHaveLength(all - 1)
      site.check()
      const kept = new KeyFolder(site.folder).keys(ORIGIN).filter(isEntryKey)
      expect(kept.filter(({ times }) => times.delete === undefined)).toHaveLength(1)
    },
  )

  test('a zone goes insecure when the parent has no DS any more, under a serial that goes on', async () => {
    const site = new Site('parents = ["192.0.2.53:53"]')
    const zone = zoneOf('example.org.', TEXT)
    site.offer(zone)
    for (let hour = 0; hour < 5; hour++) await site.pass(HOUR)
    const ds = site.cds
    site.parent = { rdatas: ds, ttlSeconds: 3600 }
    new KeyFolder(site.folder).leaveRequest(ORIGIN, 'insecure')
    for (let hour = 0; hour < 72; hour++) await site.pass(HOUR)
    expect(site.cds).toEqual([new Uint8Array(5)])
    site.check()
    site.parent = { rdatas: [], ttlSeconds: 0 }
    const before = site.served!.serial!
    for (let hour = 0; hour < 30; hour++) await site.pass(HOUR)
    expect(site.served!.isSigned).toBe(false)
    expect(site.served!.serial).toBe(before + 1)
    expect(site.offer(add(zone, 'new')).serial).toBe(before + 2)
    new KeyFolder(site.folder).leaveRequest(ORIGIN, 'secure')
    await site.pass(HOUR)
    expect(site.served!.isSigned).toBe(true)
    expect(site.served!.serial).toBe(before + 3)
    site.check()
    // By the same key; the parent is told when answers without signatures are forgotten.
    expect(site.cds).toEqual([])
    for (let hour = 0; hour < 5; hour++) await site.pass(HOUR)
    expect(site.cds).toEqual(ds)
    expect(new KeyFolder(site.folder).keys(ORIGIN)).toHaveLength(1)
  })

  test('a key that was given with times, but none for CDS, is named by CDS once it is known', async () => {
    const folder = tempDir('keys')
    const clock = new VirtualClock()
    const now = Math.floor(clock.wallMs() / 1000)
    const times = { created: now, publish: now, activate: now }
    new KeyFolder(folder).makeKey(ORIGIN, { algorithm: 15, flags: 257, times })
    const given = new Site('', folder, clock)
    given.offer(zoneOf('example.org.', TEXT))
    expect(given.dnskeys).toHaveLength(1)
    expect(given.cds).toEqual([])
    for (let hour = 0; hour < 3; hour++) await given.pass(HOUR)
    expect(given.cds.map((rdata) => Buffer.from(rdata))).toEqual([
      dsRdata(ORIGIN, given.dnskeys[0]!),
    ])
  })
})

describe('a zone with compact denial', () => {
  const COMPACT = 'denial = "compact"'
  const zone = zoneOf('example.org.', TEXT)
  const onlineKeys = (site: Site) => site.signing.onlineKeys(site.served!)

  test('has no proofs of its own, and its keys for who answers from it', () => {
    const site = new Site(COMPACT)
    site.offer(zone)
    site.check()
    const types = [...site.served!.everyNode()].flatMap((node) => node.rrsets.map((r) => r.type))
    expect(types).not.toContain(TYPE.NSEC)
    expect(types).not.toContain(TYPE.NSEC3PARAM)
    const before = onlineKeys(site)!
    const hex = (octets: Uint8Array) => Buffer.from(octets).toString('hex')
    expect(before.keys.map(({ dnskey }) => hex(dnskey))).toEqual(site.dnskeys.map(hex))
    const changed = add(zone, 'new.ent')
    site.offer(changed)
    site.check()
    expect(site.served!.serial).toBe(6)
    // The same object, so that what was signed with them is still good.
    expect(onlineKeys(site)).toBe(before)
    expect(site.signing.onlineKeys(changed)).toBeUndefined()
  })

  test('is taken up by the next run, without a new signature', () => {
    const site = new Site(COMPACT)
    site.offer(zone)
    const again = new Site(COMPACT, site.folder, site.clock)
    again.offer(zoneOf('example.org.', TEXT))
    expect(zoneRecords(again.served!)).toEqual(zoneRecords(site.served!))
    expect(onlineKeys(again)!.keys.map(({ tag }) => tag)).toEqual(
      onlineKeys(site)!.keys.map(({ tag }) => tag),
    )
  })

  test('comes from and goes to records', () => {
    const site = new Site()
    site.offer(zone)
    expect(onlineKeys(site)).toBeUndefined()
    for (const toml of [COMPACT, 'denial = "nsec3"', COMPACT, '']) {
      const next = new Site(toml, site.folder, site.clock)
      next.offer(zone)
      next.check()
      const hasRecords = next.served!.order.size > 0 || next.served!.chain !== undefined
      expect([toml, hasRecords, onlineKeys(next) !== undefined]).toEqual([
        toml,
        toml !== COMPACT,
        toml === COMPACT,
      ])
    }
  })

  test('goes over to the next key when that signs', async () => {
    const site = new Site(`${COMPACT}\nscheme = "ksk-zsk"\nzsk_lifetime = "30d"`)
    site.offer(zone)
    const first = onlineKeys(site)!
    for (let day = 0; day < 40; day++) await site.pass(DAY)
    const last = onlineKeys(site)!
    expect(last).not.toBe(first)
    expect(last.keys.map(({ tag }) => tag)).not.toEqual(first.keys.map(({ tag }) => tag))
    const published = site.dnskeys.map((dnskey) => Buffer.from(dnskey).toString('hex'))
    for (const { dnskey } of last.keys)
      expect(published).toContain(Buffer.from(dnskey).toString('hex'))
  })
})
