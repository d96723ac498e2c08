// What the sandbox stops, tried from inside through libc; and that a day's work of a name server goes on within it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { freePort, runProgram, type Running } from '../../tools/running.ts'
import { until } from '../support/house.ts'
import { tempDir } from '../support/temp.ts'

const PROBE = join(import.meta.dirname, '..', 'support', 'sandbox-probe.ts')
const folder = tempDir('sandbox')
const foreign = join(folder, 'foreign')
const running = new Set<Running>()
const servers: Server[] = []
let ports: { allowed: number; other: number }
let places = 0

beforeAll(async () => {
  writeFileSync(foreign, 'a secret')
  const listening = async (): Promise<number> => {
    const server = createServer((socket) => socket.end())
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }
  ports = { allowed: await listening(), other: await listening() }
  return () => {
    for (const server of servers) server.close()
  }
})

afterEach(async () => {
  await Promise.all([...running].map((each) => each.stop()))
  running.clear()
})

async function probe(attempt: string, sandbox = ''): Promise<{ running: Running; state: string }> {
  const state = join(folder, `place-${++places}`)
  mkdirSync(state)
  writeFileSync(join(state, 'attempt'), attempt)
  const observe = await freePort()
  const config = join(state, 'probe.toml')
  writeFileSync(
    config,
    `folder = ${JSON.stringify(state)}
foreign = ${JSON.stringify(foreign)}
allowed_port = ${ports.allowed}
other_port = ${ports.other}
[observe]
listen = "127.0.0.1:${observe}"
[sandbox]
${sandbox}
`,
  )
  const started = await runProgram({
    command: [process.execPath, PROBE],
    config,
    observed: `http://127.0.0.1:${observe}`,
    output: 'keep',
  })
  running.add(started)
  return { running: started, state }
}

async function resultsOf({ running, state }: Awaited<ReturnType<typeof probe>>): Promise<unknown> {
  running.child.kill('SIGHUP')
  await until('it tried', () => running.log().includes('"event":"reload'))
  expect(running.log()).toContain('"event":"reloaded"')
  return JSON.parse(readFileSync(join(state, 'results-1'), 'utf8'))
}

describe('once sealed', () => {
  test('files, connections, listeners and processes are out of reach that it does not need', async () => {
    const place = await probe('all')
    expect(place.running.log()).toMatch(/"held":"[^"]*landlock ABI \d+[^"]*seccomp, \d+ calls"/)
    expect(await resultsOf(place)).toEqual({
      'write its state': 'done',
      'read a foreign file': 'errno 13',
      'write a foreign file': 'errno 13',
      'read a foreign environment': 'errno 13',
      'write itself': 'errno 13',
      'connect where it may': 'done',
      'connect elsewhere': 'EACCES',
      'open a door': 'EPERM',
      'make a process': 'errno 1',
      'signal another': 'errno 1',
    })
    expect(await place.running.stop()).toBe(0)
  })

  test.each(['exec', 'ptrace'])('%s is the end of the process', async (attempt) => {
    const { running } = await probe(attempt)
    running.child.kill('SIGHUP')
    expect(await running.ended).toBe('SIGSYS')
  })
})

test('without it the same attempts work, so that the test above says something', async () => {
  expect(await resultsOf(await probe('all', 'enabled = false'))).toMatchObject({
    'read a foreign file': 'done',
    'connect elsewhere': 'done',
    'open a door': 'done',
  })
})
