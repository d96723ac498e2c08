// What tables of HTTP services have in common: who may come in, and that nobody does unasked from other machines.
import { parsePasswordHash } from '../auth/password-hash.ts'
import { isLoopback, type Endpoint } from '../net/endpoint.ts'
import { parsed, record, secret, withDefault, type Decoder, type Place } from './decode.ts'

export type ServedUsers = { readonly [name: string]: string }

/** User name to `scrypt:...`. */
export const servedUsers: Decoder<ServedUsers> = withDefault(
  record(secret(parsed('a password hash "scrypt:N:r:p:salt:hash"', passwordHash))),
  {},
)

/** Names that Basic authentication can carry; off loopback users and TLS. `table` is named in what is reported. */
export function checkServed(
  served: { readonly listen: Endpoint; readonly users: ServedUsers; readonly tls?: object },
  table: string,
  at: Place,
): void {
  for (const name of Object.keys(served.users)) {
    // Basic authentication ends the name at the first colon.
    if (!/^[^:\p{Cc}]{1,64}$/u.test(name)) {
      at.inside('users')
        .inside(name)
        .report('Expected a user name of 1 to 64 characters without ":"')
    }
  }
  if (isLoopback(served.listen.host)) return
  const missing = [
    Object.keys(served.users).length === 0 ? 'users' : [],
    served.tls === undefined ? 'tls = { cert, key }' : [],
  ].flat()
  if (missing.length > 0) {
    at.inside('listen').report(
      `Other machines can reach ${served.listen.host}: add ${missing.join(' and ')} to [${table}], or listen on 127.0.0.1`,
    )
  }
}

function passwordHash(text: string): string | undefined {
  return parsePasswordHash(text) === undefined ? undefined : text
}
