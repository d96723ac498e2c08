// A manager of a VPN server by its management interface, as exporters are: a line, then what comes of it.
import { connect } from 'node:net'
import { onTestFinished } from 'vitest'
import { waitFor } from './running-vpn.ts'

export type VpnManager = {
  /** Lines that answer it: up to END, or one of SUCCESS and ERROR. */
  ask(command: string): Promise<readonly string[]>
  write(text: string): void
  /** All that came, notices too. */
  said(): string
  until(text: string | RegExp): Promise<void>
  readonly closed: Promise<void>
}

/** `at` is a port of loopback, or the path of a socket. */
export function openManager(at: number | string): VpnManager {
  const socket = typeof at === 'number' ? connect(at, '127.0.0.1') : connect(at)
  let said = ''
  socket.on('data', (chunk: Buffer) => void (said += chunk.toString()))
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  const closed = new Promise<void>((done) => socket.once('close', () => done()))
  const ask = async (command: string): Promise<readonly string[]> => {
    const from = said.length
    socket.write(`${command}\r\n`)
    const answer = (): readonly string[] =>
      said
        .slice(from)
        .split('\r\n')
        .filter((line) => !line.startsWith('>'))
    const isWhole = (): boolean => /^(?:END|SUCCESS: .*|ERROR: .*)\r$/m.test(said.slice(from))
    await waitFor(isWhole, () => said)
    return answer().filter((line) => line !== '')
  }
  return {
    ask,
    write: (text) => void socket.write(text),
    said: () => said,
    until: (text) =>
      waitFor(
        () => said.search(text) >= 0,
        () => said,
      ),
    closed,
  }
}
