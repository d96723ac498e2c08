// The branch `sessions` of a gateway that is killed: whoever comes again has its address again, and stock git shows who came.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort, runProgram } from '../../tools/running.ts'
import { gatewayToml, makePki, startVpnClient, waitFor } from '../support/running-vpn.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

test('after a crash a client has the address that it had', async () => {
  const pki = makePki()
  const [port, observe] = [await freePort(), await freePort()]
  const config = join(tempDir('vpn-sessions'), 'vpn.toml')
  const text = gatewayToml(
    pki,
    `"tcp://127.0.0.1:${port}"`,
    '',
    `[observe]\nlisten = "127.0.0.1:${observe}"\n`,
  )
  writeFileSync(config, text)
  const repository = /path = "(.*vpn\.git)"/.exec(text)![1]!
  const start = async () => {
    const gateway = await runProgram({
      command: [process.execPath, join(ROOT, 'appliances/vpn/main.ts')],
      config,
      observed: `http://127.0.0.1:${observe}`,
      output: 'keep',
    })
    onTestFinished(async () => void (await gateway.stop()))
    return gateway
  }
  const comesIn = async (name: string) => {
    const { options } = pki.client(name)
    const profile = ['client', 'dev tun', `remote 127.0.0.1 ${port} tcp`, 'remote-cert-tls server']
    const client = await startVpnClient([...profile, ...options])
    const addresses = (): string => JSON.stringify(client.running.status())
    await waitFor(() => addresses().includes('"connected to'), addresses)
    return { ...client, addresses }
  }
  const first = await start()
  const alice = await comesIn('alice')
  const bob = await comesIn('bob')
  expect(bob.addresses()).toContain('"10.8.0.3/24"')
  await alice.running.stop()
  const ended = new Promise<void>((done) => first.child.once('exit', () => done()))
  first.child.kill('SIGKILL')
  await ended
  const events = (): number => bob.events.filter((each) => each.startsWith('connected ')).length
  expect(events()).toBe(1)
  const second = await start()
  // It comes again by itself, before anybody else; without the branch it would have the first address.
  await waitFor(() => events() === 2, bob.addresses, 40_000)
  expect(bob.addresses()).toContain('"10.8.0.3/24"')
  await second.stop()
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8' })
  expect(git('show', 'sessions:pool')).toBe('10.8.0.2 "alice"\n10.8.0.3 "bob"\n')
  const record = git('log', '-p', '--reverse', 'sessions', '--', 'sessions')
  expect(record).toMatch(/\+\S+Z came bob 10\.8\.0\.3 fd00:8::1001 from tcp 127\.0\.0\.1:/)
  expect(record).toMatch(/\+\S+Z left bob .* received \d+ sent \d+: the gateway stops/)
}, 90_000)
