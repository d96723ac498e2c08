// Ties the parts together: a push is checked by the keeper, the new head becomes the library that requests are answered from,
// and what clients change becomes commits.
import { join } from 'node:path'
import type { Context, Running } from '../../shared/appliance/appliance.ts'
import { systemClock, type Clock } from '../../shared/clock/clock.ts'
import { httpUrl, listenHttp, type HttpListener } from '../../shared/http/server.ts'
import type { Log } from '../../shared/log/log.ts'
import { Fatal } from '../../shared/result/result.ts'
import { formatProblem, type Problem } from '../../shared/result/problem.ts'
import { CertificateSlot } from '../../shared/tls/certificate-slot.ts'
import { WebAssets } from '../../shared/web/assets.ts'
import { mergeText, openStore } from '../../store/index.ts'
import type { CaldavConfig } from './config.ts'
import { LibraryKeeper } from './core/library/keeper.ts'
import type { Library } from './core/library/library.ts'
import type { TellLater } from './core/library/unread-collection.ts'
import { LockTable } from './core/locks/lock-table.ts'
import { calendarMergeRules } from './core/merge/calendar-merge.ts'
import { exchangeHandler } from './exchange.ts'
import { Logins } from './login.ts'
import { Subscriptions } from './subscriptions.ts'

const PERSON = { name: 'cairn-caldav', email: 'cairn-caldav@localhost' }
/** More than the largest body that is taken, for the framing of chunks. */
const REQUEST_MS = 120_000

/** Of what is read ahead without a pause: nobody waits longer for it. */
const READ_AHEAD_MS = 5

export function keeperAt(clock: Clock = systemClock, tell?: TellLater): LibraryKeeper {
  return new LibraryKeeper(() => Math.floor(clock.wallMs() / 1000), tell)
}

export async function serve(context: Context<CaldavConfig>): Promise<Running> {
  const { config, log, metrics, clock } = context
  const slot = openCertificate(config)
  const { tofu } = config.login
  if (tofu > 0)
    log.warn('trust-on-first-use', { why: `anyone may make an account until there are ${tofu}` })
  const keeper = keeperAt(clock, (problems) => logProblems(problems, log))
  const store = await openStore(config.store, {
    log,
    metrics,
    clock,
    accept: keeper.accept,
    merge: calendarMergeRules(mergeText),
    committer: PERSON,
  })
  const branch = store.branch()
  let library = logged(keeper.open(branch.head), log)
  const subscriptions =
    config.subscriptions &&
    new Subscriptions({
      branch,
      library: () => library,
      objectBytes: config.limits.object,
      clock,
      log,
    })
  const unsubscribe = branch.subscribe((head) => {
    library = logged(keeper.publish(head), log)
    subscriptions?.changed()
  })
  const stopReading = readAhead(keeper, clock)
  const locks = new LockTable()
  metrics.gauge(
    'cairn_caldav_collections',
    'Calendars, address books and folders',
    () => library.collectionCount,
  )
  metrics.gauge('cairn_caldav_users', 'Users and groups', () => library.directory.size)
  metrics.gauge(
    'cairn_caldav_subscriptions_under_way',
    'Calendars of elsewhere that are being fetched',
    () => subscriptions?.underWay ?? 0,
  )
  metrics.gauge('cairn_caldav_locks', 'Locks that clients hold', () => locks.size)
  const handler = exchangeHandler({
    config,
    store,
    branch,
    keeper,
    library: () => library,
    locks,
    logins: new Logins(config, clock),
    subscriptions,
    web: new WebAssets(join(import.meta.dirname, 'web')),
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
    stopReading()
    await subscriptions?.stop()
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
      ...(subscriptions && { subscriptions: subscriptions.status() }),
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
      await subscriptions?.stop()
      stopReading()
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
/** Problems of one collection, or of one head. */
const LOGGED_LIMIT = 100

function openCertificate({ tls }: CaldavConfig): CertificateSlot | undefined {
  const opened = tls && CertificateSlot.open(tls)
  if (opened?.ok === false) throw new Fatal(`${opened.error.file}: ${opened.error.message}`)
  return opened?.value
}

/** What of a head cannot be read is left out, and said in the log: nobody waits for an answer who could be told. */
function logged({ library, problems }: ReturnType<LibraryKeeper['publish']>, log: Log): Library {
  logProblems(problems, log)
  return library
}

function logProblems(problems: readonly Problem[], log: Log): void {
  for (const each of problems.slice(0, LOGGED_LIMIT))
    log.error('content-problem', { problem: formatProblem(each) })
}

/** Members that nobody has asked for yet, between requests. Gives back how to stop. */
function readAhead(keeper: LibraryKeeper, clock: Clock): () => void {
  const some = (): void => {
    const untilMs = clock.monotonicMs() + READ_AHEAD_MS
    while (clock.monotonicMs() < untilMs) if (!keeper.readAhead()) return
    next = setImmediate(some)
  }
  let next = setImmediate(some)
  return () => clearImmediate(next)
}
