// `users.toml`: users with their passwords and devices, groups, and who acts for whom; people edit it by hand.
import { parsePasswordHash } from '../../../../shared/auth/password-hash.ts'
import {
  checked,
  decodeConfig,
  list,
  object,
  oneOf,
  optional,
  parsed,
  record,
  secret,
  section,
  string,
  withDefault,
  type Decoder,
  type Place,
} from '../../../../shared/config/decode.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { Directory, type BusyTo, type Grant } from './directory.ts'

export const USERS_FILE = 'users.toml'
/** Some ten thousand users. */
const USERS_FILE_LIMIT_BYTES = 4_194_304
/** Of one user, so that a login looks at few of them. */
const DEVICES_LIMIT = 64
const EMAILS_LIMIT = 32

/** As in a URL and a folder's name: `alice`, `alice@example.org`. */
export const USER_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/
export const DEVICE_NAME: RegExp = /^[A-Za-z0-9][A-Za-z0-9_]{0,31}$/

type UserEntry = {
  readonly name?: string
  readonly email: readonly string[]
  readonly password?: string
  readonly devices: { readonly [device: string]: string }
  readonly delegates: { readonly [name: string]: Grant }
  readonly busyTo: BusyTo
}

type GroupEntry = { readonly name?: string; readonly members: readonly string[] }

type UsersFile = {
  readonly users: { readonly [name: string]: UserEntry }
  readonly groups: { readonly [name: string]: GroupEntry }
}

const passwordHash = secret(
  parsed('a password hash "scrypt:N:r:p:salt:hash"', (text) =>
    parsePasswordHash(text) === undefined ? undefined : text,
  ),
)

const email = parsed('an e-mail address', (text) =>
  /^[^\s@<>]{1,128}@[^\s@<>]{1,128}$/.test(text) ? text.toLowerCase() : undefined,
)

const userEntry: Decoder<UserEntry> = checked(
  object({
    name: optional(string),
    email: withDefault(list(email), []),
    password: optional(passwordHash),
    devices: section(record(passwordHash)),
    delegates: section(record(oneOf('read', 'read-write'))),
    busyTo: withDefault(oneOf('all', 'shared'), 'all'),
  }),
  (user, at) => {
    if (user.email.length > EMAILS_LIMIT) at.inside('email').report(`More than ${EMAILS_LIMIT}`)
    const devices = Object.keys(user.devices)
    if (devices.length > DEVICES_LIMIT) at.inside('devices').report(`More than ${DEVICES_LIMIT}`)
    for (const device of devices)
      if (!DEVICE_NAME.test(device))
        at.inside('devices').inside(device).report('Expected a name of letters, digits and _')
  },
)

const groupEntry: Decoder<GroupEntry> = object({
  name: optional(string),
  members: withDefault(list(string), []),
})

const usersFile: Decoder<UsersFile> = checked(
  object({ users: section(record(userEntry)), groups: section(record(groupEntry)) }),
  checkNames,
)

export function readUsersFile(bytes: Uint8Array): Result<Directory, readonly Problem[]> {
  if (bytes.length > USERS_FILE_LIMIT_BYTES)
    return err([problem(`Is larger than ${USERS_FILE_LIMIT_BYTES} bytes`, { file: USERS_FILE })])
  const decoded = decodeConfig(Buffer.from(bytes).toString('utf8'), USERS_FILE, usersFile)
  if (!decoded.ok) return decoded
  const { users, groups } = decoded.value
  return ok(
    new Directory(
      Object.entries(users).map(([name, entry]) => ({
        kind: 'user',
        name,
        displayName: entry.name ?? name,
        emails: entry.email,
        ...(entry.password !== undefined && { password: entry.password }),
        devices: entry.devices,
        delegates: entry.delegates,
        busyTo: entry.busyTo,
      })),
      Object.entries(groups).map(([name, entry]) => ({
        kind: 'group',
        name,
        displayName: entry.name ?? name,
        members: entry.members,
      })),
    ),
  )
}

/** One space of names for users and groups: both are principals, and calendars are shared with either. */
function checkNames({ users, groups }: UsersFile, at: Place): void {
  const known = (name: string): boolean => name in users || name in groups
  for (const name of Object.keys(users))
    if (!USER_NAME.test(name)) at.inside('users').inside(name).report(NAME_EXPECTED)
  for (const [name, { members }] of Object.entries(groups)) {
    const place = at.inside('groups').inside(name)
    if (!USER_NAME.test(name)) place.report(NAME_EXPECTED)
    if (name in users) place.report('There is a user of this name')
    for (const [i, member] of members.entries())
      if (!(member in users)) place.inside('members').inside(i).report(`No user "${member}"`)
  }
  const owners = new Map<string, string>()
  for (const [name, { delegates, email }] of Object.entries(users)) {
    const place = at.inside('users').inside(name)
    for (const delegate of Object.keys(delegates))
      if (!known(delegate))
        place.inside('delegates').inside(delegate).report('No such user or group')
    for (const [i, address] of email.entries()) {
      const other = owners.get(address) ?? name
      if (other !== name) place.inside('email').inside(i).report(`Is the address of ${other} too`)
      owners.set(address, other)
    }
  }
}

const NAME_EXPECTED = 'Expected a name of at most 64 letters, digits and ._@- that begins with one'
