// Stock `git http-backend` behind node:http: the remote our client is tested against, and a peer for the benchmarks.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gitEnvironment } from './git.ts'

export type GitHttpBackend = {
  /** Without a slash at the end; repositories are at `${url}/<name>.git`. */
  readonly url: string
  readonly port: number
  /** `GET /zones.git/info/refs?service=git-upload-pack`, oldest first. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

export type GitHttpBackendOptions = {
  /** 0 takes a free one; a given one lets a server come back where it was. */
  readonly port?: number
  /** Anybody else is answered 401. */
  readonly user?: { readonly name: string; readonly password: string }
  /** Answers a request itself and says true, or leaves it to git. */
  readonly intercept?: (request: IncomingMessage, response: ServerResponse) => boolean
}

/** Serves every repository below `root`, pushes allowed, on 127.0.0.1. */
export async function gitHttpBackend(
  root: string,
  options: GitHttpBackendOptions = {},
): Promise<GitHttpBackend> {
  const requests: string[] = []
  const children = new Set<ChildProcessWithoutNullStreams>()
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    if (options.intercept?.(request, response)) return
    if (options.user && request.headers.authorization !== basic(options.user)) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end('who are you?\n')
      return
    }
    const child = spawn('git', ['http-backend'], { env: cgiEnvironment(root, request) })
    children.add(child)
    child.on('close', () => children.delete(child))
    answer(child, request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    async close() {
      for (const child of children) child.kill('SIGKILL')
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(
  child: ChildProcessWithoutNullStreams,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  request.pipe(child.stdin)
  // git may answer and go before it read everything (EPIPE); what it answered tells.
  child.stdin.on('error', () => {})
  let head: Buffer | undefined = Buffer.alloc(0)
  child.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) {
      if (response.write(chunk)) return
      child.stdout.pause()
      response.once('drain', () => child.stdout.resume())
      return
    }
    head = Buffer.concat([head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) return
    let status = 200
    for (const line of head.subarray(0, end).toString('latin1').split('\r\n')) {
      const [name, value] = [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]
      if (name.toLowerCase() === 'status') status = Number.parseInt(value, 10)
      else response.appendHeader(name, value.trim())
    }
    response.writeHead(status)
    response.write(head.subarray(end + 4))
    head = undefined
  })
  child.on('close', () => {
    if (head !== undefined && !response.headersSent) response.writeHead(500)
    response.end()
  })
  response.on('close', () => child.kill('SIGKILL'))
}

function cgiEnvironment(root: string, request: IncomingMessage): { [name: string]: string } {
  const url = new URL(request.url ?? '/', 'http://localhost')
  const { headers } = request
  const variables: { [name: string]: string | undefined } = {
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    // With a user the pusher is known, and http-backend lets it push.
    REMOTE_USER: 'tester',
    REMOTE_ADDR: '127.0.0.1',
    REQUEST_METHOD: request.method,
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    CONTENT_TYPE: headers['content-type'],
    CONTENT_LENGTH: headers['content-length'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    GIT_PROTOCOL: headers['git-protocol']?.toString(),
  }
  const given = Object.entries(variables).filter((pair): pair is [string, string] => !!pair[1])
  return { ...gitEnvironment(), ...Object.fromEntries(given) }
}

function basic(user: { readonly name: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`
}
