// The management interface of cairn-vpn beside that of stock OpenVPN: the same questions, answers of the same shape.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { hashPassword } from '../../shared/auth/password.ts'
import { freePort } from '../../tools/running.ts'
import { peerTest } from '../support/peers.ts'
import { makePki, startVpn, stockClient, stockServer } from '../support/running-vpn.ts'
import { tempDir } from '../support/temp.ts'
import { openManager } from '../support/vpn-manager.ts'

const UP = 'Initialization Sequence Completed'

/** What differs from one run to the next, taken out; stock has its routes in the order of a hash. */
const shapeOf = (lines: readonly string[]): readonly string[] => {
  const shapes = lines.map((line) => shapeOfLine(line))
  const isRoute = (line: string): boolean => /^(?:ROUTING_TABLE[,\t])?NET[^,\t]*[,\t]/.test(line)
  const routes = shapes.filter(isRoute).sort()
  return shapes.map((line) => (isRoute(line) ? routes.shift()! : line))
}

const shapeOfLine = (line: string): string =>
  line
    .replace(/OpenVPN 2\.6\..*/, 'TITLE')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
    .replaceAll(/\b1\d{9}\b/g, 'SECONDS')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'ADDRESS:PORT')
    .replaceAll(/127\.0\.0\.1,\d+/g, 'ADDRESS,PORT')
    .replaceAll(/10\.\d\.0\.(\d)/g, 'NET.$1')
    .replaceAll(/fd00:\d::/g, 'NET6::')
    .replaceAll(/(ADDRESS:PORT(?:,NET\.\d,NET6::1000)?)([,\t])\d+\2\d+\2/g, '$1$2IN$2OUT$2')
    .replaceAll(/(ADDRESS:PORT\tNET\.\d\tNET6::1000)\t\d+\t\d+\t/g, '$1\tIN\tOUT\t')
    .replace(/bytesin=\d+,bytesout=\d+/, 'bytesin=N,bytesout=N')
    .replace(/pid=\d+/, 'pid=N')

const QUESTIONS = [
  'status',
  'status 1',
  'status 2',
  'status 3',
  'status 4',
  'version',
  'pid',
  'state',
  'state all',
  'state on',
  'state off',
  'state x',
  'log',
  'log 0',
  'log off',
  'bytecount',
  'bytecount 0',
  'load-stats',
  'hold',
  'hold release',
  'foo',
  'kill',
  'kill nobody',
  'kill 127.0.0.1:9',
  'client-kill',
  'client-kill 77',
  'signal',
  'signal FOO',
  'kill laptop',
]

peerTest(
  'openvpn',
  'answers as stock OpenVPN does, with a client in the tunnel',
  async () => {
    const pki = makePki()
    const { options } = pki.client('laptop')
    const [ourPort, stockPort] = [await freePort(), await freePort()]
    const password = join(tempDir('vpn-management'), 'password')
    writeFileSync(password, 'secret\n', { mode: 0o600 })
    const stock = await stockServer(pki, 'udp', [
      'ifconfig-ipv6 fd00:9::1/64 fd00:9::2',
      'ifconfig-ipv6-pool fd00:9::1000/64',
      `management 127.0.0.1 ${stockPort} ${password}`,
    ])
    const management = `[management]
listen = "127.0.0.1:${ourPort}"
password = "${await hashPassword('secret')}"
`
    const ours = await startVpn(pki, '', management)
    const talk = async (port: number, serverPort: number): Promise<readonly string[]> => {
      const manager = openManager(port)
      await manager.until('ENTER PASSWORD:')
      manager.write('wrong\r\n')
      await manager.until(/ENTER PASSWORD:.*ENTER PASSWORD:/s)
      manager.write('secret\r\n')
      await manager.until(/^>INFO:/m)
      await manager.ask('bytecount 1')
      const client = stockClient([`remote 127.0.0.1 ${serverPort} udp4`, ...options])
      await client.until(UP)
      await manager.until(/^>CLIENT:ESTABLISHED,0\r\n(?:>CLIENT:ENV,.*\r\n)+>CLIENT:ENV,END/m)
      await manager.until(/^>BYTECOUNT_CLI:0,\d+,\d+\r$/m)
      expect(manager.said()).toMatch(/^>CLIENT:ENV,common_name=laptop\r$/m)
      expect(manager.said()).toMatch(/^>CLIENT:ENV,IV_VER=2\.6\..*\r$/m)
      expect(manager.said()).toMatch(/^>CLIENT:ENV,tls_serial_0=\d+\r$/m)
      const answers: string[] = []
      for (const question of QUESTIONS)
        answers.push(`> ${question}`, ...shapeOf(await manager.ask(question)))
      await client.stop()
      manager.write('quit\r\n')
      await manager.closed
      return answers
    }
    const theirs = await talk(stockPort, stock.port)
    expect(await talk(ourPort, ours.port('udp'))).toEqual(theirs)
    // Not an empty agreement.
    expect(theirs.filter((line) => line.includes('laptop'))).toHaveLength(14)
    expect(ours.events.filter((event) => event.includes('by management'))).toHaveLength(1)
  },
  60_000,
)

peerTest(
  'openvpn',
  'a client that leaves is told, and what SIGUSR1 sends away comes back',
  async () => {
    const pki = makePki()
    const { options } = pki.client('laptop')
    const port = await freePort()
    const vpn = await startVpn(pki, '', `[management]\nlisten = "127.0.0.1:${port}"\n`)
    const manager = openManager(port)
    await manager.until(/^>INFO:/m)
    await manager.ask('log on')
    const client = stockClient([
      `remote 127.0.0.1 ${vpn.port('udp')} udp4`,
      'explicit-exit-notify 1',
      ...options,
    ])
    await client.until(UP)
    await manager.until(/^>LOG:\d+,I,client-connected name=laptop/m)
    await manager.ask('signal SIGUSR1')
    await manager.until(/^>CLIENT:DISCONNECT,0\r\n(?:>CLIENT:ENV,.*\r\n)+>CLIENT:ENV,END/m)
    await manager.until(/^>CLIENT:ESTABLISHED,[1-9]\d*\r$/m)
    // Only one that is up says good-bye.
    await client.until(/Sequence Completed[^]*Sequence Completed/)
    await client.stop()
    await manager.until(/^>CLIENT:DISCONNECT,[1-9]\d*\r$/m)
    expect(manager.said()).toMatch(/^>CLIENT:ENV,time_duration=\d+\r$/m)
    const [stats] = await manager.ask('load-stats')
    expect(stats).toMatch(/^SUCCESS: nclients=0,bytesin=\d+,bytesout=\d+$/)
  },
  60_000,
)
