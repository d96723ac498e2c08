// The `[store.serve]` listener: smart HTTP for users, with passwords and TLS off loopback, and the forge's hook.
import { basename, resolve } from 'node:path'
import { Users } from '../shared/auth/basic.ts'
import type { Clock } from '../shared/clock/clock.ts'
import type { ServeConfig, StoreConfig } from '../shared/config/store-table.ts'
import { listenHttp, type HttpListener } from '../shared/http/server.ts'
import type { Log } from '../shared/log/log.ts'
import type { Metrics } from '../shared/metrics/metrics.ts'
import { formatEndpoint } from '../shared/net/endpoint.ts'
import { Fatal } from '../shared/result/result.ts'
import { CertificateSlot } from '../shared/tls/certificate-slot.ts'
import { readConfigured } from './configured-file.ts'
import { createHook } from './remote/hook.ts'
import type { Keeper } from './remote/keeper.ts'
import { createGitHandler } from './serve/http.ts'
import { GIT_LIMITS } from './serve/limits.ts'
import type { LocalStore } from './store.ts'

export type StoreListener = {
  urlOf(name: string): string
  /** Reads the certificate files again; a pair that does not fit leaves the old one in use. */
  reload(): void
  close(): Promise<void>
}

type Parts = {
  readonly local: LocalStore
  readonly follower: Keeper | undefined
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
}

/** undefined when nothing is to be served. */
export async function listenStore(
  config: StoreConfig,
  parts: Parts,
): Promise<StoreListener | undefined> {
  const { serve } = config
  if (serve === undefined) return undefined
  const tls = openCertificate(config)
  const { log, metrics, clock, local } = parts
  const hook = openHook(config, parts)
  const listener = await listenHttp({
    listen: serve.listen,
    ...(tls !== undefined && { tls }),
    // The handler bounds each body, and says so in words that git prints.
    limits: { bodyBytes: Number.POSITIVE_INFINITY },
    log,
    handler: createGitHandler({
      repository: local,
      name: basename(resolve(config.path)),
      authenticate: authenticator(serve, clock),
      log,
      metrics,
      clock,
      limits: { ...GIT_LIMITS, pushBytes: serve.limitPush },
      allowForce: serve.allowForce,
      ...(hook !== undefined && { hook }),
    }),
  })
  return opened(listener, tls, log)
}

function opened(listener: HttpListener, tls: CertificateSlot | undefined, log: Log): StoreListener {
  const { address: host, port } = listener
  const scheme = tls === undefined ? 'http' : 'https'
  return {
    urlOf: (name) => `${scheme}://${formatEndpoint({ host, port })}/${name}`,
    reload() {
      const done = tls?.reload()
      if (done?.ok === false) {
        log.error('certificate-not-reloaded', { file: done.error.file, reason: done.error.message })
      } else if (done?.value === true) log.info('certificate-reloaded')
    },
    close: () => listener.close(),
  }
}

function authenticator(
  serve: ServeConfig,
  clock: Clock,
): Parameters<typeof createGitHandler>[0]['authenticate'] {
  const users = new Users(serve.users, clock)
  return async (request) => {
    if (users.isEmpty) return {}
    const login = await users.login(request.headers.authorization)
    return login.kind === 'user' ? { user: login.user } : 'denied'
  }
}

export function openCertificate(config: StoreConfig): CertificateSlot | undefined {
  const tls = config.serve?.tls
  if (tls === undefined) return undefined
  const slot = CertificateSlot.open(tls)
  if (slot.ok) return slot.value
  throw new Fatal(`store.serve.tls: ${slot.error.file}: ${slot.error.message}`)
}

function openHook(config: StoreConfig, parts: Parts): ReturnType<typeof createHook> | undefined {
  const { follower } = parts
  const secret = readHookSecret(config)
  if (secret === undefined || follower === undefined) return undefined
  return createHook(secret, () => follower.notify())
}

export function readHookSecret(config: StoreConfig): string | undefined {
  if (config.hookSecretFile === undefined) return undefined
  const secret = readConfigured(config.hookSecretFile, 'hook_secret_file').trim()
  if (secret.length < 16) {
    throw new Fatal(
      `store.hook_secret_file: ${config.hookSecretFile} holds fewer than 16 characters: openssl rand -hex 32`,
    )
  }
  return secret
}
