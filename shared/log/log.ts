// What happened, as an event name and fields; where it goes and how it looks is decided once at start.
export type Level = 'debug' | 'info' | 'warn' | 'error'

export type Fields = { readonly [name: string]: string | number | boolean | undefined }

/** `event` is a fixed kebab-case kind (`zone-refused`): metrics count it, rate limits are per event. */
export interface Log {
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  warn(event: string, fields?: Fields): void
  error(event: string, fields?: Fields): void
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}
