// `npm start` as a newcomer meets it: a fresh folder, a clone, an edit, a push, the new answer; data that stays.
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync, appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askAddress } from '../../tools/ask.ts'
import { HOUSE } from '../../tools/house.ts'
import { freePort } from '../../tools/running.ts'
import { git, gitOk } from '../support/git.ts'
import { peerTest } from '../support/peers.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const folder = tempDir('start')
const work = join(folder, 'zones')
/** Of cairn-dns: DNS, git, status. */
let ports: number[]
const portsOf = new Map<string, number[]>()
let house: House

type House = { readonly child: ChildProcess; readonly said: () => string }

beforeAll(async () => {
  for (const { name, configuration } of HOUSE) {
    // The resolver's second address is the one of cairn-dns.
    const second = name === 'resolver' ? portsOf.get('dns')![0]! : await freePort()
    const own = [await freePort(), second, await freePort(), await freePort()]
    let next = 0
    const text = configuration(folder)
    const config = text.replaceAll(/127\.0\.0\.1:\d+/g, () => `127.0.0.1:${own[next++]}`)
    writeFileSync(join(folder, `${name}.toml`), config)
    portsOf.set(name, own)
  }
  ports = portsOf.get('dns')!
  house = await start()
})

afterAll(async () => {
  if (house.child.exitCode === null) await end(house, 'SIGTERM')
})

describe('npm start', () => {
  test('answers from the sample zone', async () => {
    expect(await askAddress(ports[0]!, 'www.example.org')).toBe('192.0.2.80')
    expect(house.said()).toContain(`git clone http://127.0.0.1:${ports[1]}/zones.git`)
  })

  test.each(HOUSE)('$name answers from its sample', async ({ name, probe }) => {
    expect(await probe(portsOf.get(name)![0]!, folder)).toBeUndefined()
  })

  test('the resolver resolves the sample zone', async () => {
    expect(await askAddress(portsOf.get('resolver')![0]!, 'ftp.example.org')).toBe('192.0.2.80')
  })

  test('prints where the page of the resolver is, and it is there', async () => {
    const page = `http://127.0.0.1:${portsOf.get('resolver')![2]}/`
    expect(house.said()).toContain(`page     ${page} `)
    const answer = await fetch(page)
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('<title>')])
  })

  test('no two appliances of the house have an address in common', () => {
    const listened = HOUSE.flatMap(({ name, configuration }) =>
      Array.from(configuration(folder).matchAll(/^listen = .*/gm), (match) => [name, match[0]]),
    )
    const lines = listened.map(([, line]) => line!.replaceAll(/[^0-9.:]/g, ''))
    expect(new Set(lines).size).toBe(lines.length)
  })

  test('prints a calendar URL with a user and a password', () => {
    expect(house.said()).toContain(`CalDAV  http://127.0.0.1:${portsOf.get('caldav')![0]}/`)
    expect(house.said()).toMatch(/user +alice, password \S{12}\n/)
  })

  peerTest('git', 'answers from what was pushed when git push returns', async () => {
    await gitOk(['clone', '-q', `http://127.0.0.1:${ports[1]}/zones.git`, work])
    appendFileSync(join(work, 'zones/example.org'), 'hello A 192.0.2.7\n')
    await gitOk(['-C', work, 'commit', '-q', '-a', '-m', 'hello'])
    await gitOk(['-C', work, 'push', '-q'])
    expect(await askAddress(ports[0]!, 'hello.example.org')).toBe('192.0.2.7')
  })

  peerTest('git', 'refuses a broken zone with the line that is wrong', async () => {
    await gitOk(['-C', work, 'pull', '-q', '--rebase'])
    appendFileSync(join(work, 'zones/example.org'), 'www CNAME mail\n')
    await gitOk(['-C', work, 'commit', '-q', '-a', '-m', 'broken'])
    const lines = readFileSync(join(work, 'zones/example.org'), 'utf8').trimEnd().split('\n').length
    const push = await git(['-C', work, 'push'])
    expect(push.code).not.toBe(0)
    expect(push.stderr).toMatch(new RegExp(`remote: zones/example\\.org:${lines}: `))
    expect(await askAddress(ports[0]!, 'www.example.org')).toBe('192.0.2.80')
  })

  test('says what is wrong when a port is taken', async () => {
    const second = spawnStart()
    expect(await exitCode(second.child)).toBe(78)
    expect(second.said()).toContain(`127.0.0.1:${ports[0]} is in use`)
  })

  peerTest('git', 'ends with 0 on Ctrl-C and finds its data again', async () => {
    expect(await end(house, 'SIGINT')).toBe(0)
    const fsck = await git(['-C', join(folder, 'zones.git'), 'fsck', '--full', '--strict'])
    expect(fsck.code, fsck.stderr).toBe(0)
    house = await start()
    expect(await askAddress(ports[0]!, 'hello.example.org')).toBe('192.0.2.7')
    expect(await end(house, 'SIGTERM')).toBe(0)
  })
})

async function start(): Promise<House> {
  const started = spawnStart()
  while (!started.said().includes('Ctrl-C ends it')) {
    if (started.child.exitCode !== null) throw new Error(started.said())
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return started
}

function spawnStart(): House {
  const child = spawn(process.execPath, ['tools/start.ts', '--var', folder], { cwd: ROOT })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  return { child, said: () => said }
}

function end(house: House, signal: NodeJS.Signals): Promise<number | null> {
  house.child.kill(signal)
  return exitCode(house.child)
}

function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode)
  return new Promise((resolve) => child.on('close', resolve))
}
