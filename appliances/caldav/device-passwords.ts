// Passwords for one device or program each, made and taken back in the web page. A new one needs the account's own password: one
// that came away with a device makes no others.
import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { hashPassword } from '../../shared/auth/password.ts'
import { DEVICE_NAME } from './core/accounts/users-file.ts'
import { removeDevice, setDevice } from './core/accounts/device-change.ts'
import { textReply, type Reply } from './core/request.ts'
import type { WriteOutcome, WriteRequest } from './core/write/written.ts'
import type { Login } from './login.ts'

type Change = (write: Pick<WriteRequest, 'edit' | 'view'>) => WriteOutcome
type UserLogin = Extract<Login, { kind: 'user' }>

const PASSWORD_BYTES = 15
const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** It begins with the device, by which its hash is found. */
export function newDevicePassword(device: string): string {
  return `${device}-${randomBytes(PASSWORD_BYTES).toString('base64url')}`
}

/**
 * `GET …/-/devices`: their names; `POST …/-/devices?name=phone`: a password, told this once; `DELETE` of the same: it is taken
 * back. A function is the change to be committed.
 */
export async function deviceRequest(
  request: Pick<IncomingMessage, 'method' | 'url'>,
  { user, by }: UserLogin,
): Promise<Reply | Change> {
  if (request.method === 'GET')
    return { status: 200, headers: JSON_HEADERS, body: JSON.stringify(Object.keys(user.devices)) }
  const name = new URLSearchParams(request.url?.split('?')[1] ?? '').get('name') ?? ''
  if (!DEVICE_NAME.test(name))
    return textReply(400, 'A device is named by 1 to 32 letters, digits and _')
  if (request.method === 'DELETE') return (write) => removeDevice(write, user.name, name)
  if (request.method !== 'POST')
    return textReply(405, 'This method is not known here', { allow: 'GET, POST, DELETE' })
  if (by !== 'password' && by !== 'proxy')
    return textReply(403, 'A new password needs the password of the account, not one of a device')
  const password = newDevicePassword(name)
  const hash = await hashPassword(password)
  const body = JSON.stringify({ password })
  return (write) =>
    setDevice(write, user.name, name, hash, { status: 201, headers: JSON_HEADERS, body })
}
