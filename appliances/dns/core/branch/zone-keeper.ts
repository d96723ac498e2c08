// What the store asks of the zones and keys: may this become the head (Accept), and now it is the head (publish).
// A change that did not raise its SOA serial is raised, refused or kept, as configured (RFC 1982, RFC 1034 §4.3.5).
import { isNewerSerial } from '../../../../shared/dns/soa.ts'
import type { Accept, Person, Snapshot, Verdict } from '../../../../store/api.ts'
import { formatName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { hasErrors, type Problem } from '../../../../shared/result/problem.ts'
import { Bug } from '../../../../shared/result/result.ts'
import { partsOf } from '../../../../shared/zone-text/zone-text.ts'
import { BranchKeys } from '../keys/branch-keys.ts'
import type { KeyRing } from '../../../../shared/tsig/key.ts'
import { clearKeys } from './clear-keys.ts'
import { nextSerial, replaceSerial } from '../text/soa-serial.ts'
import { zoneDifference } from '../zone/zone-difference.ts'
import { findRecords } from '../zone/zone-places.ts'
import { differingZones, loadBranch, type BranchZones, type ViewedOrigin } from './branch-zones.ts'
import { untransferredZones } from './compact-warnings.ts'
import { strayPaths } from './view-warnings.ts'
import { DEFAULT_VIEW } from './zone-files.ts'
import type { Zone } from '../zone/zone.ts'

export type SerialRule = 'raise' | 'refuse' | 'keep'

export type ZoneKeeperOptions = {
  readonly serial: SerialRule
  /** Milliseconds since 1970, for serials that are dates. */
  readonly wallMs: () => number
  /** Author of raised serials. */
  readonly author: Person
  /** Without the default. */
  readonly views?: readonly string[]
  /** Zones that are signed with compact denial when they are served, in every view. */
  readonly compact?: ReadonlySet<Name>
}

export type PublishedZones = {
  readonly zones: BranchZones
  /** Of what was not read before. */
  readonly problems: readonly Problem[]
  /** Zones that differ from what was published before. */
  readonly changed: readonly ViewedOrigin[]
  /** Of texts that nobody holds any more. */
  readonly releasedOctets: number
}

/**
 * Sets that `accept` made and that are not published: candidates, and some that came to nothing. As many as updates are
 * on their way to the disk together, or each would be read a second time when it is published.
 */
const RECENT_LIMIT = 128

export class ZoneKeeper {
  readonly #options: ZoneKeeperOptions
  #keys: BranchKeys | undefined
  #published: BranchZones | undefined
  #recent: BranchZones[] = []
  /** A candidate that was sent back with a repair: it comes again with nearly nothing left to read. */
  #repaired: BranchZones | undefined

  constructor(options: ZoneKeeperOptions) {
    this.#options = options
  }

  readonly accept: Accept = (candidate, before): Verdict => {
    const known = this.#zonesFor(before)
    const base = this.#repaired ?? known
    this.#repaired = undefined
    const loaded = loadBranch(candidate, this.#views, base)
    const { zones } = loaded
    const problems = [
      ...loaded.problems,
      ...BranchKeys.load(candidate, this.#keys).problems,
      ...clearKeys(candidate, before),
      ...strayPaths(candidate, before, this.#views),
      ...untransferredZones(zones, known, this.#options.compact ?? new Set()),
    ]
    if (hasErrors(problems)) return { problems }
    this.#recent = [...this.#recent, zones].slice(-RECENT_LIMIT)
    const stale = staleSerials(known, zones)
    if (stale.length === 0) return { problems }
    if (this.#options.serial === 'raise') return this.#raise(zones, stale, problems)
    const severity = this.#options.serial === 'refuse' ? 'error' : 'warning'
    return { problems: [...problems, ...stale.map((s) => staleProblem(s, severity))] }
  }

  /**
   * Serves `head` from now on. Nearly all of it was read by `accept` before; `problems` are those of what was not,
   * and `changed` the zones that differ from what was published before.
   */
  publish(head: Snapshot): PublishedZones {
    const before = this.#published
    const ready = this.zonesOf(head.tree)
    const loaded = ready === undefined ? loadBranch(head, this.#views, before) : undefined
    const zones = loaded?.zones ?? ready!.at(head)
    const changed = differingZones(before, zones)
    zones.own(changed)
    this.#published = zones
    // Candidates before this one are past; those after it may be on their way to the disk.
    if (ready !== undefined) this.#recent = this.#recent.slice(this.#recent.indexOf(ready) + 1)
    let releasedOctets = 0
    for (const { view, origin } of changed)
      releasedOctets += releaseText(zones.of(view).get(origin)?.zone, head)
    const isFirst = this.#keys === undefined
    this.#keys = BranchKeys.load(head, this.#keys)
    const problems = [...(loaded?.problems ?? []), ...(isFirst ? this.#keys.problems : [])]
    return { zones, problems, changed, releasedOctets }
  }

  /** The zones of a tree that was accepted or published a moment ago; undefined for any other. */
  zonesOf(tree: string): BranchZones | undefined {
    if (this.#published?.snapshot.tree === tree) return this.#published
    return this.#recent.find((zones) => zones.snapshot.tree === tree)
  }

  /** Those of the published head; undefined before there is one. */
  get zones(): BranchZones | undefined {
    return this.#published
  }

  /** The keys of the published head. */
  get keys(): KeyRing {
    return this.#keys ?? NO_KEYS
  }

  get #views(): readonly string[] {
    return this.#options.views ?? []
  }

  #zonesFor(snapshot: Snapshot): BranchZones {
    const known = this.zonesOf(snapshot.tree)
    if (known !== undefined) return known
    const { zones } = loadBranch(snapshot, this.#views, this.#published)
    this.#recent = [...this.#recent, zones].slice(-RECENT_LIMIT)
    return zones
  }

  #raise(zones: BranchZones, stale: readonly StaleSerial[], problems: readonly Problem[]): Verdict {
    const files = new Map<string, string>()
    const raised: string[] = []
    const failed: Problem[] = []
    for (const one of stale) {
      const { file, line } = soaPlace(one.zone)
      const bytes = zones.snapshot.get(file)
      const text = files.get(file) ?? Buffer.from(bytes ?? []).toString('latin1')
      const serial = nextSerial(one.served, { wallMs: this.#options.wallMs() })
      const changed = replaceSerial(text, line, serial)
      if (changed.ok) {
        files.set(file, changed.value)
        const view = one.view === DEFAULT_VIEW ? '' : ` of ${one.view}`
        raised.push(`${formatName(one.zone.origin)}${view} to ${serial}`)
      } else failed.push(staleProblem(one, 'error'))
    }
    if (failed.length > 0) return { problems: [...problems, ...failed] }
    this.#repaired = zones
    const message =
      raised.length === 1
        ? `Raise the serial of ${raised[0]!}`
        : `Raise ${raised.length} serials\n\n${raised.join('\n')}\n`
    return {
      problems,
      repair: {
        info: { message, author: this.#options.author },
        edit: (edit) => {
          for (const [path, text] of files) edit.set(path, Buffer.from(text, 'latin1'))
        },
      },
    }
  }
}

/**
 * The text of a zone that was signed elsewhere is twenty times as long as one of ours, and its signer gives it whole
 * again: until then nobody here looks at it, and the branch has it. Gives how long it is.
 */
function releaseText(zone: Zone | undefined, head: Snapshot): number {
  if (zone?.text === undefined || !zone.isSigned) return 0
  let octets = 0
  for (const part of partsOf(zone.text.part)) {
    octets += part.text.length
    part.release(() => {
      const text = head.get(part.file)
      if (text === undefined) throw new Bug(`The branch has lost ${part.file}`)
      return text
    })
  }
  return octets
}

type StaleSerial = {
  readonly view: string
  readonly zone: Zone
  /** What secondaries have. */
  readonly served: number
  readonly serial: number
}

/** Zones that say something else than before under a serial that is not newer. */
function staleSerials(before: BranchZones, after: BranchZones): readonly StaleSerial[] {
  const stale: StaleSerial[] = []
  for (const { view, origin } of differingZones(before, after)) {
    const was = before.of(view).get(origin)?.zone
    const zone = after.of(view).get(origin)?.zone
    const served = was?.serial
    const serial = zone?.serial
    if (was === undefined || zone === undefined || was === zone) continue
    if (served === undefined || serial === undefined || isNewerSerial(serial, served)) continue
    const { added, removed } = zoneDifference(was, zone)
    if (added.length + removed.length > 0) stale.push({ view, zone, served, serial })
  }
  return stale
}

function staleProblem(
  { zone, served, serial }: StaleSerial,
  severity: 'error' | 'warning',
): Problem {
  const wrong = serial === served ? `was not raised` : `went back from ${served}`
  const message = `The zone changed, but its serial ${serial} ${wrong}: secondaries will not notice`
  return { severity, ...soaPlace(zone), message }
}

function soaPlace(zone: Zone): { readonly file: string; readonly line: number } {
  const { text, origin } = zone
  const records = text === undefined ? [] : (findRecords(text, [origin]).get(origin) ?? [])
  const soa = records.find((record) => record.type === TYPE.SOA)
  if (soa !== undefined) return { file: soa.file, line: soa.line }
  return { file: text?.file ?? formatName(origin), line: 1 }
}

const NO_KEYS: KeyRing = { find: () => undefined, all: () => [] }
