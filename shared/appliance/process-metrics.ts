// What every process is asked: version, memory, processor time, and how late the event loop is.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Registry } from '../metrics/registry.ts'

export function measureProcess(
  registry: Registry,
  about: { readonly name: string; readonly version: string },
): void {
  const { name, version } = about
  registry
    .gauge('cairn_build_info', 'Always 1; the labels say what runs')
    .set(1, { name, version, node: process.versions.node })
  registry
    .gauge('process_start_time_seconds', 'When the process started, in seconds since 1970')
    .set(Math.round(performance.timeOrigin) / 1_000)
  registry.counter('process_cpu_seconds', 'Processor time, user and system', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000_000
  })
  registry.gauge('process_resident_memory_bytes', 'Resident memory', () =>
    process.memoryUsage.rss(),
  )
  registry.gauge(
    'process_heap_bytes',
    'JavaScript heap in use',
    () => process.memoryUsage().heapUsed,
  )
  const delay = monitorEventLoopDelay({ resolution: 20 })
  delay.enable()
  registry.gauge(
    'cairn_event_loop_delay_seconds',
    'Latest the event loop was since this was last read',
    () => {
      const seconds = delay.max / 1e9
      delay.reset()
      return seconds
    },
  )
}
