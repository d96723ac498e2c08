// The log of a running appliance: level, form, and a limit per event so that a flood costs lines, not the disk.
import type { Clock } from '../clock/clock.ts'
import {
  formatJsonLine,
  formatSyslogMessage,
  formatTextLine,
  type LogEvent,
  type Speaker,
} from './line.ts'
import type { Fields, Level, Log } from './log.ts'

/** Lines of one event per second; what is beyond is counted and said in one line. */
export const EVENTS_PER_SECOND = 20

export type LogSettings = { readonly format: 'text' | 'json'; readonly level: Level }

export type LogWorld = {
  readonly clock: Clock
  /** Takes one line with its newline. */
  readonly write: (line: string) => void
  /** Takes one RFC 5424 message, when there is a syslog to send it to. */
  readonly sendSyslog?: (message: Buffer) => void
  readonly speaker: Speaker
  /** Told of every event at or above the level, also of those not written for the limit. */
  readonly count?: (level: Level, event: string) => void
}

export function createLog(settings: LogSettings, world: LogWorld): Log {
  const format = settings.format === 'json' ? formatJsonLine : formatTextLine
  const windows = new Map<string, Window>()

  const emit = (level: Level, event: string, fields: Fields): void => {
    const e: LogEvent = { level, event, fields, wallMs: world.clock.wallMs() }
    world.write(`${format(e)}\n`)
    world.sendSyslog?.(formatSyslogMessage(e, world.speaker))
  }

  /** One timer per event that is being limited; an event below the limit costs a map entry for a second. */
  const openWindow = (level: Level, event: string): Window => {
    const window = { count: 0 }
    windows.set(event, window)
    world.clock.after(1_000, () => {
      windows.delete(event)
      const suppressed = window.count - EVENTS_PER_SECOND
      if (suppressed > 0) emit(level, 'suppressed', { of: event, count: suppressed })
    })
    return window
  }

  const at =
    (level: Level) =>
    (event: string, fields: Fields = {}): void => {
      if (RANK[level] < RANK[settings.level]) return
      world.count?.(level, event)
      const window = windows.get(event) ?? openWindow(level, event)
      if (++window.count <= EVENTS_PER_SECOND) emit(level, event, fields)
    }

  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

type Window = { count: number }

const RANK: { readonly [level in Level]: number } = { debug: 0, info: 1, warn: 2, error: 3 }
