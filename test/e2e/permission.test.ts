// The bundle under Node's permission model alone, with the very flags of the README: it serves, it recovers, it reads no more.
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { askAddress } from '../../tools/ask.ts'
import { bundleAppliance } from '../../tools/bundle.ts'
import { freePort, runProgram, type Running } from '../../tools/running.ts'
import { git, gitOk } from '../support/git.ts'
import { until } from '../support/house.ts'
import { peerTest } from '../support/peers.ts'
import {
  flagsNamedIn,
  permissionFlags,
  permissionSection,
  UNIT_PLACES,
} from '../support/permission-flags.ts'
import { tempDir } from '../support/temp.ts'
import { clone, commit, firstPush, head } from '../support/working-copy.ts'

const ZONE = `$TTL 300
@ SOA ns hostmaster 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.1
`

const folder = tempDir('permission')
const bundle = join(folder, 'lib', 'cairn-dns.mjs')
const outside = join(folder, 'outside')
const running = new Set<Running>()
let places = 0

beforeAll(async () => {
  mkdirSync(join(folder, 'lib'))
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), 'a token')
  writeFileSync(bundle, (await bundleAppliance('dns', true)).code)
})

afterEach(async () => {
  await Promise.all([...running].map((each) => each.stop()))
  running.clear()
})

/** The folders of one machine: what stands for /etc/cairn and /var/lib/cairn-dns. */
class Place {
  readonly config: string
  readonly state: string
  readonly remote: string
  readonly repository: string

  constructor() {
    const base = join(folder, `place-${++places}`)
    this.config = join(base, 'etc')
    this.state = join(base, 'state')
    this.remote = join(base, 'remote.git')
    this.repository = join(this.state, 'zones.git')
    for (const path of [this.config, this.state]) mkdirSync(path, { recursive: true })
  }

  /** A flag of the README with this place's folders in it. */
  here(flag: string): string {
    const { config, state, remote } = UNIT_PLACES
    return flag.replace(config, this.config).replace(state, this.state).replace(remote, this.remote)
  }

  get command(): [string, ...string[]] {
    return [process.execPath, ...permissionFlags().map((flag) => this.here(flag))]
  }

  async write(store = '', path = this.repository): Promise<Written> {
    const [dns, http, observe] = [await freePort(), await freePort(), await freePort()]
    const file = join(this.config, `dns-${dns}.toml`)
    writeFileSync(
      file,
      `listen = ["127.0.0.1:${dns}"]
[store]
path = ${JSON.stringify(path)}
${store}
[store.serve]
listen = "127.0.0.1:${http}"
[observe]
listen = "127.0.0.1:${observe}"
`,
    )
    const observed = `http://127.0.0.1:${observe}`
    return { file, dns, observed, url: `http://127.0.0.1:${http}/zones.git` }
  }
}

type Written = {
  readonly file: string
  readonly dns: number
  readonly observed: string
  readonly url: string
}

async function start(
  place: Place,
  config: Written,
  more: readonly string[] = [],
): Promise<Running> {
  const started = await runProgram({
    command: [...place.command, ...more, bundle],
    config: config.file,
    observed: config.observed,
    output: 'keep',
  })
  running.add(started)
  return started
}

/** Runs to the end of a process that cannot start; gives its exit code and all it said. */
async function failing(place: Place, file: string): Promise<{ code: number; said: string }> {
  const [command, ...flags] = place.command
  const child = spawn(command, [...flags, bundle, '--config', file], { timeout: 10_000 })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (d: Buffer) => (said += d))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code: code ?? -1, said }
}

peerTest('git', 'it serves, is killed, recovers from its journal, and ends cleanly', async () => {
  const place = new Place()
  const config = await place.write()
  const first = await start(place, config)
  const copy = await firstPush(config.url, { 'zones/example.org': ZONE })
  await commit(copy, { 'zones/example.org': `${ZONE}new A 192.0.2.9\n` })
  await gitOk(['push', '-q'], { cwd: copy })
  first.child.kill('SIGKILL')
  expect(await first.ended).toBe('SIGKILL')
  // Acknowledged, and in the journal alone.
  expect((await git(['rev-parse', '-q', '--verify', 'main'], { cwd: place.repository })).code).toBe(
    1,
  )

  const again = await start(place, config)
  expect(await askAddress(config.dns, 'new.example.org')).toBe('192.0.2.9')
  const raised = await clone(config.url)
  expect(await gitOk(['merge-base', 'HEAD', await head(copy)], { cwd: raised })).toBe(
    await head(copy),
  )

  const second = await failing(place, (await place.write()).file)
  expect(second.code).toBe(78)
  expect(second.said).toContain(`is in use by process ${again.child.pid}`)

  expect(await again.stop()).toBe(0)
  expect(again.log()).not.toMatch(/ERR_|--permission|"level":"error"/)
  expect(await head(place.repository, 'main')).toBe(await head(raised))
  await gitOk(['fsck', '--strict'], { cwd: place.repository })
})

