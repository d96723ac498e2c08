// Who came and left, as lines of files `sessions/<day>/<hour>` (UTC) of the branch `sessions`.

export type SessionEvent = {
  readonly atMs: number
  readonly what: 'came' | 'left'
  /** The common name, and the user where one was given. */
  readonly name: string
  readonly user: string
  /** Inside the tunnel; where from; and why it left, with the octets. */
  readonly details: string
}

/** Names that a message of a commit lists. */
const NAMED = 8

export function recordPath(atMs: number): string {
  const time = new Date(atMs).toISOString()
  return `sessions/${time.slice(0, 10)}/${time.slice(11, 13)}`
}

export function recordLine({ atMs, what, name, user, details }: SessionEvent): string {
  const second = `${new Date(atMs).toISOString().slice(0, 19)}Z`
  const who = user === '' ? shown(name) : `${shown(name)} as ${shown(user)}`
  return `${second} ${what} ${who} ${details}\n`
}

/** `laptop came, phone left`; `leases` are addresses that are new. */
export function recordMessage(events: readonly SessionEvent[], leases: readonly string[]): string {
  const parts = [
    ...leases.map((name) => `an address for ${shown(name)}`),
    ...events.map(({ name, what }) => `${shown(name)} ${what}`),
  ]
  const more = parts.length - NAMED
  return `${parts.slice(0, NAMED).join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}

/** As it is where it is a plain word; no name may make a line of its own. */
function shown(name: string): string {
  return /^[\w.@+-]{1,64}$/.test(name) ? name : JSON.stringify(name)
}
