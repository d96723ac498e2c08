// The name servers that are measured beside each other: ours with its zone in git, the peers with theirs in a file.
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gitOk } from '../../test/support/git.ts'
import { peerPath } from '../../test/support/peers.ts'
import { askAddress } from '../ask.ts'
import { freePort, runProgram } from '../running.ts'
import { SERVER_CORE } from './dns-load.ts'
import { CHANGED_HOST, ORIGIN } from './dns-zone.ts'

const ANSWER_LIMIT_MS = 180_000
/** A server that is not there yet says nothing: it is asked again soon. */
const ASK_PATIENCE_MS = 50
const STOP_LIMIT_MS = 20_000

export type NameServer = {
  readonly port: number
  readonly pid: number
  /** From the start of the process, with the zone on disk, to the first answer. */
  readonly loadMs: number
  /** Takes the new zone; what it returns hands it over. */
  prepare(text: string): Promise<() => Promise<void>>
  stop(): Promise<void>
}

export type Start = (folder: string, text: string) => Promise<NameServer>

/** May update the zone and have it; of servers that are started for that. */
export const UPDATE_KEY: {
  readonly name: string
  readonly algorithm: string
  readonly secret: string
} = {
  name: 'bench',
  algorithm: 'hmac-sha256',
  secret: Buffer.from('updates of a zone by this folder').toString('base64'),
}

/** cairn-dns from a bundle or a source file. */
export function startOurs(program: string, takesUpdates = false): Start {
  return async (folder, text) => {
    mkdirSync(folder, { recursive: true })
    const [dns, gitPort, observe] = [await freePort(), await freePort(), await freePort()]
    const config = join(folder, 'dns.toml')
    writeFileSync(
      config,
      `listen = ["127.0.0.1:${dns}"]\n[store]\npath = "${join(folder, 'zones.git')}"\n` +
        `[store.serve]\nlisten = "127.0.0.1:${gitPort}"\n[observe]\nlisten = "127.0.0.1:${observe}"\n` +
        (takesUpdates
          ? `[keys.${UPDATE_KEY.name}]\nsecret = "${UPDATE_KEY.secret}"\nupdate = ["."]\n`
          : ''),
    )
    const run = () =>
      runProgram({
        command: [process.execPath, program],
        config,
        observed: `http://127.0.0.1:${observe}`,
        output: 'keep',
        under: SERVER_CORE,
      })
    const first = await run()
    const work = join(folder, 'work')
    const file = join('zones', ORIGIN)
    const inWork = (...args: readonly string[]): Promise<string> => gitOk(['-C', work, ...args])
    await gitOk(['clone', '-q', `http://127.0.0.1:${gitPort}/zones.git`, work])
    await inWork('checkout', '-q', '-B', 'main')
    mkdirSync(join(work, 'zones'))
    writeFileSync(join(work, file), text)
    await inWork('add', file)
    await inWork('commit', '-q', '-m', 'first')
    await inWork('push', '-q', 'origin', 'main')
    // What is measured is a server that found its zone there, as the peers do.
    await first.stop()
    const startMs = performance.now()
    const started = run()
    const answered = untilAnswers(dns)
    const running = await started
    return {
      port: dns,
      pid: running.child.pid!,
      loadMs: (await answered) - startMs,
      async prepare(changed) {
        writeFileSync(join(work, file), changed)
        await inWork('commit', '-q', '-a', '-m', 'change')
        return async () => void (await inWork('push', '-q', 'origin', 'main'))
      },
      stop: async () => void (await running.stop()),
    }
  }
}

/** The peers that are installed here, by name. */
export function installedPeers(takesUpdates = false): ReadonlyMap<string, Start> {
  return startsOf(takesUpdates ? UPDATED_PEERS : PEERS)
}

/** Those of the peers that are installed; of the others a word. */
export function startsOf(
  peers: { readonly [name: string]: Peer },
  core: readonly string[] = SERVER_CORE,
): ReadonlyMap<string, Start> {
  const found = new Map<string, Start>()
  for (const [name, peer] of Object.entries(peers))
    if (peerPath(peer.program) !== undefined) found.set(name, startPeer(peer, core))
    else console.error(`${peer.program} is not installed: no figures of ${name}`)
  return found
}

type Place = { readonly folder: string; readonly port: number; readonly file: string }

export type Peer = {
  readonly program: string
  /** Writes the configuration; gives the command line, and the one that makes it read the zone again. */
  configure(place: Place): { readonly args: readonly string[]; readonly reload: readonly string[] }
}