peerTest(
  'git',
  'a remote that is a path is shut, and open with the flags the README names for it',
  async () => {
    const place = new Place()
    await gitOk(['init', '-q', '--bare', place.remote])
    const config = await place.write(`remote = ${JSON.stringify(place.remote)}`)
    const shut = await start(place, config)
    await until('the log says why', () => shut.log().includes('"kind":"denied"'))
    expect(await shut.stop()).toBe(0)

    const extra = flagsNamedIn(permissionSection()).filter((f) => f.includes(UNIT_PLACES.remote))
    expect(extra).toHaveLength(2)
    const flags = extra.map((flag) => place.here(flag))
    const open = await start(place, config, flags)
    const copy = await firstPush(config.url, { 'zones/example.org': ZONE })
    const pushed = await head(copy)
    const inRemote = async () => (await git(['rev-parse', 'main'], { cwd: place.remote })).stdout
    await until('the remote has it', async () => (await inRemote()).trim() === pushed)
    expect(await open.stop()).toBe(0)
  },
)

describe('what lies outside ends the start with a sentence and 78', () => {
  test('the store', async () => {
    const place = new Place()
    const { code, said } = await failing(
      place,
      (await place.write('', join(outside, 'zones.git'))).file,
    )
    expect(said).toContain(`Node runs with --permission: may not read ${outside}/zones.git`)
    expect(said).toContain('give --allow-fs-read with it')
    expect(said).not.toMatch(/^ +at |\\n +at /m)
    expect(code).toBe(78)
  })

  test('a file that the configuration names', async () => {
    const place = new Place()
    const secret = join(outside, 'secret')
    const store = `remote = "https://127.0.0.1:1/x.git"\nremote_token_file = ${JSON.stringify(secret)}`
    const { code, said } = await failing(place, (await place.write(store)).file)
    expect(said).toContain(`cannot read ${secret} (ERR_ACCESS_DENIED)`)
    expect(said).not.toMatch(/^ +at |\\n +at /m)
    expect(code).toBe(78)
  })

  test('the configuration', async () => {
    const { code, said } = await failing(new Place(), join(outside, 'dns.toml'))
    expect(said).toContain(`may not read ${outside}/dns.toml`)
    expect(said).not.toMatch(/^ +at /m)
    expect(code).toBe(78)
  })
})

test('each flag is needed', async () => {
  const place = new Place()
  const config = await place.write()
  const needed = permissionFlags().filter((flag) => flag !== '--permission')
  for (const left of needed) {
    const flags = permissionFlags().filter((flag) => flag !== left)
    const args = [...flags.map((flag) => place.here(flag)), bundle, '--config', config.file]
    const run = promisify(execFile)(process.execPath, args, { timeout: 10_000 })
    await expect(run, `without ${left}`).rejects.toMatchObject({ code: 78 })
  }
})

test('what else a program might do is refused by Node', async () => {
  const place = new Place()
  const { file } = await place.write()
  const probe = join(folder, 'lib', 'probe.mjs')
  writeFileSync(probe, PROBE)
  const [command, ...flags] = place.command
  const paths = [join(outside, 'secret'), bundle, file, join(place.state, 'mine')]
  const { stdout } = await promisify(execFile)(command, [...flags, probe, ...paths])
  expect(JSON.parse(stdout)).toEqual({
    'read a configuration': 'done',
    'write its state': 'done',
    'read a secret': 'ERR_ACCESS_DENIED',
    'read a file beside itself': 'ERR_ACCESS_DENIED',
    'list a folder': 'ERR_ACCESS_DENIED',
    'read its environment': 'ERR_ACCESS_DENIED',
    'write a configuration': 'ERR_ACCESS_DENIED',
    'write a secret': 'ERR_ACCESS_DENIED',
    'link to a secret': 'ERR_ACCESS_DENIED',
    'run a program': 'ERR_ACCESS_DENIED',
    'start a thread': 'ERR_ACCESS_DENIED',
    'load an addon': 'ERR_DLOPEN_DISABLED',
    'use wasi': 'ERR_ACCESS_DENIED',
    'call libc': 'ERR_ACCESS_DENIED',
    'open the inspector': 'ERR_ACCESS_DENIED',
  })
  expect(readFileSync(join(place.state, 'mine'), 'utf8')).toBe('x')
})

const PROBE = `
import { spawn } from 'node:child_process'
import { readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dlopen } from 'node:ffi'
import { open } from 'node:inspector'
import { WASI } from 'node:wasi'
import { Worker } from 'node:worker_threads'
const [secret, bundle, config, state] = process.argv.slice(2)
const actions = {
  'read a configuration': () => readFileSync(config),
  'write its state': () => writeFileSync(state, 'x'),
  'read a secret': () => readFileSync(secret),
  'read a file beside itself': () => readFileSync(bundle),
  'list a folder': () => readdirSync('/'),
  'read its environment': () => readFileSync('/proc/self/environ'),
  'write a configuration': () => writeFileSync(config, 'x'),
  'write a secret': () => writeFileSync(secret, 'x'),
  'link to a secret': () => symlinkSync(secret, state + '-link'),
  'run a program': () => spawn('true'),
  'start a thread': () => new Worker('', { eval: true }),
  'load an addon': () => process.dlopen({ exports: {} }, state),
  'use wasi': () => new WASI({ version: 'preview1' }),
  'call libc': () => dlopen(null, {}),
  'open the inspector': () => open(0),
}
const tried = {}
for (const [name, action] of Object.entries(actions)) {
  try {
    action()
    tried[name] = 'done'
  } catch (error) {
    tried[name] = error.code ?? error.message
  }
}
console.log(JSON.stringify(tried))
`
