// cairn-resolver in this process on loopback ports of its own.
import { resolverConfig } from '../../appliances/resolver/config.ts'
import { serve } from '../../appliances/resolver/serve.ts'
import type { Running } from '../../shared/appliance/appliance.ts'
import { systemClock } from '../../shared/clock/clock.ts'
import { decodeConfig } from '../../shared/config/decode.ts'
import { silentLog } from '../../shared/log/log.ts'
import { Registry } from '../../shared/metrics/registry.ts'
import { formatProblem } from '../../shared/result/problem.ts'

export type RunningResolver = {
  readonly running: Running
  readonly registry: Registry
  /** By scheme: dns, tls, https. */
  port(scheme: string): number
}

/** `more` is TOML put behind the address. */
export async function startResolver(more: string): Promise<RunningResolver> {
  const text = `listen = ["127.0.0.1:0"]\n${more}\n[observe]\n`
  const config = decodeConfig(text, 'resolver.toml', resolverConfig)
  if (!config.ok) throw new Error(config.error.map(formatProblem).join('\n'))
  const registry = new Registry()
  const running = await serve({
    config: config.value,
    log: silentLog,
    metrics: registry,
    clock: systemClock,
    signal: new AbortController().signal,
    fail: (error) => {
      throw error
    },
  })
  const port = (scheme: string): number => {
    const address = running.addresses.find((each) => each.startsWith(`${scheme}:`))!
    return Number(/:(\d+)(?:\/|$)/.exec(address)![1])
  }
  return { running, registry, port }
}
