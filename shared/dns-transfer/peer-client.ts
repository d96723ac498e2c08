// Asks other name servers: one message for one over UDP, many over TCP or TLS (RFC 7766, RFC 9103), signed where there is
// a key. Knows sockets, signatures and time limits; what the messages mean is the business of `take`.
import { createHash, X509Certificate } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Clock } from '../clock/clock.ts'
import { FLAG, HEADER_OCTETS } from '../dns/message.ts'
import { formatName, type Name } from '../dns/name.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { err, ok, type Result } from '../result/result.ts'
import type { Key, KeyRing } from '../tsig/key.ts'
import { FrameReader } from '../dns-server/core/tcp-frames.ts'
import type { TsigPolicy } from '../tsig/tsig-check.ts'
import { TsigSigner } from '../tsig/tsig-signer.ts'
import { TsigVerifier } from '../tsig/tsig-verifier.ts'

/** How a peer proves itself over TLS (RFC 9103 §9.3); one of the three. */
export type PeerTls = {
  /** By a certificate for this name, from an authority in `ca` (PEM) or one that the system trusts. */
  readonly name?: string
  readonly ca?: string
  /** By the key of its certificate: base64 of the SHA-256 of its SPKI. */
  readonly pins?: readonly string[]
  /** Not at all: only who listens passively is kept out. */
  readonly opportunistic?: boolean
}

export type Peer = {
  readonly endpoint: Endpoint
  readonly key?: Name
  readonly tls?: PeerTls
}

/** A word for the log and /status. */
export type PeerFault = string

const UDP_WAITS_MS = [1500, 3000]
const CONNECT_LIMIT_MS = 5000
/** Between two messages of a stream. */
const IDLE_LIMIT_MS = 15_000
const STREAM_LIMIT_MS = 900_000

export class PeerClient {
  readonly #ring: KeyRing
  readonly #policy: TsigPolicy
  readonly #clock: Clock

  constructor(parts: {
    readonly ring: KeyRing
    readonly policy: TsigPolicy
    readonly clock: Clock
  }) {
    this.#ring = parts.ring
    this.#policy = parts.policy
    this.#clock = parts.clock
  }

  /** One message for one. By UDP first, by TCP when nothing comes or it is cut; by TLS alone where the peer has it. */
  async ask(
    peer: Peer,
    query: Uint8Array,
    signal: AbortSignal,
    waitsMs: readonly number[] = UDP_WAITS_MS,
  ): Promise<Result<Uint8Array, PeerFault>> {
    if (peer.tls === undefined) {
      for (const waitMs of waitsMs) {
        const answer = await this.#askUdp(peer, query, waitMs, signal)
        if (!answer.ok) return answer
        if (answer.value === undefined) continue
        if ((answer.value[2]! & (FLAG.TC >>> 8)) !== 0) break
        return ok(answer.value)
      }
    }
    let answer: Uint8Array | undefined
    const done = await this.converse(
      peer,
      query,
      (message) => {
        answer = message
        return 'done'
      },
      signal,
    )
    return done.ok ? ok(answer!) : done
  }

  /** Gives `take` each message of the answer, its signature checked and gone, until it has said that it is done. */
  async converse(
    peer: Peer,
    query: Uint8Array,
    take: (message: Uint8Array) => 'more' | 'done',
    signal: AbortSignal,
  ): Promise<Result<void, PeerFault>> {
    const signed = this.#sign(peer, query)
    if (!signed.ok) return signed
    const { packet, verifier } = signed.value
    const socket = openStream(peer)
    return await new Promise((resolve) => {
      const reader = new FrameReader()
      let idle = this.#clock.after(CONNECT_LIMIT_MS, () => end(err('connect-timeout')))
      const whole = this.#clock.after(STREAM_LIMIT_MS, () => end(err('transfer-timeout')))
      const stop = (): void => end(err('stopped'))
      const end = (result: Result<void, PeerFault>): void => {
        idle.cancel()
        whole.cancel()
        signal.removeEventListener('abort', stop)
        socket.destroy()
        resolve(result)
      }
      signal.addEventListener('abort', stop)
      if (signal.aborted) stop()
      const later = (): void => {
        idle.cancel()
        idle = this.#clock.after(IDLE_LIMIT_MS, () => end(err('answer-timeout')))
      }
      let isDone = false
      socket.on(peer.tls === undefined ? 'connect' : 'secureConnect', () => {
        const refused =
          peer.tls === undefined ? undefined : whyNotTrusted(socket as TLSSocket, peer.tls)
        if (refused !== undefined) {
          end(err(refused))
          return
        }
        later()
        socket.write(framed(packet))
      })
      socket.on('error', (error: NodeJS.ErrnoException) => end(err(error.code ?? error.message)))
      socket.on('close', () => end(err('closed')))
      socket.on('data', (chunk: Buffer) => {
        later()
        reader.push(chunk)
        for (let message = reader.next(); message !== undefined; message = reader.next()) {
          if (isDone && verifier === undefined) {
            end(err('messages-behind-the-end'))
            return
          }
          const plain = this.#verify(message, verifier)
          if (!plain.ok) {
            end(plain)
            return
          }
          if (!isDone) isDone = take(plain.value) === 'done'
          // Nothing counts before a signature covers all of it (RFC 8945 §5.3.1).
          if (isDone && verifier?.isSettled !== false) {
            end(ok(undefined))
            return
          }
        }
      })
    })
  }

