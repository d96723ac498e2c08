// git over ssh with a deploy key, to hosts whose keys are pinned; one connection and one command per conversation.
//
// The module ssh2 is optional and loaded only here, when an ssh:// remote is configured. Nothing is asked of a person:
// no agent, no password, no first-use trust.
import type { Client, ClientChannel, ConnectConfig, ServerHostKeyAlgorithm } from 'ssh2'
import { systemClock, type Clock } from '../../shared/clock/clock.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { keyFingerprint } from '../object/ssh-key.ts'
import type { Service } from '../wire/advertise.ts'
import { FLUSH, PacketDecoder } from '../wire/pkt-line.ts'
import { errorLine, printable } from './advertisement.ts'
import type { Conversation, GitService } from './conversation.ts'
import { judgeHostKey, knownKeyTypes, type KnownHost } from './known-hosts.ts'
import { networkError } from './network-error.ts'
import { Patience } from './patience.ts'
import { REMOTE_LIMITS, type RemoteError, type RemoteLimits } from './transport.ts'

export type SshRemoteOptions = {
  /** `ssh://git@git.example.org:2222/zones.git`; `/~/` is the home of the user. */
  readonly url: string
  /** Text of an unencrypted private key file. */
  readonly privateKey: string
  readonly knownHosts: readonly KnownHost[]
  readonly limits?: RemoteLimits
  readonly clock?: Clock
}

export class SshService implements GitService {
  readonly name: string
  readonly #options: SshRemoteOptions
  readonly #host: string
  readonly #port: number
  readonly #user: string
  readonly #path: string
  readonly #limits: RemoteLimits

  constructor(options: SshRemoteOptions) {
    const url = new URL(options.url)
    this.#options = options
    this.#host = url.hostname.replace(/^\[|\]$/g, '')
    this.#port = url.port === '' ? 22 : Number(url.port)
    this.#user = url.username === '' ? 'git' : decodeURIComponent(url.username)
    this.#path = decodeURIComponent(url.pathname).replace(/^\/~/, '~')
    this.#limits = options.limits ?? REMOTE_LIMITS
    this.name = `ssh://${this.#user}@${url.host}${url.pathname}`
  }

