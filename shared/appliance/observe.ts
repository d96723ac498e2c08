// What a running appliance shows of itself: /metrics, /healthz and /status over HTTP, and the Influx push.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../clock/clock.ts'
import type { ObserveConfig } from '../config/observe-table.ts'
import { reply, replyJson, replyText } from '../http/reply.ts'
import { httpUrl, listenHttp } from '../http/server.ts'
import type { Log } from '../log/log.ts'
import { pushInflux } from '../metrics/influx.ts'
import { OPEN_METRICS_TYPE, type Registry } from '../metrics/registry.ts'
import { measureProcess } from './process-metrics.ts'
import { formatStatus } from './status-text.ts'

export type Phase = 'starting' | 'ready' | 'stopping'

export type State = {
  readonly phase: Phase
  readonly addresses: readonly string[]
  /** What holds the process, and what could not be had. */
  readonly sandbox: { readonly held: readonly string[]; readonly missing: readonly string[] }
  /** What the appliance itself has to say; only when ready. */
  readonly detail: unknown
}

export type Observer = { readonly addresses: readonly string[]; close(): Promise<void> }

export async function observe(options: {
  readonly about: { readonly name: string; readonly version: string }
  readonly config: ObserveConfig
  readonly registry: Registry
  readonly log: Log
  readonly clock: Clock
  readonly state: () => State
}): Promise<Observer> {
  const { about, config, registry, log, clock } = options
  measureProcess(registry, about)
  const startedMs = clock.monotonicMs()
  const listener =
    config.listen === undefined
      ? undefined
      : await listenHttp({
          listen: config.listen,
          limits: { connections: 64, bodyBytes: 0, requestMs: 10_000, drainMs: 500 },
          log,
          handler: async (request, response) => {
            const uptimeSeconds = Math.floor((clock.monotonicMs() - startedMs) / 1_000)
            answer({ request, response, registry, state: options.state, about, uptimeSeconds })
          },
        })
  const push =
    config.influx === undefined
      ? undefined
      : pushInflux({ url: config.influx, intervalMs: config.influxInterval, registry, clock, log })
  return {
    addresses: listener === undefined ? [] : [`${httpUrl(listener)}/status`],
    async close() {
      push?.close()
      await listener?.close()
    },
  }
}

function answer(input: {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly registry: Registry
  readonly state: () => State
  readonly about: { readonly name: string; readonly version: string }
  readonly uptimeSeconds: number
}): void {
  const { request, response } = input
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return replyText(response, 405, 'Only GET and HEAD', { allow: 'GET, HEAD' })
  }
  const url = URL.parse(request.url ?? '', 'http://localhost')
  const fresh = { 'cache-control': 'no-store' }
  switch (url?.pathname) {
    case '/metrics':
      return reply(response, 200, input.registry.openMetrics(), {
        'content-type': OPEN_METRICS_TYPE,
        ...fresh,
      })
    case '/healthz': {
      const { phase } = input.state()
      return replyText(response, phase === 'ready' ? 200 : 503, phase, fresh)
    }
    case '/status': {
      const { phase, addresses, sandbox, detail } = input.state()
      const { about, uptimeSeconds } = input
      const status = { ...about, phase, uptimeSeconds, addresses, sandbox, detail }
      return wantsJson(request, url)
        ? replyJson(response, 200, status, fresh)
        : replyText(response, 200, formatStatus(status), fresh)
    }
    default:
      return replyText(response, 404, 'Here are /metrics, /healthz and /status')
  }
}

function wantsJson(request: IncomingMessage, url: URL): boolean {
  const format = url.searchParams.get('format')
  if (format !== null) return format === 'json'
  return /\bapplication\/json\b/.test(request.headers.accept ?? '')
}
