// A repository of ours served on loopback, for clients of every kind.
import { listenHttp, httpUrl } from '../../shared/http/server.ts'
import { silentLog, type Log } from '../../shared/log/log.ts'
import { silentMetrics } from '../../shared/metrics/metrics.ts'
import type { Repository } from '../../store/repository.ts'
import { createGitHandler, type GitHandlerOptions } from '../../store/serve/http.ts'
import { GIT_LIMITS } from '../../store/serve/limits.ts'

export type ServedGit = {
  /** For `git clone`. */
  readonly url: string
  readonly repository: Repository
  close(): Promise<void>
}

export type ServeGitOptions = {
  readonly allowForce?: boolean
  readonly pushBytes?: number
  /** Of the Authorization header; everybody when absent. */
  readonly authenticate?: (authorization: string | undefined) => { user?: string } | 'denied'
  readonly log?: Log
  readonly handler?: Partial<GitHandlerOptions>
}

export async function serveGit(
  repository: Repository,
  options: ServeGitOptions = {},
): Promise<ServedGit> {
  const limits = { ...GIT_LIMITS, pushBytes: options.pushBytes ?? GIT_LIMITS.pushBytes }
  const log = options.log ?? silentLog
  const { authenticate = () => ({}) } = options
  const handler = createGitHandler({
    repository,
    name: 'test.git',
    authenticate: (request) => Promise.resolve(authenticate(request.headers.authorization)),
    limits,
    log,
    metrics: silentMetrics,
    ...(options.allowForce !== undefined && { allowForce: options.allowForce }),
    ...options.handler,
  })
  const listener = await listenHttp({
    listen: { host: '127.0.0.1', port: 0 },
    limits: { bodyBytes: GIT_LIMITS.pushBytes },
    handler,
    log,
  })
  return {
    url: `${httpUrl(listener)}/test.git`,
    repository,
    close: () => listener.close(),
  }
}
