// Zones given to secondaries: the transfer server with what it needs of this process. Differences come from what was
// published since the start, and for zones that are served as the branch has them from the whole history of the branch.
import { formatName } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import { PrefixSet } from '../../shared/net/prefix.ts'
import { CommitHistory, type CommitSource } from './core/branch/commit-history.ts'
import type { ServedZone } from './core/branch/zone-set.ts'
import type { Publication } from './core/publication.ts'
import type { RequestHandler } from './core/request.ts'
import { DifferenceJournal } from './core/transfer/difference-journal.ts'
import { TransferServer } from './core/transfer/transfer-out.ts'
import { isLongerThan } from './core/transfer/zone-sequence.ts'
import type { Zone } from './core/zone/zone.ts'
import type { ZoneDifference } from './core/zone/zone-difference.ts'
import type { Views } from './core/views.ts'
import type { TransferConfig } from './transfer-table.ts'

export type ZoneTransfers = {
  readonly handle: RequestHandler
  stop(): void
}

/** A branch that zones are served from, and which of them a zone is now. */
export type HistoryBranch = {
  readonly source: CommitSource
  readonly served: (zone: Zone) => ServedZone | undefined
}

export function serveTransfers(parts: {
  readonly config: TransferConfig
  readonly views: Views
  readonly branches: readonly HistoryBranch[]
  /** Zones that only their signer can answer from. */
  readonly isCompact: (zone: Zone) => boolean
  readonly log: Log
  readonly metrics: Metrics
}): ZoneTransfers {
  const { config, views, isCompact, log, metrics } = parts
  const journals = Array.from(views, ({ publication }) => journalOf(publication))
  const branches = parts.branches.map(({ source, served }) => ({
    served,
    commits: new CommitHistory(source, nextTurn),
  }))
  const prefixes = new PrefixSet(config.allow)
  const transfers = metrics.counter(
    'cairn_dns_transfers_out',
    'Zone transfers asked of us, by kind and result',
  )
  const fromBranch = async (zone: Zone, from: number): Promise<ZoneDifference | undefined> => {
    for (const { served, commits } of branches) {
      const ours = served(zone)
      // A zone that is served as something else than its text (signed here) has no history there.
      if (ours !== undefined && ours.zone === zone) return await commits.difference(ours, from)
    }
    return undefined
  }
  const server = new TransferServer({
    zonesFor: ({ client, key }) => views.of(client.octets, key).table,
    history: {
      async difference(zone: Zone, from: number): Promise<ZoneDifference | undefined> {
        const own = journals.find(({ publication }) => publication.get(zone.origin)?.zone === zone)
        const known = own?.journal.between(zone.origin, from, zone.serial ?? from)
        const found = known ?? (await fromBranch(zone, from))
        return found !== undefined && isLongerThan(found, zone) ? undefined : found
      },
    },
    allows: (octets) => prefixes.has(octets),
    whyKept: (zone) => (isCompact(zone) ? COMPACT : undefined),
    pause: nextTurn,
    ended({ zone, kind, result, request, messages, why }) {
      transfers.inc({ kind: kind ?? 'none', result })
      const fields = { zone: formatName(zone), client: request.client.address, kind, messages }
      const key = request.key && formatName(request.key.name)
      if (result === 'done') log.info('transfer-out', { ...fields, key })
      else if (why !== undefined) log.warn('transfer-out-refused', { ...fields, key, why })
      else if (result !== 'refused') log.warn('transfer-out-failed', { ...fields, key, result })
    },
  })
  metrics.gauge('cairn_dns_transfers_running', 'Zone transfers under way', () => server.running)
  metrics.gauge(
    'cairn_dns_journal_records',
    'Records kept of changes, for incremental transfers',
    () => journals.reduce((sum, { journal }) => sum + journal.records, 0),
  )
  return {
    handle: server.handle,
    stop() {
      for (const { unsubscribe } of journals) unsubscribe()
    },
  }
}

/** RFC 9824 §6: a server without the keys has nothing to prove absence with. */
const COMPACT =
  'denial = "compact" is made by the server that has the keys: a secondary would have no proofs'

type PublishedJournal = {
  readonly publication: Publication
  readonly journal: DifferenceJournal
  readonly unsubscribe: () => void
}

function journalOf(publication: Publication): PublishedJournal {
  const journal = new DifferenceJournal()
  const unsubscribe = publication.subscribe((published) => {
    for (const one of published) journal.note(one)
  })
  return { publication, journal, unsubscribe }
}

/** Everything that waits for the event loop has its turn first. */
async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => void setImmediate(resolve))
}
