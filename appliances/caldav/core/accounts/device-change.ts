// The password of a device set or taken away in users.toml, as a change of the branch; the rest stays as people wrote it.
import { emptyReply, textReply, type Reply } from '../request.ts'
import type { WriteOutcome, WriteRequest } from '../write/written.ts'
import { removeUserValue, setUserValue } from './users-edit.ts'
import { USERS_FILE } from './users-file.ts'

type Write = Pick<WriteRequest, 'edit' | 'view'>

export function setDevice(
  { edit, view }: Write,
  user: string,
  device: string,
  hash: string,
  done: Reply,
): WriteOutcome {
  // Another one is lost where somebody waits for its answer.
  if (Object.hasOwn(view.library.directory.user(user)?.devices ?? {}, device))
    return textReply(
      409,
      `There is a password for ${device} already: remove it, or take another name`,
    )
  const text = setUserValue(usersText(edit), user, ['devices', device], hash)
  if (text === undefined) return textReply(409, `users.toml has no [users.${user}] to write it to`)
  edit.set(USERS_FILE, text)
  return { kind: 'written', message: `make a password for the device ${device}`, reply: () => done }
}

export function removeDevice({ edit }: Write, user: string, device: string): WriteOutcome {
  const text = removeUserValue(usersText(edit), user, ['devices', device])
  if (text === undefined) return textReply(404, `There is no device ${device}`)
  edit.set(USERS_FILE, text)
  return {
    kind: 'written',
    message: `take back the password of the device ${device}`,
    reply: () => emptyReply(204),
  }
}

function usersText(edit: Write['edit']): string {
  return Buffer.from(edit.get(USERS_FILE) ?? []).toString('utf8')
}
