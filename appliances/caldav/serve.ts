// Ties the parts together: a push is checked by the keeper, the new head becomes the library that requests are answered from,
// and what clients change becomes commits.
import type { Context, Running } from '../../shared/appliance/appliance.ts'
import { systemClock, type Clock } from '../../shared/clock/clock.ts'
import { httpUrl, listenHttp, type HttpListener } from '../../shared/http/server.ts'
import type { Log } from '../../shared/log/log.ts'
import { Fatal } from '../../shared/result/result.ts'
import { formatProblem, type Problem } from '../../shared/result/problem.ts'
import { CertificateSlot } from '../../shared/tls/certificate-slot.ts'
import { mergeText, openStore, type Snapshot } from '../../store/index.ts'
import type { CaldavConfig } from './config.ts'
import { LibraryKeeper } from './core/library/keeper.ts'
import type { Library } from './core/library/library.ts'
import { LockTable } from './core/locks/lock-table.ts'
import { calendarMergeRules } from './core/merge/calendar-merge.ts'
import { exchangeHandler } from './exchange.ts'
import { Logins } from './login.ts'

const PERSON = { name: 'cairn-caldav', email: 'cairn-caldav@localhost' }
/** More than the largest body that is taken, for the framing of chunks. */
const REQUEST_MS = 120_000

export function keeperAt(clock: Clock = systemClock): LibraryKeeper {
  return new LibraryKeeper(() => Math.floor(clock.wallMs() / 1000))
}

export async function serve(context: Context<CaldavConfig>): Promise<Running> {
  const { config, log, metrics, clock } = context
  const slot = openCertificate(config)
  const keeper = keeperAt(clock)
  const store = await openStore(config.store, {
    log,
    metrics,
    clock,
    accept: keeper.accept,
    merge: calendarMergeRules(mergeText),
    committer: PERSON,
  })
  const branch = store.branch()
  let library = publishLogged(keeper, branch.head, log)
  const unsubscribe = branch.subscribe((head) => {
    library = publishLogged(keeper, head, log)
  })
  const locks = new LockTable()
  metrics.gauge(
    'cairn_caldav_collections',
    'Calendars, address books and folders',
    () => library.collectionCount,
  )
  metrics.gauge('cairn_caldav_users', 'Users and groups', () => library.directory.size)
  metrics.gauge('cairn_caldav_locks', 'Locks that clients hold', () => locks.size)
  const handler = exchangeHandler({
    config,
    store,
    branch,
    keeper,
    library: () => library,
    locks,
    logins: new Logins(config, clock),
    clock,
    log,
    requests: metrics.counter('cairn_caldav_requests', 'Requests, by method and status'),
    refusedLogins: metrics.counter(
      'cairn_caldav_logins_refused',
      'Requests without a login, by reason',
    ),
  })
  const listeners: HttpListener[] = []
  try {
    for (const listen of config.listen)
      listeners.push(
        await listenHttp({
          listen,
          ...(slot && { tls: slot }),
          limits: {
            bodyBytes: Math.max(config.limits.file, config.limits.object, BODY_BYTES),
            connections: config.limits.connections,
            requestMs: REQUEST_MS,
          },
          handler,
          log,
        }),
      )
  } catch (cause) {
    await Promise.all(listeners.map((each) => each.close()))
    await store.close()
    throw cause
  }
  const scheme = slot === undefined ? 'http' : 'https'
  const addresses = listeners.map((each) => `${httpUrl(each, scheme)}${config.base}`)
  return {
    addresses: store.url === undefined ? addresses : [...addresses, store.url],
    status: () => ({
      store: store.status(),
      users: library.directory.size,
      collections: library.collectionCount,
      locks: locks.size,
    }),
    async reload() {
      const reloaded = slot?.reload()
      if (reloaded?.ok === false)
        log.error('certificate', { file: reloaded.error.file, why: reloaded.error.message })
      store.reload()
      await store.sync()
    },
    async stop() {
      unsubscribe()
      await Promise.all(listeners.map((each) => each.close()))
      await store.close()
    },
  }
}

/** What of the configuration's own files is wrong, for `--check`. */
export function certificateProblems({ tls }: CaldavConfig): readonly Problem[] {
  const opened = tls && CertificateSlot.open(tls)
  return opened === undefined || opened.ok ? [] : [{ severity: 'error', ...opened.error }]
}

const BODY_BYTES = 4_194_304

function openCertificate({ tls }: CaldavConfig): CertificateSlot | undefined {
  const opened = tls && CertificateSlot.open(tls)
  if (opened?.ok === false) throw new Fatal(`${opened.error.file}: ${opened.error.message}`)
  return opened?.value
}

/** What of a head cannot be read is left out, and said in the log: nobody waits for an answer who could be told. */
function publishLogged(keeper: LibraryKeeper, head: Snapshot, log: Log): Library {
  const { library, problems } = keeper.publish(head)
  for (const problem of problems) log.error('content-problem', { problem: formatProblem(problem) })
  return library
}
