// Syslog over UDP (RFC 5426): datagrams to one collector, lost when it does not listen.
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { isIpv6 } from '../net/endpoint.ts'
import { Fatal } from '../result/result.ts'

export type SyslogSender = {
  readonly send: (message: Buffer) => void
  readonly close: () => void
}

/** Looks the host up once; throws `Fatal` when it has no address. */
export async function openSyslog(url: URL): Promise<SyslogSender> {
  const name = url.hostname.replace(/^\[|\]$/g, '')
  const { address } = await lookup(name).catch((cause: unknown) => {
    throw new Fatal(`Cannot find the syslog host ${name}`, { cause })
  })
  const port = url.port === '' ? SYSLOG_PORT : Number(url.port)
  const socket = createSocket(isIpv6(address) ? 'udp6' : 'udp4')
  socket.unref()
  // Nobody listening comes back as an error; the log on stdout has the line, and logging it would make another.
  socket.on('error', () => {})
  return {
    send: (message) => socket.send(message, port, address),
    close: () => socket.close(),
  }
}

const SYSLOG_PORT = 514
