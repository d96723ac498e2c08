// The signed zones of the server, in each view: between the zones of the branch and what is published.
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import type { Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import {
  OnlineSigner,
  type OnlineKeys,
  type OnlineSignatures,
} from './core/dnssec/online-signatures.ts'
import type { View, Views } from './core/views.ts'
import type { AnsweredZone } from './core/zone/answered-zone.ts'
import { hasProofs, type Zone } from './core/zone/zone.ts'
import type { DnssecConfig, SigningTable } from './dnssec-table.ts'
import { KeyFolder } from './key-folder.ts'
import { askParents } from './parent-ds.ts'
import type { PeerClient } from '../../shared/dns-transfer/peer-client.ts'
import { SignThread } from './signing/sign-thread.ts'
import { SigningState } from './signing/signing-state.ts'
import { RollingKeys } from './signing/rolling-keys.ts'
import { ZoneSigning, type SigningShell } from './signing/zone-signing.ts'

const TICK_MS = 60_000
/** Of signatures that were made for answers. */
const ONLINE_OCTETS = 16 << 20

/** A name that is signed here. */
type SignedName = {
  readonly signing: SigningTable
  readonly keys: RollingKeys
  /** By view; made when the view has such a zone, and for everybody's at the start. */
  readonly faces: Map<string, Face>
}

type Face = { readonly zone: ZoneSigning; isGone: boolean }

type DnssecShell = {
  readonly views: Views
  readonly client: PeerClient
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  readonly fail: (fault: Error) => void
}

export class Dnssec {
  readonly #names = new Map<Name, SignedName>()
  readonly #shell: DnssecShell
  readonly #folder: string
  readonly #clock: Clock
  readonly #stopping = new AbortController()
  readonly #thread = SignThread.open()
  /** For zones with compact denial. */
  readonly online: OnlineSignatures
  #timer: Timer | undefined

  constructor(config: DnssecConfig, shell: DnssecShell) {
    const { client, clock, log, views } = shell
    this.#shell = shell
    this.#clock = clock
    this.#folder = config.keyFolder ?? ''
    this.online = this.#openOnline(config.onlineSignatures, shell.metrics)
    if (config.keyFolder === undefined || config.zones.size === 0) return
    const folder = new KeyFolder(config.keyFolder)
    for (const [origin, signing] of config.zones) {
      const askParent = (name: Name): ReturnType<typeof askParents> =>
        askParents(name, signing.parents, { client, signal: this.#stopping.signal })
      const state = new SigningState(folder, origin)
      const keys = new RollingKeys(origin, signing, { folder, clock, log, askParent }, state)
      const faces = new Map<string, Face>()
      this.#names.set(origin, { signing, keys, faces })
      const zone = this.#openFace(views.default, origin, { signing, keys, folder, state })
      faces.set(views.default.name, { zone, isGone: true })
    }
    this.#arm()
  }

  /** What is to be served of a zone of the branch in a view: the zone itself when it is not signed here. */
  offer(view: View, origin: Name, zone: Zone | undefined): Zone | undefined {
    const name = this.#names.get(origin)
    if (name === undefined) return zone
    const face = name.faces.get(view.name)
    if (zone === undefined) {
      if (face !== undefined) {
        face.isGone = true
        face.zone.leave()
      }
      return undefined
    }
    if (face !== undefined) {
      face.isGone = false
      return face.zone.offer(zone)
    }
    const folder = new KeyFolder(this.#folder, view.name)
    const state = new SigningState(folder, origin)
    const opened = this.#openFace(view, origin, { ...name, folder, state })
    name.faces.set(view.name, { zone: opened, isGone: false })
    return opened.offer(zone)
  }

  /** Whether answers from it may need signatures that are made for them; of a zone as it was, as of the one that is served. */
  isCompact(zone: Zone): boolean {
    return this.#names.has(zone.origin) && zone.isSigned && !hasProofs(zone)
  }

  /** What a minute brings, at once: requests of `cairn-dns dnssec` are taken up. */
  async tick(): Promise<void> {
    for (const { zone, isGone } of this.#faces()) if (!isGone) await zone.tick()
  }

  status(): readonly unknown[] {
    const { views } = this.#shell
    return [...this.#names.values()].flatMap(({ faces }) =>
      Array.from(faces, ([view, { zone }]) => {
        return { ...zone.status(), ...(view !== views.default.name && { view }) }
      }),
    )
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#stopping.abort()
    const stopped = Array.from(this.#faces(), ({ zone }) => zone.stop())
    await Promise.all([this.#thread?.stop(), ...stopped])
  }

  #openOnline(signaturesPerSecond: number, metrics: Metrics): OnlineSignatures {
    const clock = this.#clock
    const made = metrics.counter(
      'cairn_dns_online_signatures',
      'Signatures for single answers: made, kept from an earlier one, or refused since there were too many',
    )
    const signer = new OnlineSigner({
      keysOf: (zone) => this.#onlineKeys(zone),
      nowSeconds: () => Math.floor(clock.wallMs() / 1000),
      monotonicMs: () => clock.monotonicMs(),
      signaturesPerSecond,
      keptOctets: ONLINE_OCTETS,
      counted: (result, signatures) => made.inc({ result }, signatures),
    })
    return signer
  }

  #onlineKeys(zone: AnsweredZone): OnlineKeys | undefined {
    const name = this.#names.get(zone.origin)
    if (name === undefined) return undefined
    for (const face of name.faces.values()) {
      const by = face.zone.onlineKeys(zone)
      if (by !== undefined) return by
    }
    return undefined
  }

  *#faces(): Generator<Face> {
    for (const { faces } of this.#names.values()) yield* faces.values()
  }

  #openFace(
    { name: view, publication }: View,
    origin: Name,
    of: Pick<SigningShell, 'keys' | 'folder' | 'state'> & { readonly signing: SigningTable },
  ): ZoneSigning {
    const { signing, keys, folder, state } = of
    const { clock, log, fail } = this.#shell
    const publish = (name: Name, zone: Zone): void => {
      if (this.#names.get(name)?.faces.get(view)?.isGone !== false) return
      const before = publication.get(name)?.zone
      publication.publish([{ origin: name, before, after: zone, isBroken: false, mayLag: true }])
    }
    const shell = { folder, keys, state, clock, log, publish, thread: this.#thread, fail }
    return new ZoneSigning(origin, signing, shell)
  }

  #arm(): void {
    this.#timer = this.#clock.after(TICK_MS, () => {
      void this.tick().finally(() => this.#arm())
    })
  }
}
