// The work tree of a clone as commands change it: its users.toml, and files that must not be written over.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatProblem } from '../../../shared/result/problem.ts'
import { Fatal } from '../../../shared/result/result.ts'
import type { Directory } from '../core/accounts/directory.ts'
import { setUserValue } from '../core/accounts/users-edit.ts'
import { readUsersFile, USERS_FILE } from '../core/accounts/users-file.ts'

export class UsersFolder {
  readonly text: string
  readonly directory: Directory
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
    const file = join(dir, USERS_FILE)
    this.text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    const read = readUsersFile(Buffer.from(this.text))
    if (!read.ok) throw new Fatal(read.error.map(formatProblem).join('\n'))
    this.directory = read.value
  }

  userNamed(name: string): void {
    if (this.directory.user(name) === undefined)
      throw new Fatal(`${join(this.#dir, USERS_FILE)} has no user ${name}`)
  }

  set(user: string, path: readonly string[], value: string): void {
    const text = setUserValue(this.text, user, path, value)
    if (text === undefined)
      throw new Fatal(`${USERS_FILE} does not write ${user} as [users.${user}]: change it by hand`)
    this.write(text)
  }

  write(text: string): void {
    const read = readUsersFile(Buffer.from(text))
    if (!read.ok) throw new Fatal(read.error.map(formatProblem).join('\n'))
    writeFileSync(join(this.#dir, USERS_FILE), text)
  }

  make(path: string, text: string): void {
    const file = join(this.#dir, path)
    if (existsSync(file)) return
    mkdirSync(join(file, '..'), { recursive: true })
    writeFileSync(file, text)
  }
}
