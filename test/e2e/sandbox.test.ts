// What the sandbox stops, tried from inside through libc; and that a day's work of a name server goes on within it.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { askAddress } from '../../tools/ask.ts'
import { freePort, runProgram, type Running } from '../../tools/running.ts'
import { git, gitOk } from '../support/git.ts'
import { until } from '../support/house.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { commit, newCopy } from '../support/working-copy.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'appliances', 'dns', 'main.ts')
const ZONE = `$TTL 300
@ SOA ns hostmaster 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.1
`
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

/** cairn-dns in a folder of its own, with git over TLS. */
async function nameServer(
  sandbox = '',
  owner = process.getuid!(),
): Promise<{ running: Running; dns: number; url: string; tls: string; state: string }> {
  const state = join(folder, `dns-${++places}`)
  mkdirSync(join(state, 'tls'), { recursive: true })
  renewCertificate(join(state, 'tls'))
  linkCertificate(state, 1)
  for (const path of ['.', 'tls/key.pem', 'archive/key1.pem'])
    chownSync(join(state, path), owner, owner)
  const [dns, http, observe, dot] = await Promise.all([1, 2, 3, 4].map(() => freePort()))
  const config = join(state, 'dns.toml')
  writeFileSync(
    config,
    `listen = ["127.0.0.1:${dns}"]
[store]
path = ${JSON.stringify(join(state, 'zones.git'))}
[store.serve]
listen = "127.0.0.1:${http}"
tls = { cert = "${state}/tls/cert.pem", key = "${state}/tls/key.pem" }
[tls]
listen = ["127.0.0.1:${dot}"]
cert = "${state}/live/cert.pem"
key = "${state}/live/key.pem"
[observe]
listen = "127.0.0.1:${observe}"
[sandbox]
${sandbox}
`,
  )
  const started = await runProgram({
    command: [process.execPath, MAIN],
    config,
    observed: `http://127.0.0.1:${observe}`,
    output: 'keep',
  })
  running.add(started)
  const [url, tls] = [`https://127.0.0.1:${http}/zones.git`, `https://127.0.0.1:${dot}`]
  return { running: started, dns: dns!, url, tls, state }
}

/** As an ACME client leaves them: new files in the place of the old ones. */
function renewCertificate(folder: string): void {
  const [key, cert] = [join(folder, 'key.new'), join(folder, 'cert.new')]
  execFileSync(
    peerPath('openssl')!,
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '1',
    ].concat(['-subj', '/CN=127.0.0.1', '-keyout', key, '-out', cert]),
    { stdio: 'ignore' },
  )
  renameSync(key, join(folder, 'key.pem'))
  renameSync(cert, join(folder, 'cert.pem'))
}

/** As others leave them: `live` has links to the newest of `archive`. */
function linkCertificate(state: string, count: number): void {
  const [archive, live] = [join(state, 'archive'), join(state, 'live')]
  for (const each of [archive, live]) mkdirSync(each, { recursive: true })
  renewCertificate(archive)
  for (const name of ['key', 'cert']) {
    renameSync(join(archive, `${name}.pem`), join(archive, `${name}${count}.pem`))
    symlinkSync(`../archive/${name}${count}.pem`, join(live, 'new'))
    renameSync(join(live, 'new'), join(live, `${name}.pem`))
  }
}

function certificateSerial(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false })
    socket.on('error', reject)
    socket.on('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
  })
}

peerTest(['git', 'openssl'], 'a day of a name server goes on within it', async () => {
  const { running, dns, url, tls, state } = await nameServer()
  expect(running.log()).toMatch(/"held":"[^"]*seccomp, \d+ calls"/)
  const env = { GIT_SSL_NO_VERIFY: '1' }
  const copy = await newCopy(url)
  await commit(copy, { 'zones/example.org': ZONE })
  await gitOk(['push', '-q', 'origin', 'main'], { cwd: copy, env })
  expect(await askAddress(dns, 'ns.example.org')).toBe('192.0.2.1')
  const before = [await certificateSerial(url), await certificateSerial(tls)]
  renewCertificate(join(state, 'tls'))
  linkCertificate(state, 2)
  running.child.kill('SIGHUP')
  await until('it reloaded', () => running.log().includes('"event":"reloaded"'))
  expect(await certificateSerial(url)).not.toBe(before[0])
  expect(await certificateSerial(tls)).not.toBe(before[1])
  // Sealed after a quiet second: packs are written, folders made, files renamed and deleted.
  await until('the journal is sealed', async () => {
    const head = await git(['rev-parse', '-q', '--verify', 'main'], {
      cwd: join(state, 'zones.git'),
    })
    return head.code === 0
  })
  await commit(copy, { 'zones/example.org': `${ZONE}new A 192.0.2.9\n` })
  await gitOk(['pull', '-q', '--rebase', 'origin', 'main'], { cwd: copy, env })
  await gitOk(['push', '-q', 'origin', 'HEAD:main'], { cwd: copy, env })
  expect(await askAddress(dns, 'new.example.org')).toBe('192.0.2.9')
  expect(await running.stop()).toBe(0)
  expect(running.log()).not.toMatch(/"level":"error"|EPERM|EACCES|ERR_ACCESS_DENIED/)
})

const isRoot = process.getuid?.() === 0

test.runIf(isRoot)('started as root, it is another user before it opens anything', async () => {
  chmodSync(folder, 0o755)
  const { uid } = nobody()
  const { running, state } = await nameServer('user = "nobody"\nrequire = true', uid)
  const status = readFileSync(`/proc/${running.child.pid}/status`, 'utf8')
  expect(status).toMatch(new RegExp(`^Uid:(\\s+${uid}){4}$`, 'm'))
  expect(status).toMatch(/^CapBnd:\s+0{13}400$/m)
  expect(statSync(join(state, 'zones.git')).uid).toBe(uid)
  expect(running.log()).toMatch(/"event":"sandbox","held":"user nobody, /)
  expect(await running.stop()).toBe(0)
})

function nobody(): { readonly uid: number } {
  const [, uid] = /^nobody:[^:]*:(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'))!
  return { uid: Number(uid) }
}
