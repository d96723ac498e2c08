// One question by UDP to a name server on loopback, asked and read with dns-packet.
import { createSocket } from 'node:dgram'
import { decode, encode, RECURSION_DESIRED } from 'dns-packet'

const PATIENCE_MS = 1000

/** The first address of `name`, a chain of aliases followed; undefined without an answer or without an address. */
export function askAddress(
  port: number,
  name: string,
  patienceMs: number = PATIENCE_MS,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const done = (address?: string): void => {
      clearTimeout(timer)
      socket.close()
      resolve(address)
    }
    const timer = setTimeout(done, patienceMs)
    socket.on('error', () => done())
    socket.on('message', (message) => {
      const record = decode(message).answers?.find(({ type }) => type === 'A')
      done(record?.type === 'A' ? record.data : undefined)
    })
    const query = encode({
      type: 'query',
      id: 7,
      flags: RECURSION_DESIRED,
      questions: [{ type: 'A', name }],
    })
    socket.send(query, port, '127.0.0.1')
  })
}
