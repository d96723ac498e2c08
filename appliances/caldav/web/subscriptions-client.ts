// Calendars that are kept elsewhere, asked of the server: their addresses, and how the last look at them went.
import { accepted, BASE, send, type Calendar } from './dav-client.ts'

export type SubscriptionAddress = {
  readonly url: string
  /** Seconds between one look and the next. */
  readonly every: number
}

export type Subscription = SubscriptionAddress & {
  /** The last segment of the calendar's URL. */
  readonly calendar: string
  readonly isUnderWay: boolean
  /** Entries that could not be read. */
  readonly leftOut: number
  /** When all was well last, in seconds since 1970. */
  readonly fetched?: number
  /** Since then. */
  readonly error?: string
}

export type Subscriptions = {
  /** Whether the server fetches any. */
  readonly isEnabled: boolean
  readonly subscriptions: readonly Subscription[]
}

export async function subscriptions(): Promise<Subscriptions> {
  return (await (await accepted(await send('GET', SUBSCRIPTIONS))).json()) as Subscriptions
}

/** Of an empty calendar, or of one that is kept elsewhere already. */
export async function subscribe(href: string, address: SubscriptionAddress): Promise<void> {
  const type = { 'content-type': 'application/json' }
  await accepted(await send('PUT', at(href), type, JSON.stringify(address)))
}

/** Done when it was fetched, or could not be. */
export async function refreshNow(href: string): Promise<Subscription> {
  return (await (await accepted(await send('POST', at(href)))).json()) as Subscription
}

export function subscriptionOf(
  { href, isOwn }: Calendar,
  { subscriptions: all }: Subscriptions,
): Subscription | undefined {
  const name = decodeURIComponent(href.split('/').at(-2)!)
  return isOwn ? all.find(({ calendar }) => calendar === name) : undefined
}

function at(href: string): string {
  return `${SUBSCRIPTIONS}/${href.split('/').at(-2)!}`
}

const SUBSCRIPTIONS = `${BASE}-/subscriptions`
