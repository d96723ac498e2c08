// An appliance in this process, as its frame would start it; what it logs is kept.
import type { Context, Running } from '../../shared/appliance/appliance.ts'
import { systemClock } from '../../shared/clock/clock.ts'
import { decodeConfig, type Decoder } from '../../shared/config/decode.ts'
import { silentLog, type Log } from '../../shared/log/log.ts'
import { Registry } from '../../shared/metrics/registry.ts'
import { formatProblem } from '../../shared/result/problem.ts'

export type RunningAppliance = {
  readonly running: Running
  readonly registry: Registry
  /** What was logged from `info` on: the event, and its fields as JSON. */
  readonly events: string[]
  /** The first address with the scheme: `http`. */
  address(scheme: string): string
  port(scheme: string): number
}

/** `text` is the configuration, `set` as `--set` on the command line; a part that fails is an exception unless `fail` takes it. */
export async function runHere<C>(
  text: string,
  decoder: Decoder<C>,
  serve: (context: Context<C>) => Promise<Running>,
  options: {
    readonly set?: readonly string[]
    readonly fail?: (error: Error) => void
    /** Instead of `events`. */
    readonly log?: Log
  } = {},
): Promise<RunningAppliance> {
  const config = decodeConfig(text, 'appliance.toml', decoder, options.set)
  if (!config.ok) throw new Error(config.error.map(formatProblem).join('\n'))
  const events: string[] = []
  const say = (event: string, fields?: object): void =>
    void events.push(`${event} ${JSON.stringify(fields)}`)
  const registry = new Registry()
  const running = await serve({
    config: config.value,
    log: options.log ?? { ...silentLog, info: say, warn: say, error: say },
    metrics: registry,
    clock: systemClock,
    signal: new AbortController().signal,
    fail:
      options.fail ??
      ((error) => {
        throw error
      }),
  })
  const address = (scheme: string): string =>
    running.addresses.find((each) => each.startsWith(`${scheme}:`))!
  const port = (scheme: string): number => Number(/:(\d+)(?:\/|$)/.exec(address(scheme))![1])
  return { running, registry, events, address, port }
}
