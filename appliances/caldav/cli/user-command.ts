// The command `user`: users of a clone, their passwords and those of their devices; what it changes is committed and pushed
// by hand.
import { parseArgs } from 'node:util'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { askPassword } from '../../../shared/appliance/hash-password.ts'
import { hashPassword } from '../../../shared/auth/password.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { firstFiles } from '../core/accounts/new-account.ts'
import { addUser } from '../core/accounts/users-edit.ts'
import { DEVICE_NAME, USER_NAME } from '../core/accounts/users-file.ts'
import { newDevicePassword } from '../device-passwords.ts'
import { failed } from './failure.ts'
import { Misuse } from './misuse.ts'
import { UsersFolder } from './users-folder.ts'

export type UserTerminal = {
  out(text: string): void
  err(text: string): void
  password(): Promise<string | undefined>
}

export const userCommand: Command = {
  summary: 'users of a clone: add, passwd, device, list',
  get help() {
    return HELP
  },
  run: (args) =>
    runUser(args, {
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
      password: askPassword,
    }),
}

/** Gives the exit code. */
export async function runUser(args: readonly string[], terminal: UserTerminal): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    })
    const [verb = '', ...words] = positionals
    const folder = new UsersFolder(values.dir ?? '.')
    if (verb === 'list' && words.length === 0) return list(folder, terminal)
    const [name, device, ...more] = words
    if (name === undefined || more.length > 0) throw new Misuse('Expected a user')
    if (verb === 'device' && device !== undefined)
      return await addDevice(folder, name, device, terminal)
    if (device !== undefined) throw new Misuse('Too many words')
    if (verb === 'add') return await add(folder, name, values, terminal)
    if (verb === 'passwd') return await changePassword(folder, name, terminal)
    throw new Misuse(`Unknown "${verb}"`)
  } catch (cause) {
    return failed('user', cause, terminal)
  }
}

async function add(
  folder: UsersFolder,
  name: string,
  options: { readonly name?: string; readonly email?: readonly string[] },
  terminal: UserTerminal,
): Promise<number> {
  if (!USER_NAME.test(name)) throw new Misuse(`"${name}" is no name of a user`)
  if (folder.directory.get(name) !== undefined) throw new Fatal(`There is ${name} already`)
  const password = await terminal.password()
  if (password === undefined) return EXIT.USAGE
  folder.write(
    addUser(folder.text, {
      name,
      ...(options.name !== undefined && { displayName: options.name }),
      emails: options.email ?? [],
      password: await hashPassword(password),
    }),
  )
  for (const [path, text] of Object.entries(firstFiles(name))) folder.make(path, text)
  terminal.out(
    `${name} has a calendar, tasks and contacts. Now: git add -A && git commit && git push\n`,
  )
  return EXIT.OK
}

async function changePassword(
  folder: UsersFolder,
  name: string,
  terminal: UserTerminal,
): Promise<number> {
  folder.userNamed(name)
  const password = await terminal.password()
  if (password === undefined) return EXIT.USAGE
  folder.set(name, ['password'], await hashPassword(password))
  terminal.out('Now: git commit -a && git push\n')
  return EXIT.OK
}

async function addDevice(
  folder: UsersFolder,
  name: string,
  device: string,
  terminal: UserTerminal,
): Promise<number> {
  folder.userNamed(name)
  if (!DEVICE_NAME.test(device)) throw new Misuse('A device is named by letters, digits and _')
  const password = newDevicePassword(device)
  folder.set(name, ['devices', device], await hashPassword(password))
  terminal.out(`${password}\n`)
  terminal.err('That is its password; it is not kept anywhere. Now: git commit -a && git push\n')
  return EXIT.OK
}

function list({ directory }: UsersFolder, terminal: UserTerminal): number {
  for (const one of directory.all()) {
    const words =
      one.kind === 'group'
        ? ['group', one.members.join(' ')]
        : ['user', one.emails.join(' '), ...Object.keys(one.devices)]
    terminal.out(`${[one.name, ...words].join('\t')}\n`)
  }
  return EXIT.OK
}

const OPTIONS = {
  dir: { type: 'string' },
  name: { type: 'string' },
  email: { type: 'string', multiple: true },
} as const

const HELP = `Usage: cairn-caldav user add NAME [--name "Full Name"] [--email ADDRESS]... [--dir CLONE]
       cairn-caldav user passwd NAME       a new password
       cairn-caldav user device NAME PHONE a password for one device, made and printed
       cairn-caldav user list

Works in a clone of the branch (the current folder, or --dir); commit and push what it changes. Passwords are asked for, or
read from standard input.
`
