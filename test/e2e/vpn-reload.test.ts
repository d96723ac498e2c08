// SIGHUP of the gateway's process, in its sandbox: another authority and certificate take the place of the old ones.
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort, runProgram } from '../../tools/running.ts'
import { gatewayToml, makePki, startVpnClient, waitFor, type Pki } from '../support/running-vpn.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

test('new sessions use the new files, those under way stay, and a bad file changes nothing', async () => {
  const [old, renewed] = [makePki(), makePki()]
  const [port, observe] = [await freePort(), await freePort()]
  const config = join(tempDir('vpn-reload'), 'vpn.toml')
  const observed = `http://127.0.0.1:${observe}`
  const listen = `"tcp://127.0.0.1:${port}"`
  writeFileSync(
    config,
    gatewayToml(old, listen, '', `[observe]\nlisten = "127.0.0.1:${observe}"\n`),
  )
  const gateway = await runProgram({
    command: [process.execPath, join(ROOT, 'appliances/vpn/main.ts')],
    config,
    observed,
    output: 'keep',
  })
  onTestFinished(async () => void (await gateway.stop()))
  const comesIn = async (pki: Pki, name: string): Promise<void> => {
    const { options } = pki.client(name)
    const profile = ['client', 'dev tun', `remote 127.0.0.1 ${port} tcp`, 'remote-cert-tls server']
    await startVpnClient([...profile, ...options])
    await waitFor(() => connected(gateway.log()).includes(name), gateway.log)
  }
  let reloads = 0
  const reload = async (): Promise<void> => {
    reloads++
    gateway.child.kill('SIGHUP')
    await waitFor(() => count(gateway.log(), 'reloaded') === reloads, gateway.log)
  }
  await comesIn(old, 'alice')
  for (const name of ['ca.crt', 'server.crt', 'server.key'])
    copyFileSync(join(renewed.path, name), join(old.path, name))
  await reload()
  await comesIn(renewed, 'bob')
  writeFileSync(join(old.path, 'server.key'), 'half a k')
  writeFileSync(join(old.path, 'ca.crt'), '')
  await reload()
  for (const name of ['server.key', 'ca.crt'])
    expect(gateway.log()).toMatch(
      new RegExp(`"level":"error".*"event":"certificate".*${join(old.path, name)}`),
    )
  await comesIn(renewed, 'carol')
  expect(connected(gateway.log())).toEqual(['alice', 'bob', 'carol'])
  expect(count(gateway.log(), 'client-disconnected')).toBe(0)
  expect(count(gateway.log(), 'certificate')).toBe(3)
}, 60_000)

function count(log: string, event: string): number {
  return log.split(`"event":"${event}"`).length - 1
}

function connected(log: string): readonly string[] {
  return [...log.matchAll(/"event":"client-connected".*?"name":"(\w+)"/g)].map(([, name]) => name!)
}
