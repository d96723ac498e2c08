// Calls over the system's D-Bus: a connection for each set of them, as the user this process runs as.
import { connect, type Socket } from 'node:net'
import {
  encodeCall,
  HELLO,
  messageOctets,
  readAnswer,
  type BusCall,
} from '../core/resolved/bus-messages.ts'

export const SYSTEM_BUS = '/run/dbus/system_bus_socket'

const LIMIT_MS = 5_000
const LIMIT_OCTETS = 1_000_000

/** Makes the calls one after the other, until one fails: its fault, in words; undefined when all went well. */
export async function callBus(
  path: string,
  calls: readonly BusCall[],
): Promise<string | undefined> {
  const socket = connect(path)
  const late = setTimeout(() => socket.destroy(new Error('no answer in time')), LIMIT_MS)
  try {
    return await converse(socket, [HELLO, ...calls])
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    return `${path}: ${code ?? message}`
  } finally {
    clearTimeout(late)
    socket.destroy()
  }
}

async function converse(socket: Socket, calls: readonly BusCall[]): Promise<string | undefined> {
  const uid = Buffer.from(String(process.getuid!())).toString('hex')
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`)
  let pending = Buffer.alloc(0)
  let isIn = false
  let serial = 0
  const next = (): void => {
    serial++
    socket.write(encodeCall(calls[serial - 1]!, serial))
  }
  for await (const octets of socket as AsyncIterable<Buffer>) {
    pending = Buffer.concat([pending, octets])
    if (pending.length > LIMIT_OCTETS) return 'the bus says too much'
    if (!isIn) {
      const end = pending.indexOf('\r\n')
      if (end < 0) continue
      if (!pending.subarray(0, end).toString('latin1').startsWith('OK ')) return 'the bus refuses'
      pending = pending.subarray(end + 2)
      isIn = true
      socket.write('BEGIN\r\n')
      next()
    }
    for (;;) {
      const length = messageOctets(pending)
      if (length === 'broken') return 'the bus does not speak D-Bus'
      if (length === undefined || pending.length < length) break
      const answer = readAnswer(pending.subarray(0, length))
      pending = pending.subarray(length)
      if (answer?.serial !== serial) continue
      if (answer.fault !== undefined) return `${calls[serial - 1]!.member}: ${answer.fault}`
      if (serial === calls.length) return undefined
      next()
    }
  }
  return 'the bus ended the connection'
}
