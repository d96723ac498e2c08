// Pushes the metrics as Influx line protocol, over UDP or TCP, at an interval.
import { createSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import type { Clock } from '../clock/clock.ts'
import type { Log } from '../log/log.ts'
import type { Registry } from './registry.ts'

/** A datagram that fits an Ethernet frame: larger ones are lost whole when one fragment is. */
export const DATAGRAM_LIMIT_BYTES = 1_400

/** A receiver that stops reading may hold this much of our memory, then the push is dropped. */
export const BACKLOG_LIMIT_BYTES = 1_000_000

export type InfluxPush = { close(): void }

/** `url` is `udp://host:port` or `tcp://host:port`. A receiver that is away is logged and tried again. */
export function pushInflux(options: {
  readonly url: URL
  readonly intervalMs: number
  readonly registry: Registry
  readonly clock: Clock
  readonly log: Log
}): InfluxPush {
  const { url, clock, log } = options
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const target = { host, port: url.port === '' ? DEFAULT_PORT : Number(url.port) }
  const fail = (cause: Error): void => {
    log.warn('influx-push-failed', { to: url.host, error: cause.message })
  }
  const sender = url.protocol === 'udp:' ? udpSender(target, fail) : tcpSender(target, fail)
  let isClosed = false
  const next = (): void => {
    clock.after(options.intervalMs, () => {
      if (isClosed) return
      sender.send(options.registry.influxLines())
      next()
    })
  }
  next()
  return {
    close() {
      isClosed = true
      sender.close()
    },
  }
}

/** Whole lines together, as many as fit a datagram; a single longer line goes alone. */
export function splitLines(lines: string, limitBytes: number): string[] {
  const parts: string[] = []
  let part = ''
  let partBytes = 0
  for (const line of lines.match(/[^\n]*\n/g) ?? []) {
    const bytes = Buffer.byteLength(line)
    if (partBytes > 0 && partBytes + bytes > limitBytes) {
      parts.push(part)
      part = ''
      partBytes = 0
    }
    part += line
    partBytes += bytes
  }
  return part === '' ? parts : [...parts, part]
}

type Target = { readonly host: string; readonly port: number }
type Sender = { send(lines: string): void; close(): void }

function udpSender(target: Target, fail: (cause: Error) => void): Sender {
  const socket = createSocket(target.host.includes(':') ? 'udp6' : 'udp4')
  socket.unref()
  socket.on('error', fail)
  return {
    send(lines) {
      for (const part of splitLines(lines, DATAGRAM_LIMIT_BYTES)) {
        socket.send(part, target.port, target.host, (cause) => {
          if (cause !== null) fail(cause)
        })
      }
    },
    close: () => socket.close(),
  }
}

function tcpSender(target: Target, fail: (cause: Error) => void): Sender {
  let socket: Socket | undefined
  const open = (): Socket => {
    const opened = connect({ ...target, keepAlive: true })
    opened.unref()
    opened.resume()
    opened.on('error', fail).on('close', () => {
      if (socket === opened) socket = undefined
    })
    return opened
  }
  return {
    send(lines) {
      socket ??= open()
      if (socket.writableLength + lines.length > BACKLOG_LIMIT_BYTES) {
        fail(new Error(`the receiver is ${socket.writableLength} bytes behind`))
        socket.destroy()
      } else socket.write(lines)
    },
    close: () => socket?.destroy(),
  }
}

const DEFAULT_PORT = 8_089
