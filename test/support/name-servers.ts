// Real name servers on loopback for tests: NSD and Knot with the same zone files, asked over UDP and TCP.
import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { peerPath } from './peers.ts'

export type ZoneFile = { readonly name: string; readonly file: string }

export type NameServer = {
  readonly port: number
  /** Reads its zone files again (SIGHUP). */
  reload(): void
  stop(): Promise<void>
}

/** Where a server is to listen. */
type ServerPlace = { readonly host: string; readonly port: number }

const HOST = '127.0.0.1'
const START_LIMIT_MS = 5000
const ANSWER_LIMIT_MS = 2000

/** The `server:` part of a configuration of NSD, whose files are all in `dir`; more of it may follow. */
export function nsdServer(dir: string, host: string, port: number): string {
  return `server:
  ip-address: ${host}@${port}
  server-count: 1
  username: ""
  zonesdir: "${dir}"
  database: ""
  pidfile: "${dir}/nsd.pid"
  xfrdfile: "${dir}/xfrd.state"
  xfrdir: "${dir}"
  zonelistfile: "${dir}/zone.list"
  logfile: "${dir}/nsd.log"
  rrl-ratelimit: 0
`
}

/** NSD in the foreground on a port of its own; `dir` holds its files. */
export async function startNsd(
  dir: string,
  zones: readonly ZoneFile[],
  at?: ServerPlace,
): Promise<NameServer> {
  const { host, port } = at ?? { host: HOST, port: await freePort() }
  const config = join(dir, 'nsd.conf')
  writeFileSync(
    config,
    `${nsdServer(dir, host, port)}  minimal-responses: no
  refuse-any: no
  rrl-whitelist-ratelimit: 0
  verbosity: 0
remote-control:
  control-enable: no
${zones.map(({ name, file }) => `zone:\n  name: "${name}"\n  zonefile: "${file}"\n`).join('')}`,
  )
  return await startServer('nsd', ['-d', '-c', config], port, host)
}

type UpdateKey = { readonly name: string; readonly secret: string }

/** The port on loopback of a server that is told of changes, signed with the key. */
type Notified = { readonly notify?: number }

/** BIND as the primary of a zone that the holder of an HMAC-SHA256 key may transfer and update. */
export async function startUpdatedBind(
  dir: string,
  { name, file }: ZoneFile,
  key: UpdateKey & Notified,
): Promise<NameServer> {
  const port = await freePort()
  const told =
    key.notify === undefined
      ? ''
      : `\n  notify explicit; notify-delay 0; also-notify port ${key.notify} { ${HOST} key "${key.name}"; };`
  const config = join(dir, 'named.conf')
  writeFileSync(
    config,
    `key "${key.name}" { algorithm hmac-sha256; secret "${key.secret}"; };
options { directory "${dir}"; listen-on port ${port} { ${HOST}; }; listen-on-v6 { none; };
  pid-file "${dir}/named.pid"; session-keyfile "${dir}/session.key"; recursion no; notify no; dnssec-validation no; };
controls { };
logging { category default { null; }; };
zone "${name}" { type primary; file "${file}"; allow-update { key "${key.name}"; }; allow-transfer { key "${key.name}"; };
  check-integrity no;${told} };
`,
  )
  return await startServer('named', ['-f', '-n', '1', '-c', config], port)
}

/** The same of Knot DNS. */
export async function startUpdatedKnot(
  dir: string,
  { name, file }: ZoneFile,
  key: UpdateKey,
): Promise<NameServer> {
  const port = await freePort()
  for (const folder of ['db', 'run']) mkdirSync(join(dir, folder), { recursive: true })
  const config = join(dir, 'knot.conf')
  writeFileSync(
    config,
    `server:
  rundir: ${dir}/run
  listen: ${HOST}@${port}
log:
  - target: stderr
    any: error
database:
  storage: ${dir}/db
key:
  - id: ${key.name}
    algorithm: hmac-sha256
    secret: ${key.secret}
acl:
  - id: all
    key: ${key.name}
    action: [transfer, update]
zone:
  - domain: ${name}
    file: ${file}
    acl: all
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: changes
`,
  )
  return await startServer('knotd', ['-c', config], port)
}

