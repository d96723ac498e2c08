// cairn-dns in this process on loopback ports of its own, with a zone or two pushed to it.
import { join } from 'node:path'
import { dnsConfig } from '../../appliances/dns/config.ts'
import { serve } from '../../appliances/dns/serve.ts'
import type { Running } from '../../shared/appliance/appliance.ts'
import { systemClock } from '../../shared/clock/clock.ts'
import { decodeConfig } from '../../shared/config/decode.ts'
import { silentLog, type Log } from '../../shared/log/log.ts'
import { Registry } from '../../shared/metrics/registry.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { tempDir } from './temp.ts'
import { firstPush } from './working-copy.ts'

export type RunningDns = {
  readonly running: Running
  readonly registry: Registry
  readonly events: string[]
  /** By scheme: dns, tls, https, http (the store). */
  port(scheme: string): number
  /** The working copy that was pushed. */
  readonly copy: string
}

/** `more` is TOML put behind the usual keys; `files` are pushed before it returns. */
export async function startDns(
  files: { readonly [path: string]: string },
  more = '',
  top = '',
): Promise<RunningDns> {
  const path = join(tempDir('running-dns'), 'zones.git')
  const text = `listen = ["127.0.0.1:0"]
${top}
[store]
path = ${JSON.stringify(path)}
[store.serve]
listen = "127.0.0.1:0"
[observe]
${more}
`
  const config = decodeConfig(text, 'dns.toml', dnsConfig)
  if (!config.ok) throw new Error(config.error.map(formatProblem).join('\n'))
  const events: string[] = []
  const say = (event: string, fields?: object): void =>
    void events.push(`${event} ${JSON.stringify(fields)}`)
  const log: Log = { ...silentLog, info: say, warn: say, error: say }
  const registry = new Registry()
  const running = await serve({
    config: config.value,
    log,
    metrics: registry,
    clock: systemClock,
    signal: new AbortController().signal,
    fail: (error) => {
      throw error
    },
  })
  const addressOf = (scheme: string) => running.addresses.find((a) => a.startsWith(`${scheme}:`))!
  const copy = await firstPush(addressOf('http'), files)
  const port = (scheme: string): number => Number(/:(\d+)(?:\/|$)/.exec(addressOf(scheme))![1])
  return { running, registry, events, port, copy }
}
