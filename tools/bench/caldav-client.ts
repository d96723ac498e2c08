// Requests to one CalDAV server on connections that stay open: what is asked of it, and how long it may take.
import { Agent, request } from 'node:http'
import type { CaldavServer } from './caldav-peer.ts'

export type Asked = {
  readonly method: string
  /** Below the calendar; the calendar itself when there is none. */
  readonly name?: string
  readonly body?: string
  readonly depth?: string
  readonly type?: string
}

/** Nothing more comes of a server that has not answered by then. */
export class TooSlow extends Error {
  override name = 'TooSlow'
}

export class CaldavClient {
  readonly #server: CaldavServer
  readonly #agent: Agent
  readonly #untilMs: number

  /** `untilMs`, by performance.now(): a request that is still open then ends the measuring with `TooSlow`. */
  constructor(server: CaldavServer, connections: number, untilMs: number) {
    this.#server = server
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections })
    this.#untilMs = untilMs
  }

  /** The text of the answer; anything but success is an error. */
  ask({ method, name = '', body, depth, type }: Asked): Promise<string> {
    const { port, path, login } = this.#server
    const headers = {
      ...(login !== undefined && {
        authorization: `Basic ${Buffer.from(login).toString('base64')}`,
      }),
      ...(depth !== undefined && { depth }),
      ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }),
      'content-type': type ?? (method === 'PUT' ? 'text/calendar' : 'application/xml'),
    }
    const options = { host: '127.0.0.1', port, method, path: path + name, headers }
    return new Promise((resolve, reject) => {
      const sent = request({ ...options, agent: this.#agent }, (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () => {
          clearTimeout(timer)
          const text = Buffer.concat(chunks).toString('utf8')
          if (answer.statusCode! < 300) return resolve(text)
          const what = `${method} ${path}${name}: ${answer.statusCode} ${text.slice(0, 200)}`
          reject(new Error(what))
        })
      })
      const leftMs = Math.max(0, this.#untilMs - performance.now())
      const timer = setTimeout(() => sent.destroy(new TooSlow(`${method} ${path}${name}`)), leftMs)
      sent.on('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
      sent.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
