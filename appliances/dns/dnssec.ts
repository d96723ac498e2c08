// The signed zones of the server: between the zones of the branch and what is published.
import type { Clock, Timer } from '../../shared/clock/clock.ts'
import type { Name } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Publication } from './core/publication.ts'
import type { Zone } from './core/zone/zone.ts'
import type { DnssecConfig } from './dnssec-table.ts'
import { KeyFolder } from './key-folder.ts'
import { askParents } from './parent-ds.ts'
import type { PeerClient } from './peer-client.ts'
import { SignThread } from './signing/sign-thread.ts'
import { ZoneSigning } from './signing/zone-signing.ts'

const TICK_MS = 60_000

export class Dnssec {
  readonly #zones = new Map<Name, ZoneSigning>()
  readonly #gone = new Set<Name>()
  readonly #clock: Clock
  readonly #stopping = new AbortController()
  readonly #thread = SignThread.open()
  #timer: Timer | undefined

  constructor(
    config: DnssecConfig,
    shell: {
      readonly publication: Publication
      readonly client: PeerClient
      readonly clock: Clock
      readonly log: Log
      readonly fail: (fault: Error) => void
    },
  ) {
    const { publication, client, clock, log, fail } = shell
    this.#clock = clock
    if (config.keyFolder === undefined || config.zones.size === 0) return
    const folder = new KeyFolder(config.keyFolder)
    for (const [origin, signing] of config.zones) {
      const publish = (name: Name, zone: Zone): void => {
        if (this.#gone.has(name)) return
        const before = publication.get(name)?.zone
        publication.publish([{ origin: name, before, after: zone, isBroken: false }])
      }
      const askParent = (name: Name): ReturnType<typeof askParents> =>
        askParents(name, signing.parents, { client, signal: this.#stopping.signal })
      const zone = { folder, clock, log, publish, askParent, thread: this.#thread, fail }
      this.#zones.set(origin, new ZoneSigning(origin, signing, zone))
      this.#gone.add(origin)
    }
    this.#arm()
  }

  /** What is to be served of a zone of the branch: the zone itself when it is not signed here. */
  offer(origin: Name, zone: Zone | undefined): Zone | undefined {
    const signing = this.#zones.get(origin)
    if (signing === undefined) return zone
    if (zone === undefined) this.#gone.add(origin)
    else this.#gone.delete(origin)
    return zone === undefined ? undefined : signing.offer(zone)
  }

  /** What a minute brings, at once: requests of `cairn-dns dnssec` are taken up. */
  async tick(): Promise<void> {
    for (const [origin, zone] of this.#zones) if (!this.#gone.has(origin)) await zone.tick()
  }

  status(): readonly unknown[] {
    return [...this.#zones.values()].map((zone) => zone.status())
  }

  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#stopping.abort()
    await Promise.all([this.#thread?.stop(), ...[...this.#zones.values()].map((z) => z.stop())])
  }

  #arm(): void {
    this.#timer = this.#clock.after(TICK_MS, () => {
      void this.tick().finally(() => this.#arm())
    })
  }
}
