// Passwords for one device or program each, asked of the server.
import { accepted, BASE, Refusal, send } from './dav-client.ts'

const DEVICES = `${BASE}-/devices`

/** Names. */
export async function devices(): Promise<string[]> {
  return (await (await accepted(await send('GET', DEVICES))).json()) as string[]
}

/** Told this once. `own` is the account's password: a session is not enough. */
export async function makePassword(user: string, own: string, device: string): Promise<string> {
  const octets = new TextEncoder().encode(`${user}:${own}`)
  const authorization = `Basic ${btoa(String.fromCharCode(...octets))}`
  const response = await send('POST', at(device), own === '' ? {} : { authorization })
  if (response.status === 401) throw new Refusal(401, 'That is not the password of the account')
  return ((await (await accepted(response)).json()) as { readonly password: string }).password
}

export async function removePassword(device: string): Promise<void> {
  await accepted(await send('DELETE', at(device)))
}

function at(device: string): string {
  return `${DEVICES}?name=${encodeURIComponent(device)}`
}
