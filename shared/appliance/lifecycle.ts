// The life of a running appliance: starting, ready, stopping; signals, the log, the watchers, and how it ends.
import { hostname } from 'node:os'
import { EXIT } from '../cli/cli.ts'
import { systemClock } from '../clock/clock.ts'
import { createLog } from '../log/create-log.ts'
import type { Log } from '../log/log.ts'
import { openSyslog } from '../log/syslog.ts'
import { Registry } from '../metrics/registry.ts'
import { sendToNotifySocket } from '../native/notify-socket.ts'
import { Fatal } from '../result/result.ts'
import { refuseMissing, type Confinement } from '../sandbox/confine.ts'
import { seal } from '../sandbox/seal.ts'
import type { Appliance, ApplianceConfig, Running } from './appliance.ts'
import { deniedAccess } from './denied-access.ts'
import { observe, type Observer, type Phase } from './observe.ts'

/** What `Running.stop` may take. With the frame's own closing it all ends within the promised 5 s. */
export const STOP_LIMIT_MS = 4_000

const SYSLOG_FLUSH_MS = 50

/** Resolves with the exit code when the appliance has stopped; leaves the process at once after a fault. */
export async function liveUntilStopped<C extends ApplianceConfig>(
  appliance: Appliance<C>,
  config: C,
  confinement: Confinement,
): Promise<number> {
  const startedMs = systemClock.monotonicMs()
  const registry = new Registry()
  const syslog =
    config.observe.log.syslog === undefined
      ? undefined
      : await openSyslog(config.observe.log.syslog)
  const log = applianceLog(appliance, config, { registry, sendSyslog: syslog?.send })
  const stop = new AbortController()
  const fail = (error: unknown): void => {
    const code = reportFault(log, error)
    // Syslog's datagram is sent in a later turn.
    if (syslog === undefined) process.exit(code)
    else setTimeout(() => process.exit(code), SYSLOG_FLUSH_MS)
  }
  process.on('uncaughtException', fail)
  const reloads = new Reloads(log)
  // Sockets come and go; the process lives until it is told otherwise.
  const alive = setInterval(() => {}, 2 ** 30)
  const stopAsked = onStopSignal(log, stop)
  const stopBy = { ms: Infinity }
  stop.signal.addEventListener('abort', () => {
    stopBy.ms = systemClock.monotonicMs() + STOP_LIMIT_MS
  })
  process.on('SIGHUP', () => reloads.ask())

  let phase: Phase = 'starting'
  let running: Running | undefined
  let sealed = confinement
  let observer: Observer | undefined
  try {
    observer = await observe({
      about: { name: appliance.name, version: appliance.version },
      config: config.observe,
      registry,
      log,
      clock: systemClock,
      state: () => ({
        phase,
        addresses: running?.addresses ?? [],
        sandbox: { held: sealed.held, missing: sealed.missing },
        detail: phase === 'ready' ? running?.status() : undefined,
      }),
    })
    const context = {
      config,
      log,
      metrics: registry,
      clock: systemClock,
      signal: stop.signal,
      fail,
    }
    const abandoned = stopAsked.then(() => pause(STOP_LIMIT_MS))
    running = await Promise.race([appliance.start(context), abandoned])
    if (running !== undefined && !stop.signal.aborted) {
      sealed = await seal(confinement)
      reportSandbox(sealed, log)
      if (config.sandbox.require) refuseMissing(sealed)
      phase = 'ready'
      const tookMs = Math.round(systemClock.monotonicMs() - startedMs)
      const addresses = [...running.addresses, ...observer.addresses].join(' ')
      log.info('ready', { addresses, version: appliance.version, tookMs })
      await notify('READY=1', log)
      reloads.begin(running)
      await stopAsked
    }
  } catch (error) {
    // A start that ends because it was told to is what was asked for.
    if (!stop.signal.aborted || error !== stop.signal.reason) {
      const code = reportFault(log, error)
      if (syslog !== undefined) await pause(SYSLOG_FLUSH_MS)
      return code
    }
  }
  phase = 'stopping'
  await notify('STOPPING=1', log)
  const leftMs = Math.max(0, stopBy.ms - systemClock.monotonicMs())
  const drained = await stopWithin(running, leftMs, log)
  await observer?.close()
  log.info('stopped')
  if (syslog !== undefined) await pause(SYSLOG_FLUSH_MS)
  clearInterval(alive)
  return drained ? EXIT.OK : EXIT.FAULT
}

