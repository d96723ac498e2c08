// NOTIFY for the zones of all views, to each server about the zones that it would get if it asked.
import { formatName, type Name } from '../../shared/dns/name.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import { parseAddress } from '../../shared/net/address.ts'
import { formatEndpoint, parseEndpoint, type Endpoint } from '../../shared/net/endpoint.ts'
import type { KeyRing } from '../../shared/tsig/key.ts'
import type { NotifyTarget } from './core/transfer/notify-queue.ts'
import type { NotifyRules } from './core/transfer/notify-targets.ts'
import type { View, Views } from './core/views.ts'
import type { Zone } from './core/zone/zone.ts'
import { NotifySender } from './notify-sender.ts'
import type { PeerClient } from '../../shared/dns-transfer/peer-client.ts'

export type NotificationsParts = {
  readonly rules: NotifyRules
  /** Whether nobody gets a view's zone by transfer, so that nobody is told. */
  readonly isHeldBack: (view: View, zone: Name) => boolean
  readonly ring: KeyRing
  readonly client: PeerClient
  readonly views: Views
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

/** Targets that /status lists one by one. */
const STATUS_LIMIT = 100

export class Notifications {
  readonly #parts: NotificationsParts
  readonly #counter
  /** The default view's first. */
  #senders: readonly NotifySender[] = []
  #unsubscribes: readonly (() => void)[] = []

  constructor(parts: NotificationsParts) {
    this.#parts = parts
    this.#counter = parts.metrics.counter('cairn_dns_notify_out', 'NOTIFY messages, by result')
    parts.metrics.gauge(
      'cairn_dns_notify_pending',
      'Secondaries that have not answered a NOTIFY yet, by zone',
      () => this.#size,
    )
  }

  /** Begins to tell; `addresses` are our own, which are told nothing. */
  start(addresses: readonly Endpoint[]): void {
    const { rules, isHeldBack, ring, client, views, clock, log } = this.#parts
    const ours = new Set(addresses.map(formatEndpoint))
    this.#senders = Array.from(views, (view) => {
      return new NotifySender({
        rules,
        ring,
        client,
        publication: view.publication,
        mayHear: (zone, target) =>
          !ours.has(target.address) &&
          !isHeldBack(view, zone.origin) &&
          this.#wouldGet(zone, target),
        counter: this.#counter,
        clock,
        log,
      })
    })
    const [ofDefault] = this.#senders
    this.#unsubscribes = Array.from(views)
      .filter((view) => view !== views.default)
      .map(({ publication }) =>
        publication.subscribe((published) => {
          for (const { origin, after, isBroken } of published) {
            // Where a view has none any more its secondaries get that of all.
            const zone = views.default.publication.get(origin)?.zone
            if (after === undefined && !isBroken && zone !== undefined) ofDefault!.tell(zone)
          }
        }),
      )
  }

  status(): unknown {
    const list = []
    for (const sender of this.#senders)
      for (const { zone, target, attempt } of sender.pending()) {
        if (list.length === STATUS_LIMIT) break
        list.push({ zone: formatName(zone), target: target.address, attempt })
      }
    return { pending: this.#size, list }
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribes) unsubscribe()
    for (const sender of this.#senders) sender.stop()
  }

  get #size(): number {
    return this.#senders.reduce((sum, { size }) => sum + size, 0)
  }

  /** Whether the zone is the one that the target sees under its name. */
  #wouldGet(zone: Zone, { address, key }: NotifyTarget): boolean {
    const { views, ring } = this.#parts
    if (views.isSingle) return true
    const octets = parseAddress(parseEndpoint(address)!.host)
    const view = views.of(octets!, key === undefined ? undefined : ring.find(key))
    return view.table.get(zone.origin)?.zone === zone
  }
}
