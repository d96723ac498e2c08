// The management interface at a UNIX socket, of a gateway in its sandbox: also after one that was killed.
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort, runProgram } from '../../tools/running.ts'
import { gatewayToml, makePki } from '../support/running-vpn.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'
import { openManager } from '../support/vpn-manager.ts'

test('answers at its path, to its own user alone, and takes the path again after a crash', async () => {
  const pki = makePki()
  const folder = tempDir('vpn-socket')
  // A folder that is not there yet.
  const path = join(folder, 'run', 'management.sock')
  const start = async () => {
    const observe = await freePort()
    const more = `[observe]\nlisten = "127.0.0.1:${observe}"\n[management]\nlisten = "unix:${path}"\n`
    const config = join(folder, 'vpn.toml')
    writeFileSync(config, gatewayToml(pki, '"udp://127.0.0.1:0"', '', more))
    const gateway = await runProgram({
      command: [process.execPath, join(ROOT, 'appliances/vpn/main.ts')],
      config,
      observed: `http://127.0.0.1:${observe}`,
      output: 'keep',
    })
    onTestFinished(async () => void (await gateway.stop()))
    return gateway
  }
  const first = await start()
  expect(first.log()).toContain(`management+unix:${path}`)
  expect(await openManager(path).ask('pid')).toEqual([`SUCCESS: pid=${first.child.pid}`])
  expect(statSync(path).mode & 0o022).toBe(0)
  // Another gateway does not take it away from this one.
  await expect(start()).rejects.toThrow()
  expect(await openManager(path).ask('pid')).toEqual([`SUCCESS: pid=${first.child.pid}`])

  const ended = new Promise<void>((done) => first.child.once('exit', () => done()))
  first.child.kill('SIGKILL')
  await ended
  expect(existsSync(path)).toBe(true)
  const second = await start()
  expect(await openManager(path).ask('pid')).toEqual([`SUCCESS: pid=${second.child.pid}`])
  expect(await second.stop()).toBe(0)
  expect(existsSync(path)).toBe(false)
}, 60_000)
