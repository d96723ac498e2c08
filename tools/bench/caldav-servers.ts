// The CalDAV servers that are measured beside each other, each started with the same calendar on its disk as it keeps
// one: ours in a git branch, Xandikos in a repository of its own, Radicale in files.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashPassword } from '../../shared/auth/password.ts'
import { gitOk } from '../../test/support/git.ts'
import { peerPath } from '../../test/support/peers.ts'
import { seedStore } from '../house/seed.ts'
import { freePort, runProgram } from '../running.ts'
import { eventFile, eventText } from './caldav-events.ts'

const READY_LIMIT_MS = 120_000
const STOP_LIMIT_MS = 10_000

export type CaldavServer = {
  readonly port: number
  readonly pid: number
  /** From the start of the process to the first answer. */
  readonly startMs: number
  /** Of the calendar: `/calendars/alice/bench/`. */
  readonly path: string
  /** `alice:password`; absent where nobody is asked. */
  readonly login?: string
  stop(): Promise<void>
}

export type StartCaldav = (folder: string, size: number) => Promise<CaldavServer>

/** cairn-caldav from a bundle or a source file. */
export function startOurCaldav(program: string): StartCaldav {
  return async (folder, size) => {
    mkdirSync(folder, { recursive: true })
    const [port, observe] = [await freePort(), await freePort()]
    const path = join(folder, 'calendars.git')
    const users = `[users.alice]\npassword = "${await hashPassword('bench')}"\n`
    await seedStore(path, () =>
      Promise.resolve({
        'users.toml': users,
        'calendars/alice/bench/calendar.toml': '',
        ...Object.fromEntries(eventFiles(size, 'calendars/alice/bench')),
      }),
    )
    const config = join(folder, 'caldav.toml')
    writeFileSync(
      config,
      `listen = ["127.0.0.1:${port}"]\n[store]\npath = ${JSON.stringify(path)}\n[observe]\nlisten = "127.0.0.1:${observe}"\n`,
    )
    const startMs = performance.now()
    const running = await runProgram({
      command: [process.execPath, program],
      config,
      observed: `http://127.0.0.1:${observe}`,
      output: 'keep',
    })
    return {
      port,
      pid: running.child.pid!,
      startMs: performance.now() - startMs,
      path: '/calendars/alice/bench/',
      login: 'alice:bench',
      stop: async () => void (await running.stop()),
    }
  }
}

/** The peers that are installed here, by name. */
export function installedCaldavPeers(): ReadonlyMap<string, StartCaldav> {
  const found = new Map<string, StartCaldav>()
  for (const [name, { program, start }] of Object.entries(PEERS)) {
    if (peerPath(program) !== undefined) found.set(name, start)
    else console.error(`${program} is not installed: no figures of ${name}`)
  }
  return found
}

const PEERS: {
  readonly [name: string]: { readonly program: string; readonly start: StartCaldav }
} = {
  Xandikos: { program: 'xandikos', start: startXandikos },
  Radicale: { program: 'radicale', start: startRadicale },
}

async function startXandikos(folder: string, size: number): Promise<CaldavServer> {
  const port = await freePort()
  const calendar = join(folder, 'user', 'calendars', 'bench')
  mkdirSync(calendar, { recursive: true })
  await gitOk(['init', '-q', calendar])
  // What MKCALENDAR would have left.
  await gitOk(['-C', calendar, 'config', 'xandikos.type', 'calendar'])
  writeEvents(calendar, size)
  await gitOk(['-C', calendar, 'add', '.'])
  await gitOk(['-C', calendar, 'commit', '-q', '-m', 'events'])
  const options = ['--port', String(port), '--listen-address', '127.0.0.1', '--directory', folder]
  const args = [...options, '--current-user-principal', '/user/', '--defaults']
  return await startPeer('xandikos', args, port, '/user/calendars/bench/')
}

async function startRadicale(folder: string, size: number): Promise<CaldavServer> {
  const port = await freePort()
  const calendar = join(folder, 'collections', 'collection-root', 'alice', 'bench')
  mkdirSync(calendar, { recursive: true })
  writeFileSync(join(calendar, '.Radicale.props'), '{"tag": "VCALENDAR"}')
  writeEvents(calendar, size)
  const config = join(folder, 'config')
  writeFileSync(
    config,
    `[server]\nhosts = 127.0.0.1:${port}\n[auth]\ntype = none\n[storage]\nfilesystem_folder = ${join(folder, 'collections')}\n`,
  )
  return await startPeer('radicale', ['--config', config], port, '/alice/bench/')
}

async function startPeer(
  program: string,
  args: readonly string[],
  port: number,
  path: string,
): Promise<CaldavServer> {
  const startMs = performance.now()
  const child = spawn(peerPath(program)!, args, { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
    await ended
    clearTimeout(timer)
  }
  while (!(await answers(port, path))) {
    if (child.exitCode === null && performance.now() - startMs < READY_LIMIT_MS) continue
    await stop()
    throw new Error(`${program} does not come up`)
  }
  return { port, pid: child.pid!, startMs: performance.now() - startMs, path, stop }
}

async function answers(port: number, path: string): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}${eventFile(0)}`)
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    await new Promise((resolve) => setTimeout(resolve, 50)) // Not there yet.
    return false
  }
}

function writeEvents(folder: string, size: number): void {
  for (const [file, text] of eventFiles(size, folder)) writeFileSync(file, text)
}

function eventFiles(size: number, folder: string): readonly (readonly [string, string])[] {
  return Array.from({ length: size }, (_, n) => [join(folder, eventFile(n)), eventText(n)] as const)
}
