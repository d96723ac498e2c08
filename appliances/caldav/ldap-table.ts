// `[ldap]`: where passwords are checked that users.toml does not have.
import {
  boolean,
  checked,
  durationBetween,
  object,
  optional,
  parsed,
  string,
  urlWith,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import { isLoopback } from '../../shared/net/endpoint.ts'

export type LdapConfig = {
  readonly url: URL
  /** Whether a connection by `ldap:` becomes TLS before anything is said. */
  readonly starttls: boolean
  /** PEM file of the authorities that may sign for the server; else those of Node. */
  readonly ca?: string
  /** Of a user, with `{user}` in it. */
  readonly userDn?: string
  /** Below which a user is searched for; the one entry that `filter` finds is the user's. */
  readonly base?: string
  readonly filter: string
  /** Who searches; nobody in particular where it is absent. */
  readonly bindDn?: string
  readonly passwordFile?: string
  /** Milliseconds for each step. */
  readonly timeout: number
}

const template = parsed('a text with {user} in it', (text) =>
  text.includes('{user}') ? text : undefined,
)

export const ldapTable: Decoder<LdapConfig> = checked(
  object({
    url: urlWith('ldap', 'ldaps'),
    starttls: withDefault(boolean, false),
    ca: optional(string),
    userDn: optional(template),
    base: optional(string),
    filter: withDefault(template, '(uid={user})'),
    bindDn: optional(string),
    passwordFile: optional(string),
    timeout: withDefault(durationBetween(100, 60_000), 5_000),
  }),
  (ldap, at) => {
    const { url, starttls, userDn, base, bindDn, passwordFile } = ldap
    const isSecure = url.protocol === 'ldaps:' || starttls
    if (!isSecure && !isLoopback(url.hostname.replaceAll(/[[\]]/g, '')))
      at.inside('url').report('Passwords must not go in the clear: needs ldaps: or starttls')
    if (starttls && url.protocol === 'ldaps:') at.inside('starttls').report('ldaps: is TLS already')
    if ((userDn === undefined) === (base === undefined))
      at.report('Expected either user_dn or base, for how a user is found')
    if ((bindDn === undefined) !== (passwordFile === undefined))
      at.report('bind_dn and password_file go together')
  },
)

export function ldapPort({ url }: LdapConfig): number {
  return Number(url.port) || (url.protocol === 'ldaps:' ? 636 : 389)
}