/** Knot DNS in the foreground on a port of its own. */
export async function startKnot(
  dir: string,
  zones: readonly ZoneFile[],
  at?: ServerPlace,
): Promise<NameServer> {
  const { host, port } = at ?? { host: HOST, port: await freePort() }
  for (const folder of ['db', 'run']) mkdirSync(join(dir, folder), { recursive: true })
  const config = join(dir, 'knot.conf')
  writeFileSync(
    config,
    `server:
  rundir: ${dir}/run
  listen: ${host}@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: error
database:
  storage: ${dir}/db
template:
  - id: default
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
${zones.map(({ name, file }) => `  - domain: ${name}\n    file: ${file}\n`).join('')}`,
  )
  return await startServer('knotd', ['-c', config], port, host)
}

/** One query over UDP; undefined when nothing comes back in time. */
export async function askUdp(port: number, query: Uint8Array): Promise<Buffer | undefined> {
  const socket = createSocket('udp4')
  try {
    return await new Promise((done) => {
      const timer = setTimeout(() => done(undefined), ANSWER_LIMIT_MS)
      socket.on('message', (answer) => {
        clearTimeout(timer)
        done(answer)
      })
      socket.send(query, port, HOST)
    })
  } finally {
    socket.close()
  }
}

/** Queries one after the other over one TCP connection. */
export async function askTcp(port: number, queries: readonly Uint8Array[]): Promise<Buffer[]> {
  const socket = connect(port, HOST)
  try {
    return await new Promise((done, fail) => {
      const answers: Buffer[] = []
      let read: Buffer = Buffer.alloc(0)
      const next = () => {
        const query = queries[answers.length]
        if (query === undefined) return done(answers)
        const length = Buffer.of(query.length >> 8, query.length & 0xff)
        socket.write(Buffer.concat([length, query]))
      }
      socket.on('connect', next)
      socket.on('error', fail)
      socket.on('close', () => fail(new Error(`closed after ${answers.length} answers`)))
      socket.on('data', (chunk: Buffer) => {
        read = Buffer.concat([read, chunk])
        if (read.length < 2 || read.length < 2 + read.readUInt16BE(0)) return
        const end = 2 + read.readUInt16BE(0)
        answers.push(read.subarray(2, end))
        read = read.subarray(end)
        next()
      })
    })
  } finally {
    socket.destroy()
  }
}

/** A name server's program in the foreground, once it answers on `port`. */
export async function startServer(
  name: string,
  args: readonly string[],
  port: number,
  host: string = HOST,
): Promise<NameServer> {
  const program = peerPath(name)
  if (program === undefined) throw new Error(`${name} is not installed`)
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const until = performance.now() + START_LIMIT_MS
  while (!(await answers(host, port))) {
    if (child.exitCode === null && performance.now() < until) continue
    await stop(child)
    throw new Error(`${name} did not start: ${complaint}`)
  }
  return { port, reload: () => void child.kill('SIGHUP'), stop: () => stop(child) }
}

/** Any answer to any question will do. */
async function answers(host: string, port: number): Promise<boolean> {
  const query = Buffer.from('00010000000100000000000000000200 01'.replaceAll(' ', ''), 'hex')
  const socket = createSocket('udp4')
  const answered = await new Promise<boolean>((done) => {
    socket.on('message', () => done(true))
    socket.on('error', () => done(false))
    socket.send(query, port, host)
    setTimeout(() => done(false), 50)
  })
  socket.close()
  return answered
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((done) => child.once('exit', done))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 2000)
  await ended
  clearTimeout(timer)
}

/** Free for TCP now, and so most likely for UDP in a moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => void server.listen(0, HOST, done))
  const { port } = server.address() as AddressInfo
  await new Promise((done) => server.close(done))
  return port
}
