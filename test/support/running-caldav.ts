// cairn-caldav in this process, on loopback, with users alice, bob and carol (passwords as their names), and a client.
import { join } from 'node:path'
import { caldavConfig } from '../../appliances/caldav/config.ts'
import { serve } from '../../appliances/caldav/serve.ts'
import type { Running } from '../../shared/appliance/appliance.ts'
import { formatPasswordHash } from '../../shared/auth/password-hash.ts'
import { scryptSync } from 'node:crypto'
import type { Registry } from '../../shared/metrics/registry.ts'
import { seedStore } from '../../tools/house/seed.ts'
import { runHere } from './running-appliance.ts'
import { tempDir } from './temp.ts'

export type RunningCaldav = {
  readonly running: Running
  readonly registry: Registry
  readonly events: readonly string[]
  /** `http://127.0.0.1:1234` */
  readonly origin: string
  readonly gitUrl: string
  readonly path: string
  /** As alice unless it is said otherwise; a body that is a string is sent as it is. */
  ask(method: string, path: string, options?: Asked): Promise<Answer>
}

export type Asked = {
  readonly user?: string
  readonly password?: string
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string | Uint8Array<ArrayBuffer>
}

export type Answer = { readonly status: number; readonly headers: Headers; readonly text: string }

/** The cheapest cost that is taken, so that tests do not wait. */
export function cheapHash(password: string): string {
  const salt = Buffer.alloc(16, 7)
  const cost = { cost: 1024, blockSize: 1, parallel: 1 }
  const hash = scryptSync(password, salt, 32, { N: 1024, r: 1, p: 1 })
  return formatPasswordHash({ ...cost, salt, hash })
}

export const USERS: string = `[users.alice]
name = "Alice"
email = ["alice@example.org"]
password = "${cheapHash('alice')}"
devices = { phone = "${cheapHash('phone-alice')}" }
[users.bob]
email = ["bob@example.org"]
password = "${cheapHash('bob')}"
[users.carol]
password = "${cheapHash('carol')}"
[groups.family]
members = ["alice", "bob"]
`

export async function runCaldav(
  options: {
    readonly files?: { readonly [path: string]: string }
    readonly config?: string
    readonly path?: string
  } = {},
): Promise<RunningCaldav> {
  const path = options.path ?? join(tempDir('caldav'), 'calendars.git')
  await seedStore(path, () => Promise.resolve({ 'users.toml': USERS, ...options.files }))
  const text = `listen = ["127.0.0.1:0"]
${options.config ?? ''}
[store]
path = ${JSON.stringify(path)}
[store.serve]
listen = "127.0.0.1:0"
[observe]
`
  const { running, registry, events } = await runHere(text, caldavConfig, serve)
  const origin = running.addresses[0]!.replace(/\/$/, '')
  return {
    running,
    registry,
    events,
    origin,
    gitUrl: running.addresses[1]!,
    path,
    async ask(method, at, { user = 'alice', password = user, headers = {}, body } = {}) {
      const login = Buffer.from(`${user}:${password}`).toString('base64')
      const answer = await fetch(origin + at, {
        method,
        redirect: 'manual',
        headers: { ...(user !== '' && { authorization: `Basic ${login}` }), ...headers },
        ...(body !== undefined && { body }),
      })
      return { status: answer.status, headers: answer.headers, text: await answer.text() }
    },
  }
}

export function eventText(uid: string, summary: string, more = ''): string {
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//test//EN',
    'BEGIN:VEVENT',
    `UID:${uid}`,
    'DTSTAMP:20260101T000000Z',
    'DTSTART:20260105T090000Z',
    'DTEND:20260105T100000Z',
    `SUMMARY:${summary}`,
    ...(more === '' ? [] : [more]),
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n')
}
