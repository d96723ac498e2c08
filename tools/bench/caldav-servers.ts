// The CalDAV servers that are measured beside each other, each started with the same calendar on its disk as it keeps
// one: ours in a git branch, Xandikos in a repository of its own, Radicale in files; Cyrus gets it by PUT.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashPassword } from '../../shared/auth/password.ts'
import { gitOk } from '../../test/support/git.ts'
import { peerPath } from '../../test/support/peers.ts'
import { seedStore } from '../house/seed.ts'
import { freePort, runProgram } from '../running.ts'
import { startCyrus } from './caldav-cyrus.ts'
import { eventFile, eventText } from './caldav-events.ts'
import { startPeer, type CaldavServer } from './caldav-peer.ts'

const CALENDAR_EVENTS = 10_000

export type StartCaldav = (folder: string, size: number) => Promise<CaldavServer>

/** cairn-caldav from a bundle or a source file. */
export function startOurCaldav(program: string): StartCaldav {
  return async (folder, size) => {
    mkdirSync(folder, { recursive: true })
    const [port, observe] = [await freePort(), await freePort()]
    const path = join(folder, 'calendars.git')
    const users = `[users.alice]\npassword = "${await hashPassword('bench')}"\n`
    await seedStore(path, () => Promise.resolve({ 'users.toml': users, ...ourFiles(size) }))
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

/** More than CALENDAR_EVENTS are in several calendars of that user. */
function ourFiles(size: number): { readonly [path: string]: string } {
  const files: [string, string][] = []
  for (let first = 0; first < size; first += CALENDAR_EVENTS) {
    const folder = `calendars/alice/bench${first === 0 ? '' : first / CALENDAR_EVENTS}`
    files.push([`${folder}/calendar.toml`, ''])
    for (let n = first; n < Math.min(size, first + CALENDAR_EVENTS); n++)
      files.push([`${folder}/${eventFile(n)}`, eventText(n)])
  }
  return Object.fromEntries(files)
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
  Cyrus: { program: 'cyrmaster', start: startCyrus },
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

function writeEvents(folder: string, size: number): void {
  for (const [file, text] of eventFiles(size, folder)) writeFileSync(file, text)
}

function eventFiles(size: number, folder: string): readonly (readonly [string, string])[] {
  return Array.from({ length: size }, (_, n) => [join(folder, eventFile(n)), eventText(n)] as const)
}
