// What the configuration says of cookies, as whoever answers takes it.
import type { Clock } from '../clock/clock.ts'
import type { CookieSecrets } from './cookie-secrets.ts'
import type { CookiesConfig } from './cookies-table.ts'
import type { CookieOptions } from './core/edns-options.ts'
import { ServerCookies } from './core/server-cookies.ts'

export function cookieOptions(
  config: CookiesConfig,
  secrets: CookieSecrets,
  clock: Clock,
): CookieOptions {
  const server = new ServerCookies(secrets.secrets)
  secrets.attach(server)
  return {
    server,
    nowSeconds: () => Math.floor(clock.wallMs() / 1000),
    isProofRequired: config.require,
  }
}
