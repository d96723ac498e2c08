// The management interface's socket: managers come in with the password, one line is answered after the other, and
// whoever does not read is let go.
import { lstatSync, unlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import type { PasswordHash } from '../../../shared/auth/password-hash.ts'
import { PasswordChecker } from '../../../shared/auth/password.ts'
import type { Clock } from '../../../shared/clock/clock.ts'
import type { Log } from '../../../shared/log/log.ts'
import { formatEndpoint, type Endpoint } from '../../../shared/net/endpoint.ts'
import { listenFault } from '../../../shared/net/listen-fault.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { CommandLines } from '../core/management/command-lines.ts'
import { GREETING, Manager, type ManagedGateway } from '../core/management/manager.ts'

export type ManagementConfig = {
  /** A UNIX socket by its path, or an address. */
  readonly listen: Endpoint | { readonly path: string }
  /** Undefined: whoever can connect. */
  readonly password?: PasswordHash
}

export type ServerWorld = {
  readonly clock: Clock
  readonly log: Log
  readonly failed: (cause: Error) => void
}

/** Managers at once. */
const CONNECTIONS_LIMIT = 8
/** Wrong passwords in one connection. */
const TRIES_LIMIT = 3
/** To give the password. */
const PASSWORD_MS = 30_000
/** To read the last words. */
const CLOSE_MS = 500
/** No line is answered while so much waits for the manager to read. */
const REPLY_BACKLOG_BYTES = 65_536
/** A manager that lets so many notices wait is gone. */
const NOTICE_BACKLOG_BYTES = 4 * 1024 * 1024

export class ManagementServer {
  readonly #gateway: ManagedGateway
  readonly #password: PasswordHash | undefined
  readonly #passwords: PasswordChecker
  readonly #clock: Clock
  readonly #log: Log
  readonly #connections = new Set<ManagerConnection>()
  readonly #server: Server

  private constructor(config: ManagementConfig, gateway: ManagedGateway, world: ServerWorld) {
    this.#gateway = gateway
    this.#password = config.password
    this.#clock = world.clock
    this.#log = world.log
    this.#passwords = new PasswordChecker(world.clock)
    this.#server = createServer((socket) => this.#accept(socket, world.failed))
    this.#server.maxConnections = CONNECTIONS_LIMIT
  }

  static async open(
    config: ManagementConfig,
    gateway: ManagedGateway,
    world: ServerWorld,
  ): Promise<ManagementServer> {
    const management = new ManagementServer(config, gateway, world)
    const server = management.#server
    const { listen } = config
    if ('path' in listen) await clearSocket(listen.path)
    await new Promise<void>((done, refuse) => {
      server.once('error', (cause) => refuse(faultOf(listen, cause)))
      server.listen('path' in listen ? listen : { ...listen, ipv6Only: true }, () => done())
    })
    server.removeAllListeners('error')
    server.on('error', world.failed)
    return management
  }

  get address(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') return `management+unix:${address ?? ''}`
    return `management://${formatEndpoint({ host: address.address, port: address.port })}`
  }

  /** To all managers that gave the password. */
  notify(lines: readonly string[]): void {
    for (const connection of this.#connections) connection.send(lines)
  }

  /** To those that asked for them. */
  notifyOf(kind: 'log' | 'state', line: string): void {
    for (const connection of this.#connections)
      if (connection.wants(kind)) connection.send([`>${kind.toUpperCase()}:${line}`])
  }

  tick(nowMs: number): void {
    for (const connection of this.#connections) connection.tick(nowMs)
  }

  /** What was said last may still be read, for a moment. */
  async close(): Promise<void> {
    const closed = new Promise<void>((done) => this.#server.close(() => done()))
    for (const connection of this.#connections) connection.end()
    const patience = setTimeout(() => {
      for (const connection of this.#connections) connection.drop()
    }, CLOSE_MS)
    await closed
    clearTimeout(patience)
  }

  #accept(socket: Socket, failed: (cause: Error) => void): void {
    const password = this.#password
    const check = async (line: string): Promise<boolean> =>
      (await this.#passwords.check('', line, password!)) === 'right'
    const connection = new ManagerConnection(socket, this.#gateway, {
      clock: this.#clock,
      check: password === undefined ? undefined : check,
      failed,
      refused: () => this.#log.warn('management-refused', { why: 'wrong password' }),
    })
    this.#connections.add(connection)
    socket.on('close', () => this.#connections.delete(connection))
  }
}

/** Takes away what a gateway that was killed left; throws `Fatal` when somebody listens there. */
async function clearSocket(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (!stat.isSocket()) throw new Fatal(`${path} is there already, and is no socket`)
  const isUsed = await new Promise<boolean>((done) => {
    const socket = connect({ path }, () => done(true))
    socket.once('error', () => done(false))
    socket.once('connect', () => socket.destroy())
  })
  if (isUsed) throw new Fatal(`Another program listens at ${path} already`)
  unlinkSync(path)
}

function faultOf(listen: ManagementConfig['listen'], cause: Error): Fatal {
  if (!('path' in listen)) return listenFault(listen, cause)
  return new Fatal(`Cannot listen at ${listen.path}: ${cause.message}`, { cause })
}

type ConnectionWorld = {
  readonly clock: Clock
  /** Whether a line is the password; undefined when none is asked for. */
  readonly check: ((line: string) => Promise<boolean>) | undefined
  readonly failed: (cause: Error) => void
  readonly refused: () => void
}

class ManagerConnection {
  readonly #socket: Socket
  readonly #world: ConnectionWorld
  readonly #lines = new CommandLines()
  readonly #manager: Manager
  #isKnown: boolean
  #isChecking = false
  #tries = 0

  constructor(socket: Socket, gateway: ManagedGateway, world: ConnectionWorld) {
    this.#socket = socket
    this.#world = world
    this.#manager = new Manager(gateway)
    this.#isKnown = world.check === undefined
    const patience = setTimeout(() => {
      if (!this.#isKnown) socket.destroy()
    }, PASSWORD_MS)
    socket.on('data', (chunk: Buffer) => {
      this.#lines.add(chunk)
      this.#work()
    })
    socket.on('drain', () => this.#work())
    // A reset is how connections end; 'close' follows and tidies up.
    socket.on('error', () => {})
    socket.on('close', () => clearTimeout(patience))
    if (this.#isKnown) this.send([GREETING])
    else socket.write('ENTER PASSWORD:')
  }

  wants(kind: 'log' | 'state'): boolean {
    return this.#isKnown && this.#manager.wants(kind)
  }

  send(lines: readonly string[]): void {
    if (!this.#isKnown || lines.length === 0 || !this.#socket.writable) return
    if (this.#socket.writableLength > NOTICE_BACKLOG_BYTES) this.#socket.destroy()
    else this.#socket.write(lines.map((line) => `${line}\r\n`).join(''))
  }

  tick(nowMs: number): void {
    if (this.#isKnown) this.send(this.#manager.tick(nowMs))
  }

  end(): void {
    this.#socket.destroySoon()
  }

  drop(): void {
    this.#socket.destroy()
  }

  /** Lines that came, as long as the answers are read. */
  #work(): void {
    while (!this.#isChecking && this.#socket.writable) {
      if (this.#socket.writableLength > REPLY_BACKLOG_BYTES) {
        this.#socket.pause()
        return
      }
      const next = this.#lines.next()
      if (next === undefined) break
      if (next === 'too-long') this.#socket.destroy()
      else if (this.#isKnown) this.#answer(next.line)
      else this.#check(next.line)
    }
    if (this.#isChecking) this.#socket.pause()
    else this.#socket.resume()
  }

  #answer(line: string): void {
    const { reply, ends } = this.#manager.command(line, this.#world.clock.wallMs())
    this.send(reply)
    if (ends === true) this.end()
  }

  #check(line: string): void {
    this.#isChecking = true
    this.#world.check!(line).then(
      (isRight) => {
        this.#isChecking = false
        if (!this.#socket.writable) return
        if (isRight) {
          this.#isKnown = true
          this.send(['SUCCESS: password is correct', GREETING])
        } else if (++this.#tries >= TRIES_LIMIT) {
          this.#world.refused()
          this.#socket.end('ERROR: bad password\r\n')
        } else this.#socket.write('ENTER PASSWORD:')
        this.#work()
      },
      (cause: unknown) => this.#world.failed(cause as Error),
    )
  }
}
