// An account that is made: its entry in users.toml and what every client looks for, as a change of the branch.
import { AREA_OF } from '../library/collection.ts'
import type { Library } from '../library/library.ts'
import { textReply } from '../request.ts'
import type { WriteOutcome, WriteRequest } from '../write/written.ts'
import { addUser, type NewUser } from './users-edit.ts'
import { USERS_FILE } from './users-file.ts'

/** Files of a new user, and what they say. */
export function firstFiles(name: string): { readonly [path: string]: string } {
  return {
    // Reminders wants tasks in a calendar of their own.
    [`calendars/${name}/personal/calendar.toml`]:
      'displayname = "Personal"\ncomponents = ["VEVENT"]\n',
    [`calendars/${name}/tasks/calendar.toml`]: 'displayname = "Tasks"\ncomponents = ["VTODO"]\n',
    [`addressbooks/${name}/contacts/addressbook.toml`]: 'displayname = "Contacts"\n',
  }
}

/** Refused for a name that is taken, when there are `limit` users, and for one that something in the branch belongs to. */
export function makeAccount(
  { edit, view }: Pick<WriteRequest, 'edit' | 'view'>,
  user: NewUser,
  limit: number,
): WriteOutcome {
  const { name } = user
  const { directory } = view.library
  if (directory.get(name) !== undefined) return textReply(409, `There is ${name} already`)
  if (directory.size >= limit) return textReply(403, `There are ${limit} users and groups`)
  // Of someone who is gone, or is meant to come: not for whoever asks first.
  const folders = [...Object.values(AREA_OF), 'attachments'].map((area) => `${area}/${name}`)
  const isThere = folders.some((folder) => edit.entry(folder) !== undefined)
  if (isThere || isSharedWith(name, view.library))
    return textReply(403, `Something in the branch belongs to ${name}`)
  const text = Buffer.from(edit.get(USERS_FILE) ?? []).toString('utf8')
  edit.set(USERS_FILE, addUser(text, user))
  for (const [path, content] of Object.entries(firstFiles(name))) edit.set(path, content)
  return {
    kind: 'written',
    message: 'make an account, by the first use of the name',
    reply: () => textReply(201, 'Made'),
  }
}

function isSharedWith(name: string, library: Library): boolean {
  for (const { settings } of library.collections())
    if (Object.hasOwn(settings.share, name)) return true
  return false
}
