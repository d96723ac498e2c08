// Starting and ending appliances as child processes, and ports that are taken.
import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { freePort, portProblem, runProgram } from '../../../tools/running.ts'
import { tempDir } from '../../support/temp.ts'

describe('ports', () => {
  test('a free one has no problem, and a second listener of either kind is one', async () => {
    const port = await freePort()
    expect(await portProblem('127.0.0.1', port)).toBeUndefined()
    const udp = createSocket('udp4')
    await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))
    expect(await portProblem('127.0.0.1', port)).toBe('EADDRINUSE')
    udp.close()
    const tcp = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => tcp.once('listening', resolve))
    expect(await portProblem('127.0.0.1', (tcp.address() as AddressInfo).port)).toBe('EADDRINUSE')
    tcp.close()
  })
})

describe('a program', () => {
  const program = join(tempDir('running'), 'program.mjs')
  writeFileSync(
    program,
    `import { createServer } from 'node:http'
     const [port, mode] = process.argv.at(-1).split(':')
     if (mode === 'broken') { console.error('no such zone'); process.exit(78) }
     createServer((q, a) => a.end('ok')).listen(Number(port), '127.0.0.1')
     process.on('SIGTERM', () => { console.log('bye'); process.exit(mode === 'rough' ? 3 : 0) })`,
  )
  const run = async (mode: string): ReturnType<typeof runProgram> => {
    const port = await freePort()
    return runProgram({
      command: [process.execPath, program],
      config: `${port}:${mode}`,
      observed: `http://127.0.0.1:${port}`,
      output: 'keep',
    })
  }

  test('is up when it is healthy, and its exit code is known', async () => {
    const calm = await run('calm')
    expect(await calm.stop()).toBe(0)
    expect(calm.log()).toBe('bye\n')
    expect(await (await run('rough')).stop()).toBe(3)
  })

  test('that ends before it is up is an error with its last words', async () => {
    await expect(run('broken')).rejects.toThrow(/ended with 78[^]*no such zone/)
  })
})