  /** Undefined when nothing that is an answer came in time. */
  async #askUdp(
    peer: Peer,
    query: Uint8Array,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<Result<Uint8Array | undefined, PeerFault>> {
    const signed = this.#sign(peer, query)
    if (!signed.ok) return signed
    const { packet, verifier } = signed.value
    const { host, port } = peer.endpoint
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    try {
      return await new Promise((resolve) => {
        const stop = (): void => settle(err('stopped'))
        const timer = this.#clock.after(waitMs, () => settle(ok(undefined)))
        const settle = (result: Result<Uint8Array | undefined, PeerFault>): void => {
          timer.cancel()
          // It lives as long as the server.
          signal.removeEventListener('abort', stop)
          resolve(result)
        }
        signal.addEventListener('abort', stop)
        if (signal.aborted) stop()
        // Refused by the other machine: by TCP we hear it again, and louder.
        socket.on('error', () => settle(ok(undefined)))
        socket.on('message', (message) => {
          const isAnswer =
            message.length >= HEADER_OCTETS &&
            message.readUInt16BE(0) === ((query[0]! << 8) | query[1]!) &&
            (message[2]! & 0x80) !== 0
          if (!isAnswer) return
          const plain = this.#verify(message, verifier)
          // Anyone can send a datagram: one that is not signed well is no answer, and the real one may follow. But a
          // refusal of our signature is all that a server has to say.
          if (plain.ok) settle(ok(plain.value))
          else if (plain.error.startsWith('tsig-refused')) settle(plain)
        })
        socket.connect(port, host, () => socket.send(packet))
      })
    } finally {
      socket.close()
    }
  }

  #sign(
    peer: Peer,
    query: Uint8Array,
  ): Result<{ packet: Uint8Array; verifier: TsigVerifier | undefined }, PeerFault> {
    if (peer.key === undefined) return ok({ packet: query, verifier: undefined })
    const key: Key | undefined = this.#ring.find(peer.key)
    if (key === undefined) return err(`no key ${formatName(peer.key)}`)
    const signer = new TsigSigner(key)
    const packet = signer.sign(query, this.#nowSeconds())
    return ok({ packet, verifier: new TsigVerifier(key, signer.mac!, this.#policy) })
  }

  #verify(message: Uint8Array, verifier: TsigVerifier | undefined): Result<Uint8Array, PeerFault> {
    if (verifier === undefined) return ok(Uint8Array.from(message))
    const verified = verifier.verify(message, this.#nowSeconds())
    if (verified.ok) return ok(Uint8Array.from(verified.value))
    const { error } = verified
    return err(error.kind === 'refused' ? `tsig-refused ${error.error}` : `tsig-${error.kind}`)
  }

  #nowSeconds(): number {
    return Math.floor(this.#clock.wallMs() / 1000)
  }
}

function openStream({ endpoint, tls }: Peer): Socket {
  const { host, port } = endpoint
  if (tls === undefined) return connectTcp({ host, port, noDelay: true })
  return connectTls({
    host,
    port,
    ALPNProtocols: ['dot'],
    minVersion: 'TLSv1.3',
    // Pins and names are judged once the handshake is done, by `whyNotTrusted`.
    rejectUnauthorized: tls.name !== undefined,
    ...(tls.name !== undefined && { servername: tls.name }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
  })
}

/** RFC 9103 §9.3.2: strict by name or by pin, else opportunistic by the operator's own choice. */
function whyNotTrusted(socket: TLSSocket, tls: PeerTls): PeerFault | undefined {
  // A server that does not know the token gives none; one that gives another is not DNS.
  if (socket.alpnProtocol !== 'dot' && socket.alpnProtocol !== false) return 'tls-alpn'
  if (tls.pins === undefined) return undefined
  const raw = socket.getPeerCertificate(true).raw
  if (raw === undefined) return 'tls-no-certificate'
  const spki = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
  const pin = createHash('sha256').update(spki).digest('base64')
  return tls.pins.includes(pin) ? undefined : `tls-pin ${pin}`
}

function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(message.length + 2)
  bytes.writeUInt16BE(message.length, 0)
  bytes.set(message, 2)
  return bytes
}
