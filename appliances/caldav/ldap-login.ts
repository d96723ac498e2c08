// Passwords that an LDAP server checks, by a bind as the user (RFC 4511 §4.2); behind ldapts, which is loaded when it is needed.
import { isIP } from 'node:net'
import type { Client } from 'ldapts'
import { RememberedChecks, type Check } from '../../shared/auth/remembered-checks.ts'
import type { Clock } from '../../shared/clock/clock.ts'
import { readTextFile } from '../../shared/files/text-file.ts'
import { Fatal } from '../../shared/result/result.ts'
import { withUser } from './ldap-names.ts'
import type { LdapConfig } from './ldap-table.ts'

/** Binds that may be under way, and wait. */
const BINDS = { atOnce: 8, waiting: 64 }

/** Of one connection: connecting, STARTTLS, a bind, a search. */
const STEPS = 4

/** The server cannot be asked, or says something else than whether the password is right. */
export class LdapFault extends Error {}

export class LdapLogin {
  readonly #config: LdapConfig
  readonly #ca: string | undefined
  readonly #password: string | undefined
  readonly #checks: RememberedChecks

  /** Reads the files that `config` names; throws Fatal for one that cannot be read. */
  constructor(config: LdapConfig, clock: Clock) {
    this.#config = config
    this.#ca = config.ca === undefined ? undefined : readFile('ca', config.ca)
    const { passwordFile } = config
    this.#password = passwordFile && readFile('password_file', passwordFile).trimEnd()
    this.#checks = new RememberedChecks(clock, BINDS)
  }

  /** A success counts for five minutes, also when the password changes meanwhile. Throws LdapFault. */
  async check(user: string, password: string): Promise<Check> {
    // A bind without a password succeeds as nobody (RFC 4513 §5.1.2).
    if (password === '') return 'wrong'
    const credential = [Buffer.from(user), Buffer.from(password)]
    return await this.#checks.check(credential, async () => await this.#bind(user, password))
  }

  async #bind(user: string, password: string): Promise<boolean> {
    try {
      const { userDn } = this.#config
      const dn = userDn === undefined ? await this.#find(user) : withUser(userDn, user)
      return dn !== undefined && (await this.#connected((client) => isRight(client, dn, password)))
    } catch (cause) {
      throw new LdapFault(cause instanceof Error ? cause.message : String(cause), { cause })
    }
  }

  /** The distinguished name of the one entry that is the user's; undefined when there is none, or not one. */
  async #find(user: string): Promise<string | undefined> {
    const { base = '', filter, bindDn } = this.#config
    return await this.#connected(async (client) => {
      if (bindDn !== undefined) await client.bind(bindDn, this.#password)
      const { searchEntries } = await client.search(base, {
        scope: 'sub',
        filter: withUser(filter, user),
        // None: only who it is.
        attributes: ['1.1'],
      })
      return searchEntries.length === 1 ? searchEntries[0]!.dn : undefined
    })
  }

  async #connected<T>(use: (client: Client) => Promise<T>): Promise<T> {
    const { url, starttls, timeout } = this.#config
    const host = url.hostname.replaceAll(/[[\]]/g, '')
    const tls = {
      host,
      ...(isIP(host) === 0 && { servername: host }),
      ...(this.#ca !== undefined && { ca: this.#ca }),
    }
    const { Client } = await load()
    const client = new Client({
      url: url.href,
      timeout,
      connectTimeout: timeout,
      ...(url.protocol === 'ldaps:' && { tlsOptions: tls }),
    })
    const used = async (): Promise<T> => {
      if (starttls) await client.startTLS(tls)
      return await use(client)
    }
    try {
      // Each step has its own limit but for the handshake of STARTTLS.
      return await within(used(), timeout * STEPS)
    } finally {
      // What was asked is answered by now: how the connection ends says nothing more.
      await client.unbind().catch(() => {})
    }
  }
}

/** Only where somebody uses it. */
const load = async () => await import('ldapts')

async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('No answer in time')), limitMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

async function isRight(client: Client, dn: string, password: string): Promise<boolean> {
  const { InvalidCredentialsError, NoSuchObjectError } = await load()
  try {
    await client.bind(dn, password)
    return true
  } catch (cause) {
    if (cause instanceof InvalidCredentialsError || cause instanceof NoSuchObjectError) return false
    throw cause
  }
}

function readFile(key: string, file: string): string {
  const read = readTextFile(file)
  if (!read.ok) throw new Fatal(`ldap.${key}: ${file}: ${read.error}`)
  return read.value
}
