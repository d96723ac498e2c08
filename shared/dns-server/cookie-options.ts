// What the configuration says of cookies, as whoever answers takes it: in the main thread, and in a packet worker.
import { systemClock, type Clock } from '../clock/clock.ts'
import type { CookieSecrets } from './cookie-secrets.ts'
import type { CookiesConfig } from './cookies-table.ts'
import type { CookieOptions } from './core/edns-options.ts'
import { ServerCookies } from './core/server-cookies.ts'

/** They get new secrets as those of the process roll. */
export function cookieOptions(
  config: CookiesConfig,
  secrets: CookieSecrets,
  clock: Clock,
): CookieOptions {
  const server = new ServerCookies(secrets.secrets)
  secrets.attach(server)
  return optionsOf(server, config.require, clock)
}

/** For a thread that is told new secrets; `secrets`, the newest first, are undefined without cookies. */
export function workerCookies(
  secrets: readonly Uint8Array[] | undefined,
  isProofRequired: boolean,
): CookieOptions | undefined {
  return secrets && optionsOf(new ServerCookies(secrets), isProofRequired, systemClock)
}

function optionsOf(
  server: ServerCookies,
  isProofRequired: boolean,
  clock: Pick<Clock, 'wallMs'>,
): CookieOptions {
  return { server, nowSeconds: () => Math.floor(clock.wallMs() / 1000), isProofRequired }
}