  async open(service: Service, signal: AbortSignal): Promise<Result<Conversation, RemoteError>> {
    const types = knownKeyTypes(this.#options.knownHosts, this.#host, this.#port)
    if (types.length === 0) {
      const port = this.#port === 22 ? '' : `-p ${this.#port} `
      const why = `no key of ${this.#host} in known_hosts; "ssh-keyscan ${port}${this.#host}" prints it, check it before you trust it`
      return err({ kind: 'host-key', why })
    }
    if (signal.aborted) return err({ kind: 'stopped' })
    const ssh2 = await loadSsh2()
    if (ssh2 === undefined) {
      const why = 'ssh needs the package ssh2, which is not installed: npm install ssh2'
      return err({ kind: 'unreachable', why })
    }
    const patience = new Patience(this.#limits, this.#options.clock ?? systemClock, signal)
    const client = new ssh2.Client()
    patience.signal.addEventListener('abort', () => client.destroy())
    const connected = await this.#connect(client, types, patience)
    const channel = connected.ok ? await this.#exec(client, service, patience) : connected
    if (channel.ok) {
      const talk = new SshConversation(client, channel.value, patience)
      const advertised = await talk.listen(this.#limits.advertisementBytes)
      if (advertised === undefined) return ok(talk)
      talk.close()
      return err(advertised)
    }
    patience.end()
    client.destroy()
    return channel
  }

  #connect(
    client: Client,
    types: readonly string[],
    patience: Patience,
  ): Promise<Result<undefined, RemoteError>> {
    const { knownHosts, privateKey } = this.#options
    return new Promise((resolve) => {
      let hostKey: RemoteError | undefined
      const config: ConnectConfig = {
        host: this.#host,
        port: this.#port,
        username: this.#user,
        privateKey,
        readyTimeout: this.#limits.idleMs,
        authHandler: ['publickey'],
        algorithms: { serverHostKey: types.flatMap((type) => HOST_KEY_ALGORITHMS[type] ?? []) },
        hostVerifier: (key: Buffer) => {
          const trust = judgeHostKey(knownHosts, this.#host, this.#port, key)
          if (trust === 'known') return true
          hostKey = { kind: 'host-key', why: `${keyFingerprint(key)} is ${trust}` }
          return false
        },
      }
      const failed = (error: unknown): void =>
        resolve(err(patience.error ?? hostKey ?? connectError(error)))
      client.on('ready', () => resolve(ok(undefined)))
      // After `ready` the channel tells what happened; this listener then only keeps the error from being thrown.
      client.on('error', failed)
      client.on('close', () => failed(new Error('the connection was closed')))
      try {
        client.connect(config)
      } catch (error) {
        failed(error)
      }
    })
  }

  #exec(
    client: Client,
    service: Service,
    patience: Patience,
  ): Promise<Result<ClientChannel, RemoteError>> {
    patience.heard()
    const command = `${service} '${this.#path.replaceAll("'", "'\\''")}'`
    return new Promise((resolve) => {
      client.on('close', () => resolve(err(patience.error ?? CUT)))
      client.exec(command, (error, channel) => {
        if (error === undefined) resolve(ok(channel))
        else resolve(err({ kind: 'denied', why: printable(error.message) }))
      })
    })
  }
}

class SshConversation implements Conversation {
  readonly #client: Client
  readonly #channel: ClientChannel
  readonly #patience: Patience
  readonly #incoming: AsyncIterator<Buffer>
  #stderr = ''
  #asked = false
  advertisement: Uint8Array = new Uint8Array()

  constructor(client: Client, channel: ClientChannel, patience: Patience) {
    this.#client = client
    this.#channel = channel
    this.#patience = patience
    this.#incoming = channel[Symbol.asyncIterator]()
    channel.on('error', () => {
      // The iterator throws it too; without a listener it would end the process.
    })
    channel.stderr.on('data', (chunk: Buffer) => {
      if (this.#stderr.length < STDERR_LIMIT) this.#stderr += chunk.toString('utf8')
    })
  }

  /** Reads the advertisement; gives what went wrong. */
  async listen(limitBytes: number): Promise<RemoteError | undefined> {
    const decoder = new PacketDecoder()
    const chunks: Buffer[] = []
    let size = 0
    for (;;) {
      const chunk = await this.#next()
      if (!chunk.ok) return chunk.error
      if (chunk.value === undefined) return this.#endedEarly()
      size += chunk.value.length
      if (size > limitBytes) return { kind: 'too-large', limitBytes }
      chunks.push(chunk.value)
      const packets = decoder.push(chunk.value)
      if (!packets.ok) return { kind: 'garbage', why: 'it does not send packet lines' }
      if (!packets.value.some((packet) => packet.kind === 'flush')) continue
      this.advertisement = Buffer.concat(chunks)
      return undefined
    }
  }

  async ask(
    body: AsyncIterable<Uint8Array>,
    limitBytes: number,
  ): Promise<Result<Uint8Array, RemoteError>> {
    this.#asked = true
    // Both ways at once: a remote may talk (progress, a refusal) while it is still listening.
    const answer = this.#readAll(limitBytes)
    await this.#write(body)
    return await answer
  }

  close(): void {
    // Without a request the remote waits for one: a flush says that there is none.
    if (!this.#asked && this.#channel.writable) this.#channel.end(FLUSH)
    this.#patience.end()
    this.#client.end()
  }

  async #write(body: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const piece of body) {
      const written = await new Promise<boolean>((resolve) => {
        this.#channel.write(piece, (error) => resolve(!error))
      })
      // It was closed: what the remote said before that is the answer.
      if (!written) return
      this.#patience.heard()
    }
    this.#channel.end()
  }

  async #readAll(limitBytes: number): Promise<Result<Uint8Array, RemoteError>> {
    const chunks: Buffer[] = []
    let size = 0
    for (;;) {
      const chunk = await this.#next()
      if (!chunk.ok) return chunk
      if (chunk.value === undefined) break
      size += chunk.value.length
      if (size > limitBytes) {
        this.#client.destroy()
        return err({ kind: 'too-large', limitBytes })
      }
      chunks.push(chunk.value)
    }
    return size === 0 ? err(this.#endedEarly()) : ok(Buffer.concat(chunks))
  }

  async #next(): Promise<Result<Buffer | undefined, RemoteError>> {
    try {
      const step = await this.#incoming.next()
      if (this.#patience.error !== undefined) return err(this.#patience.error)
      if (step.done === true) return ok(undefined)
      this.#patience.heard()
      return ok(step.value)
    } catch {
      // Whatever the stream calls it, the connection is gone.
      return err(this.#patience.error ?? CUT)
    }
  }

  #endedEarly(): RemoteError {
    const said = this.#stderr.replace(/^(fatal|remote|error): /i, '')
    return said === '' ? CUT : errorLine(`ERR ${said}`)
  }
}

type Ssh2 = { readonly Client: new () => Client }

async function loadSsh2(): Promise<Ssh2 | undefined> {
  try {
    return await import('ssh2')
  } catch {
    // Not installed: the caller says how to get it.
    return undefined
  }
}

function connectError(error: unknown): RemoteError {
  const level = error instanceof Error && 'level' in error ? error.level : undefined
  const why = printable(error instanceof Error ? error.message : String(error))
  if (level === 'client-authentication') return { kind: 'denied', why: 'it does not take our key' }
  if (level === 'client-timeout') return { kind: 'timeout', why }
  if (level === 'client-socket') return networkError(error)
  if (/private ?key/i.test(why)) return { kind: 'denied', why: `our key cannot be used: ${why}` }
  return { kind: 'unreachable', why }
}

const CUT: RemoteError = { kind: 'unreachable', why: 'the connection was cut' }
const STDERR_LIMIT = 4096

const HOST_KEY_ALGORITHMS: { readonly [type: string]: readonly ServerHostKeyAlgorithm[] } = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}
