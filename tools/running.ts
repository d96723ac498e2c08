// Runs an appliance as a child process: from its sources, from a bundle, or as a single executable.
import { spawn, type ChildProcess } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { createServer, type AddressInfo, type Server } from 'node:net'

export type Program = {
  /** `node appliances/dns/main.ts` as a list. */
  readonly command: readonly [string, ...string[]]
  readonly config: string
  /** Where `/healthz` answers 200 once it is up: `http://127.0.0.1:9153`. */
  readonly observed: string
  /** `inherit` shows its log here, `keep` keeps the end of it for `log`. */
  readonly output: 'inherit' | 'keep'
  /** Prefixes the command, e.g. `taskset -c 0`. */
  readonly under?: readonly string[]
}

export type Running = {
  readonly child: ChildProcess
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string>
  log(): string
  /** SIGTERM; a child that is still there after 10 s is killed. */
  stop(): Promise<number | string>
}

const READY_LIMIT_MS = 60_000
const STOP_LIMIT_MS = 10_000
const LOG_LIMIT = 64_000

/** Resolves when the appliance is up; rejects with the end of its log when it ends before that. */
export async function runProgram(program: Program): Promise<Running> {
  const [command, ...args] = [
    ...(program.under ?? []),
    ...program.command,
    '--config',
    program.config,
  ]
  // In a process group of its own, so that Ctrl-C reaches it once: through `stop`.
  const child = spawn(command!, args, {
    detached: true,
    stdio:
      program.output === 'inherit' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-LOG_LIMIT)))
  let gone = false
  const ended = new Promise<number | string>((resolve) => {
    child.on('error', (error) => {
      gone = true
      log += error.message
      resolve(error.message)
    })
    child.on('close', (code, signal) => {
      gone = true
      resolve(code ?? signal ?? 'unknown')
    })
  })
  const running: Running = {
    child,
    ended,
    log: () => log,
    async stop() {
      if (!gone) child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
      const how = await ended
      clearTimeout(timer)
      return how
    },
  }
  const until = performance.now() + READY_LIMIT_MS
  while (!(await isHealthy(program.observed))) {
    if (gone) throw new Error(`ended with ${await ended} before it was up\n${log}`)
    if (performance.now() > until) {
      await running.stop()
      throw new Error(`not up after ${READY_LIMIT_MS / 1000} s\n${log}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  // What it wrote before is in the pipe, and may be read after the answer that said it is healthy.
  await new Promise(setImmediate)
  return running
}

async function isHealthy(observed: string): Promise<boolean> {
  try {
    const answer = await fetch(`${observed}/healthz`, { signal: AbortSignal.timeout(2000) })
    await answer.body?.cancel()
    return answer.ok
  } catch {
    // Not listening yet.
    return false
  }
}

/** Why TCP and UDP cannot both be listened on here (`EADDRINUSE`, `EACCES`), or undefined when they can. */
export async function portProblem(host: string, port: number): Promise<string | undefined> {
  const tcp = await listenTcp(host, port)
  if (typeof tcp === 'string') return tcp
  const udp = await new Promise<string | undefined>((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      resolve(error.code ?? error.message)
    })
    socket.bind(port, host, () => socket.close(() => resolve(undefined)))
  })
  await closed(tcp)
  return udp
}

/** A port of 127.0.0.1 that is free for TCP and UDP just now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = await listenTcp('127.0.0.1', 0)
    if (typeof server === 'string') throw new Error(`no port of 127.0.0.1 is free: ${server}`)
    const { port } = server.address() as AddressInfo
    await closed(server)
    if ((await portProblem('127.0.0.1', port)) === undefined) return port
  }
}

function listenTcp(host: string, port: number): Promise<Server | string> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen(port, host, () => resolve(server))
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
