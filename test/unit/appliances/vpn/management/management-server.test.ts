// The bounds of the management socket: passwords, lines, connections.
import { expect, test } from 'vitest'
import { History } from '../../../../../appliances/vpn/core/management/history.ts'
import { ManagementServer } from '../../../../../appliances/vpn/management/management-server.ts'
import { hashPassword } from '../../../../../shared/auth/password.ts'
import { parsePasswordHash } from '../../../../../shared/auth/password-hash.ts'
import { systemClock } from '../../../../../shared/clock/clock.ts'
import { silentLog } from '../../../../../shared/log/log.ts'
import { openManager, type VpnManager } from '../../../../support/vpn-manager.ts'

async function open(password?: string): Promise<{ manager(): VpnManager; close(): Promise<void> }> {
  const hash = password === undefined ? undefined : parsePasswordHash(await hashPassword(password))!
  const server = await ManagementServer.open(
    { listen: { host: '127.0.0.1', port: 0 }, ...(hash && { password: hash }) },
    {
      title: 'OpenVPN 2.6.0 test',
      pid: 1,
      log: new History(1),
      states: new History(1),
      clients: () => [],
      totals: () => ({ received: 0, sent: 0 }),
      dismiss: () => 0,
      signal: () => {},
      timeText: String,
    },
    {
      clock: systemClock,
      log: silentLog,
      failed: (cause) => {
        throw cause
      },
    },
  )
  const port = Number(/:(\d+)$/.exec(server.address)![1])
  return { manager: () => openManager(port), close: () => server.close() }
}

test('nothing is answered before the password, and three wrong ones are the end', async () => {
  const server = await open('secret')
  const manager = server.manager()
  manager.write('pid\r\nstatus 2\r\n\r\n')
  await manager.closed
  expect(manager.said()).toBe(
    'ENTER PASSWORD:ENTER PASSWORD:ENTER PASSWORD:ERROR: bad password\r\n',
  )
  const right = server.manager()
  // In one piece: the commands wait for the verdict.
  right.write('secret\r\npid\r\nquit\r\n')
  await right.closed
  expect(right.said()).toBe(
    "ENTER PASSWORD:SUCCESS: password is correct\r\n>INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\nSUCCESS: pid=1\r\n",
  )
  await server.close()
})

test('a line that does not end closes the connection, and a ninth manager is not let in', async () => {
  const server = await open()
  const endless = server.manager()
  await endless.until('>INFO:')
  endless.write('x'.repeat(2000))
  await endless.closed
  const managers = Array.from({ length: 8 }, () => server.manager())
  for (const manager of managers) await manager.until('>INFO:')
  const ninth = server.manager()
  await ninth.closed
  expect(ninth.said()).toBe('')
  await server.close()
  for (const manager of managers) await manager.closed
})

test('ten thousand questions at once are answered in order, as they are read', async () => {
  const server = await open()
  const manager = server.manager()
  manager.write('pid\r\nhelp\r\n'.repeat(5000))
  manager.write('quit\r\n')
  await manager.closed
  expect(manager.said().match(/SUCCESS: pid=1/g)).toHaveLength(5000)
  expect(manager.said().match(/^END\r$/gm)).toHaveLength(5000)
  await server.close()
})