function applianceLog<C extends ApplianceConfig>(
  appliance: Appliance<C>,
  config: C,
  sinks: { registry: Registry; sendSyslog: ((message: Buffer) => void) | undefined },
): Log {
  const { format, level } = config.observe.log
  const chosen = format === 'auto' ? (process.stdout.isTTY ? 'text' : 'json') : format
  const events = sinks.registry.counter('cairn_log_events', 'Events logged, by level and event')
  return createLog(
    { format: chosen, level },
    {
      clock: systemClock,
      write: (line) => process.stdout.write(line),
      count: (level, event) => events.inc({ level, event }),
      speaker: { hostname: hostname(), appname: appliance.name, pid: process.pid },
      ...(sinks.sendSyslog === undefined ? {} : { sendSyslog: sinks.sendSyslog }),
    },
  )
}

function reportSandbox({ isEnabled, held, missing }: Confinement, log: Log): void {
  if (!isEnabled) log.warn('sandbox-off', { why: 'enabled = false in [sandbox]' })
  else if (missing.length === 0) log.info('sandbox', { held: held.join(', ') })
  else log.warn('sandbox-incomplete', { held: held.join(', '), missing: missing.join('; ') })
}

/** Resolves at the first SIGTERM or SIGINT; the second one does not wait for anything. */
function onStopSignal(log: Log, stop: AbortController): Promise<void> {
  return new Promise((resolve) => {
    const asked = (signal: NodeJS.Signals): void => {
      if (stop.signal.aborted) {
        log.warn('stop-interrupted', { signal })
        process.exit(EXIT.FAULT)
      }
      log.info('stopping', { signal })
      stop.abort()
      resolve()
    }
    process.on('SIGTERM', asked).on('SIGINT', asked)
  })
}

/** Ends with undefined, so that it can stand for a start that gave nothing. */
function pause(durationMs: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), durationMs))
}

async function stopWithin(
  running: Running | undefined,
  limitMs: number,
  log: Log,
): Promise<boolean> {
  if (running === undefined) return true
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      log.error('stop-timeout', { limitMs })
      resolve(false)
    }, limitMs)
  })
  const stopped = running.stop().then(
    () => true,
    (error: unknown) => {
      reportFault(log, error)
      return false
    },
  )
  const drained = await Promise.race([stopped, late])
  clearTimeout(timer)
  return drained
}

function reportFault(log: Log, error: unknown): number {
  const fatal = error instanceof Fatal ? error : deniedAccess(error)
  if (fatal !== undefined) {
    log.error('cannot-go-on', { why: fatal.message })
    return EXIT.CONFIG
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  log.error('fault', { error: text })
  return EXIT.FAULT
}

/** One reload at a time; any number of requests meanwhile make one more. */
class Reloads {
  readonly #log: Log
  #running: Running | undefined
  #isBusy = false
  #isAsked = false

  constructor(log: Log) {
    this.#log = log
  }

  begin(running: Running): void {
    this.#running = running
    if (this.#isAsked) this.ask()
  }

  ask(): void {
    this.#isAsked = true
    if (!this.#isBusy && this.#running !== undefined) void this.#reload(this.#running)
  }

  async #reload(running: Running): Promise<void> {
    this.#isBusy = true
    while (this.#isAsked) {
      this.#isAsked = false
      try {
        await running.reload()
        this.#log.info('reloaded')
      } catch (error) {
        this.#log.error('reload-failed', {
          why: error instanceof Error ? error.message : String(error),
        })
      }
    }
    this.#isBusy = false
  }
}

/** Tells systemd, when it asked to be told. */
async function notify(state: string, log: Log): Promise<void> {
  const path = process.env['NOTIFY_SOCKET']
  if (path === undefined || path === '') return
  try {
    if (!(await sendToNotifySocket(path, state))) log.warn('notify-refused', { state })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    log.warn('notify-unavailable', { state, why })
  }
}
