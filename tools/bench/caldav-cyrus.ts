// Cyrus' httpd as a peer, all of it in one folder. Its master gives up root for the user `cyrus`, so it must be started as
// root. Passwords it asks of a socket, where everybody is let in; a mailbox it makes at the first mail; events come by PUT.
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { freePort } from '../running.ts'
import { CaldavClient } from './caldav-client.ts'
import { eventFile, eventText } from './caldav-events.ts'
import { startPeer, type CaldavServer } from './caldav-peer.ts'

const PROGRAMS = '/usr/lib/cyrus/bin'
const FOLDERS = ['db', 'log', 'msg', 'quota', 'socket', 'user', 'lock', 'proc', 'spool', 'names']
const SEEDERS = 8
/** At a hundred a second ten thousand are there by then. */
const SEED_LIMIT_MS = 180_000

export async function startCyrus(folder: string, size: number): Promise<CaldavServer> {
  if (process.getuid?.() !== 0)
    throw new Error('Cyrus starts as root only: leave it out of --peers')
  for (const name of FOLDERS) mkdirSync(join(folder, name), { recursive: true })
  const [port, mailPort] = [await freePort(), await freePort()]
  const [settings, services] = [join(folder, 'imapd.conf'), join(folder, 'cyrus.conf')]
  writeFileSync(settings, settingsIn(folder))
  writeFileSync(services, servicesOf(settings, port, mailPort))
  await promisify(execFile)('chown', ['-R', 'cyrus:mail', folder])
  const logins = await letEverybodyIn(join(folder, 'logins'))
  const path = '/dav/calendars/user/alice/bench/'
  const args = ['-D', '-C', settings, '-M', services, '-p', join(folder, 'pid')]
  const master = await startPeer('cyrmaster', args, port, path, async () => {
    try {
      await sendFirstMail(mailPort)
      return true
    } catch {
      // Not listening yet.
      return false
    }
  })
  const server = {
    ...master,
    login: 'alice:bench',
    async stop() {
      await master.stop()
      logins.close()
    },
  }
  try {
    await seed(server, size)
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

function settingsIn(folder: string): string {
  return `configdirectory: ${folder}
proc_path: ${folder}/proc
mboxname_lockpath: ${folder}/names
defaultpartition: default
partition-default: ${folder}/spool
httpmodules: caldav
allowplaintext: yes
sasl_mech_list: PLAIN
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: ${folder}/logins
autocreate_quota: 0
autocreate_post: 1
caldav_historical_age: -1
`
}

function servicesOf(settings: string, port: number, mailPort: number): string {
  const program = (name: string, args: string): string =>
    `cmd="${PROGRAMS}/${name} -C ${settings} ${args}"`
  return `START {
  recover ${program('ctl_cyrusdb', '-r')}
}
SERVICES {
  http ${program('httpd', '')} listen="127.0.0.1:${port}" prefork=1 maxchild=100
  lmtp ${program('lmtpd', '-a')} listen="127.0.0.1:${mailPort}" prefork=0 maxchild=1
}
`
}

/** The protocol of saslauthd: four strings with their lengths (16 bits) before them, and one back. */
async function letEverybodyIn(path: string): Promise<Server> {
  const server = createServer((socket) => {
    let asked = Buffer.alloc(0)
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      asked = Buffer.concat([asked, chunk])
      let end = 0
      for (let n = 0; n < 4 && end + 2 <= asked.length; n++) end += 2 + asked.readUInt16BE(end)
      if (end > 0 && asked.length >= end) socket.end('\0\u0002OK')
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  chmodSync(path, 0o666)
  return server
}

/** By LMTP (RFC 2033). */
async function sendFirstMail(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  const lines = createInterface({ input: socket, crlfDelay: Infinity })[Symbol.asyncIterator]()
  const failed = new Promise<never>((_, reject) => socket.once('error', reject))
  const say = async (text: string | undefined, expected: string): Promise<void> => {
    if (text !== undefined) socket.write(`${text}\r\n`)
    for (;;) {
      const { value, done } = await Promise.race([lines.next(), failed])
      if (done === true || !value.startsWith(expected)) throw new Error(`LMTP: ${value}`)
      if (value[expected.length] === ' ') return
    }
  }
  try {
    await say(undefined, '220')
    await say('LHLO localhost', '250')
    await say('MAIL FROM:<bench@localhost>', '250')
    await say('RCPT TO:<alice>', '250')
    await say('DATA', '354')
    await say('Subject: hello\r\n\r\nHello\r\n.', '250')
  } finally {
    socket.destroy()
  }
}

async function seed(server: CaldavServer, size: number): Promise<void> {
  const client = new CaldavClient(server, SEEDERS, performance.now() + SEED_LIMIT_MS)
  try {
    await client.ask({ method: 'MKCALENDAR' })
    let next = 0
    const some = async (): Promise<void> => {
      for (let n = next++; n < size; n = next++)
        await client.ask({ method: 'PUT', name: eventFile(n), body: eventText(n) })
    }
    await Promise.all(Array.from({ length: SEEDERS }, some))
  } finally {
    client.close()
  }
}
