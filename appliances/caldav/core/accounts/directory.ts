// Users and groups as `users.toml` of the branch names them: who there is, who belongs to what, who acts for whom.

/** What someone a calendar is shared with, or who acts for its owner, may do there. */
export type Grant = 'read' | 'read-write'

export type User = {
  readonly kind: 'user'
  readonly name: string
  readonly displayName: string
  readonly emails: readonly string[]
  /** `scrypt:...`; without one only the passwords of devices are taken. */
  readonly password?: string
  /** Passwords for one device or program each, by its name. */
  readonly devices: { readonly [device: string]: string }
  /** Users and groups that act for this one in all of its calendars. */
  readonly delegates: { readonly [name: string]: Grant }
  /** Who may ask when it is busy: every user, or those who may see its calendars. */
  readonly busyTo: BusyTo
}

export type BusyTo = 'all' | 'shared'

export type Group = {
  readonly kind: 'group'
  readonly name: string
  readonly displayName: string
  readonly members: readonly string[]
}

export type Principal = User | Group

export class Directory {
  static readonly EMPTY: Directory = new Directory([], [])

  readonly #principals = new Map<string, Principal>()
  readonly #emails = new Map<string, User>()
  readonly #groups = new Map<string, Group[]>()
  readonly #delegators = new Map<string, User[]>()

  constructor(users: readonly User[], groups: readonly Group[]) {
    for (const one of [...users, ...groups]) this.#principals.set(one.name, one)
    for (const group of groups) for (const member of group.members) add(this.#groups, member, group)
    for (const user of users) for (const email of user.emails) this.#emails.set(email, user)
    for (const user of users)
      for (const delegate of Object.keys(user.delegates)) add(this.#delegators, delegate, user)
  }

  get(name: string): Principal | undefined {
    return this.#principals.get(name)
  }

  user(name: string): User | undefined {
    const one = this.#principals.get(name)
    return one?.kind === 'user' ? one : undefined
  }

  /** In the order of the file. */
  all(): Iterable<Principal> {
    return this.#principals.values()
  }

  get size(): number {
    return this.#principals.size
  }

  groupsOf(name: string): readonly Group[] {
    return this.#groups.get(name) ?? []
  }

  /** By mail address, lower case. */
  userAt(email: string): User | undefined {
    return this.#emails.get(email)
  }

  /** The largest grant that `grants` (by user or group) gives to a user. */
  grantOf(grants: { readonly [name: string]: Grant }, user: string): Grant | undefined {
    let found = grants[user]
    for (const { name } of this.groupsOf(user))
      if (found !== 'read-write') found = grants[name] ?? found
    return found
  }

  /** Users for whom `user` acts, by its own name or by a group's. */
  delegatorsOf(user: string): readonly { readonly user: User; readonly grant: Grant }[] {
    const names = [user, ...this.groupsOf(user).map(({ name }) => name)]
    const users = new Set(names.flatMap((name) => this.#delegators.get(name) ?? []))
    return [...users].map((one) => ({ user: one, grant: this.grantOf(one.delegates, user)! }))
  }
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}