/** The peers that serve a zone from a file. */
export const PEERS: { readonly [name: string]: Peer } = {
  NSD: {
    program: 'nsd',
    configure({ folder, port, file }) {
      const config = writeIn(
        folder,
        'nsd.conf',
        `server:
  ip-address: 127.0.0.1@${port}
  server-count: 1
  username: ""
  zonesdir: "${folder}"
  database: ""
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  logfile: "${folder}/nsd.log"
  minimal-responses: yes
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: yes
  control-interface: "${folder}/control"
zone:
  name: "${ORIGIN}"
  zonefile: "${file}"
`,
      )
      return { args: ['-d', '-c', config], reload: ['nsd-control', '-c', config, 'reload', ORIGIN] }
    },
  },
  Knot: {
    program: 'knotd',
    configure({ folder, port, file }) {
      mkdirSync(join(folder, 'run'))
      mkdirSync(join(folder, 'db'))
      const config = writeIn(
        folder,
        'knot.conf',
        `server:
  rundir: ${folder}/run
  listen: 127.0.0.1@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: warning
database:
  storage: ${folder}/db
control:
  listen: ${folder}/run/knot.sock
template:
  - id: default
    zonefile-load: whole
    journal-content: none
zone:
  - domain: ${ORIGIN}
    file: ${file}
`,
      )
      return { args: ['-c', config], reload: ['knotc', '-c', config, 'zone-reload', ORIGIN] }
    },
  },
  BIND: {
    program: 'named',
    configure({ folder, port, file }) {
      const secret = Buffer.from('a key for this folder alone').toString('base64')
      const key = `key "control" { algorithm hmac-sha256; secret "${secret}"; };\n`
      const control = writeIn(folder, 'control.key', key)
      const controlPort = port > 60_000 ? port - 5_000 : port + 5_000
      const config = writeIn(
        folder,
        'named.conf',
        `${key}options { directory "${folder}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  pid-file "${folder}/named.pid"; session-keyfile "${folder}/session.key"; recursion no; minimal-responses yes;
  notify no; dnssec-validation no; };
controls { inet 127.0.0.1 port ${controlPort} allow { 127.0.0.1; } keys { "control"; }; };
logging { category default { null; }; };
zone "${ORIGIN}" { type primary; file "${file}"; };
`,
      )
      const rndc = ['rndc', '-k', control, '-s', '127.0.0.1', '-p', String(controlPort)]
      return { args: ['-f', '-n', '1', '-c', config], reload: [...rndc, 'reload', ORIGIN] }
    },
  },
  PowerDNS: {
    program: 'pdns_server',
    configure({ folder, port, file }) {
      const zones = `zone "${ORIGIN}" { type master; file "${file}"; };\n`
      writeIn(
        folder,
        'pdns.conf',
        `launch=bind
bind-config=${writeIn(folder, 'bind.conf', zones)}
local-address=127.0.0.1
local-port=${port}
receiver-threads=1
distributor-threads=1
socket-dir=${folder}
daemon=no
guardian=no
setuid=
setgid=
loglevel=2
security-poll-suffix=
`,
      )
      const where = [`--config-dir=${folder}`]
      const reload = ['pdns_control', ...where, `--socket-dir=${folder}`, 'bind-reload-now', ORIGIN]
      return { args: where, reload }
    },
  },
}

/** Those that take updates by UPDATE alone, and nothing by a reload. */
const UPDATED_PEERS: { readonly [name: string]: Peer } = {
  Knot: {
    program: 'knotd',
    configure({ folder, port, file }) {
      mkdirSync(join(folder, 'run'))
      mkdirSync(join(folder, 'db'))
      const { name, algorithm, secret } = UPDATE_KEY
      const config = writeIn(
        folder,
        'knot.conf',
        `server:
  rundir: ${folder}/run
  listen: 127.0.0.1@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
log:
  - target: stderr
    any: warning
key:
  - id: ${name}
    algorithm: ${algorithm}
    secret: ${secret}
acl:
  - id: updates
    key: ${name}
    action: update
database:
  storage: ${folder}/db
zone:
  - domain: ${ORIGIN}
    file: ${file}
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: all
    acl: updates
`,
      )
      return { args: ['-c', config], reload: [] }
    },
  },
  BIND: {
    program: 'named',
    configure({ folder, port, file }) {
      const { name, algorithm, secret } = UPDATE_KEY
      const config = writeIn(
        folder,
        'named.conf',
        `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };
options { directory "${folder}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  pid-file "${folder}/named.pid"; session-keyfile "${folder}/session.key"; recursion no; notify no; dnssec-validation no; };
controls { };
logging { category default { null; }; };
zone "${ORIGIN}" { type primary; file "${file}"; allow-update { key "${name}"; }; };
`,
      )
      return { args: ['-f', '-n', '1', '-c', config], reload: [] }
    },
  },
}

/** A peer on a core; the text of its zone is empty for a resolver. */
function startPeer(peer: Peer, core: readonly string[]): Start {
  return async (folder, text) => {
    mkdirSync(folder, { recursive: true })
    const port = await freePort()
    const file = writeIn(folder, 'zone', text)
    const { args, reload } = peer.configure({ folder, port, file })
    const [command, ...before] = [...core, peerPath(peer.program)!]
    const startMs = performance.now()
    const child = spawn(command!, [...before, ...args], { stdio: 'ignore' })
    const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
    const loadMs = (await untilAnswers(port)) - startMs
    return {
      port,
      pid: child.pid!,
      loadMs,
      async prepare(changed) {
        const [program, ...words] = reload
        return async () => {
          writeFileSync(file, changed)
          await promisify(execFile)(peerPath(program!)!, words)
        }
      },
      async stop() {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
        await ended
        clearTimeout(timer)
      },
    }
  }
}

/** When the changed host first has this address, or any. */
export async function untilAnswers(port: number, address?: string): Promise<number> {
  const until = performance.now() + ANSWER_LIMIT_MS
  while (performance.now() < until) {
    const answer = await askAddress(port, `${CHANGED_HOST}.${ORIGIN}`, ASK_PATIENCE_MS)
    if (answer !== undefined && (address === undefined || answer === address))
      return performance.now()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error(`no answer ${address ?? ''} within ${ANSWER_LIMIT_MS} ms`)
}

export function writeIn(folder: string, name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
