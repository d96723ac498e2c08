// An ssh server on loopback that runs stock git-upload-pack and git-receive-pack, for one user with one key.
import { spawn, type ChildProcess } from 'node:child_process'
import { timingSafeEqual } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import ssh2, { type Connection, type ServerChannel } from 'ssh2'
import { gitEnvironment } from './git.ts'

export type SshServer = {
  readonly port: number
  /** `[127.0.0.1]:port ssh-ed25519 AAAA…` */
  readonly knownHostsLine: string
  /** Commands as they came, oldest first. */
  readonly commands: readonly string[]
  close(): Promise<void>
}

export type SshServerOptions = {
  /** `ssh-ed25519 AAAA…` of who may come in. */
  readonly allowedKey: string
  /** What stands before the path in a command. */
  readonly root: string
  readonly hostKey?: SshKey
  /** Answers a command itself and says true, or leaves it to git. */
  readonly intercept?: (command: string, channel: ServerChannel) => boolean
}

export type SshKey = { readonly private: string; readonly public: string }

/** RFC 8709 section 4: string "ssh-ed25519", string of 32 octets. */
const ED25519_BLOB = 4 + 11 + 4 + 32

/** A key for a user or, of either type, for a host. */
export function makeSsh2Key(type: 'ed25519' | 'ecdsa' = 'ed25519'): SshKey {
  if (type === 'ecdsa') return ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 })
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519')
    // ssh2 drops leading zero octets of the point (one key in 256), and nobody reads what it then writes.
    if (Buffer.from(pair.public.split(' ')[1]!, 'base64').length === ED25519_BLOB) return pair
  }
}

export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const hostKey = options.hostKey ?? makeSsh2Key()
  const allowed = Buffer.from(options.allowedKey.split(' ')[1]!, 'base64')
  const connections = new Set<Connection>()
  const children = new Set<ChildProcess>()
  const commands: string[] = []
  const server = new ssh2.Server({ hostKeys: [hostKey.private] }, (connection) => {
    connections.add(connection)
    connection.on('close', () => connections.delete(connection))
    // The client may just go; that is what some tests are about.
    connection.on('error', () => {})
    connection.on('authentication', (attempt) => {
      const given = attempt.method === 'publickey' ? attempt.key.data : Buffer.alloc(0)
      const same = given.length === allowed.length && timingSafeEqual(given, allowed)
      if (same && attempt.username === 'git') attempt.accept()
      else attempt.reject(['publickey'])
    })
    connection.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => {
        commands.push(command)
        const channel = acceptExec()
        channel.on('error', () => {})
        if (options.intercept?.(command, channel) !== true) {
          children.add(runGit(command, options.root, channel))
        }
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const publicKey = hostKey.public.split(' ').slice(0, 2).join(' ')
  return {
    port,
    knownHostsLine: `[127.0.0.1]:${port} ${publicKey}`,
    commands,
    async close() {
      for (const child of children) child.kill('SIGKILL')
      for (const connection of connections) connection.end()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function runGit(command: string, root: string, channel: ServerChannel): ChildProcess {
  const [, service = '', path = ''] = /^(git-\w+-pack) '(.*)'$/.exec(command) ?? []
  const folder = `${root}/${path.replaceAll("'\\''", "'")}`
  const child = spawn('git', [service.replace('git-', ''), folder], { env: gitEnvironment() })
  channel.pipe(child.stdin)
  child.stdin.on('error', () => {})
  child.stdout.pipe(channel, { end: false })
  child.stderr.pipe(channel.stderr, { end: false })
  child.on('close', (code) => {
    channel.exit(code ?? 1)
    channel.end()
  })
  channel.on('close', () => child.kill())
  return child
}
