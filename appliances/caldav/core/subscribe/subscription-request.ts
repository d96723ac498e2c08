// Calendars of a user's own that are kept elsewhere, as JSON for the web page. Below `-/subscriptions`:
//
//   GET                200 {"isEnabled": true, "subscriptions": [{"calendar": "holidays", "url": "https://…", "every": 43200, "isUnderWay": false,
//                      "leftOut": 0, "fetched": 1767225600, "error": "…"}]}; `every` in seconds; `fetched`, when all was well
//                      last, and `error`, since then, only where there is one
//   PUT    /<calendar> {"url": "https://…", "every": 43200}: 204, and an empty calendar is one of them, or another one
//   POST   /<calendar> fetched now: 200 with what GET says of this one, once that is done
//
// Errors are one line of text: 400 a body that is none, 404 no such calendar, or the server fetches none, 409 the calendar has
// events of its own, 507 there are too many.
import { isLoopback } from '../../../../shared/net/endpoint.ts'
import { FEED_EVERY_MS, isFeedUrl, type Subscription } from '../library/settings.ts'
import { WEB_FOLDER } from '../publish/link-request.ts'
import { emptyReply, textReply, type DavRequest, type Reply } from '../request.ts'
import { nameOf, resolve, type CollectionResource } from '../resource/resource.ts'
import type { View } from '../view.ts'
import { editSettings, titleOf, type WriteOutcome, type WriteRequest } from '../write/written.ts'
import { parsePath } from '../xml/path.ts'

export const SUBSCRIPTIONS_PATH: string = `${WEB_FOLDER}subscriptions`

/** Of one user. */
export const SUBSCRIPTIONS_LIMIT = 50

/** What is known of the last look at one. */
export type SubscriptionState = {
  readonly isUnderWay: boolean
  /** Objects that were left out. */
  readonly leftOut: number
  /** Seconds since 1970. */
  readonly fetched?: number
  readonly error?: string
}

export const NOT_LOOKED_AT: SubscriptionState = { isUnderWay: false, leftOut: 0 }

/** By the calendar's path in the branch. */
export type StateOf = (path: string) => SubscriptionState

/** Without `stateOf` none are fetched. */
export function listSubscriptions(view: View, stateOf: StateOf | undefined): Reply {
  const subscriptions = subscribedOf(view).map((collection) => ({
    calendar: nameOf(collection),
    ...told(collection.settings.subscription!),
    ...(stateOf?.(collection.path) ?? NOT_LOOKED_AT),
  }))
  return json({ isEnabled: stateOf !== undefined, subscriptions })
}

export function showSubscription({ collection }: CollectionResource, stateOf: StateOf): Reply {
  const { subscription } = collection.settings
  if (subscription === undefined) return textReply(404, 'It is not kept elsewhere')
  return json({ calendar: nameOf(collection), ...told(subscription), ...stateOf(collection.path) })
}

export function writeSubscription({
  request,
  view,
  edit,
}: Pick<WriteRequest, 'request' | 'view' | 'edit'>): WriteOutcome {
  const resource = subscriptionAt(request, view)
  if (resource === undefined) return textReply(404, 'Nothing is here')
  const { collection } = resource
  const { subscription } = collection.settings
  const asked = subscriptionOf(request.body)
  if (asked === undefined)
    return textReply(400, 'Expected {"url": "https://...", "every": seconds from 300 to 2592000}')
  // What is on this machine is for its operator to open, in the settings' file.
  if (asked.url !== subscription?.url && !isOutside(asked.url))
    return textReply(400, 'Expected an address that begins with https:// or webcal://')
  if (subscription === undefined && collection.members.size > 0)
    return textReply(409, 'It has entries of its own, which would be lost: make another calendar')
  if (subscription === undefined && subscribedOf(view).length >= SUBSCRIPTIONS_LIMIT)
    return textReply(507, `At most ${SUBSCRIPTIONS_LIMIT} calendars of elsewhere`)
  editSettings(edit, collection, (settings) => settings.setSubscription(asked))
  const verb = subscription === undefined ? 'subscribe' : 'change the subscription of'
  return {
    kind: 'written',
    message: `${verb} ${titleOf(collection)}`,
    reply: () => emptyReply(204),
  }
}

/** One of the user's own calendars, of those below `-/subscriptions/`. */
export function subscriptionAt(
  { target }: Pick<DavRequest, 'target'>,
  view: View,
): CollectionResource | undefined {
  const parsed = parsePath(target, `${view.base}${SUBSCRIPTIONS_PATH}/`)
  const [calendar, ...more] = parsed.ok ? parsed.value.path : []
  if (calendar === undefined || more.length > 0) return undefined
  const resource = resolve(['calendars', view.user.name, calendar], view)
  return resource?.kind === 'collection' && resource.rights === 'owner' ? resource : undefined
}

function subscribedOf({ library, user }: View): ReturnType<View['library']['collectionsIn']> {
  return library
    .collectionsIn(`calendars/${user.name}`)
    .filter(({ settings }) => settings.subscription !== undefined)
}

function isOutside(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'https:' && !isLoopback(hostname.replace(/^\[|\]$/g, ''))
}

function subscriptionOf(body: Uint8Array): Subscription | undefined {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined // It is no JSON.
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { url, every } = value as { readonly [key: string]: unknown }
  if (typeof url !== 'string' || typeof every !== 'number') return undefined
  const address = url.trim().replace(/^webcals?:/i, 'https:')
  const everyMs = Math.round(every) * 1_000
  const isInTime = everyMs >= FEED_EVERY_MS.least && everyMs <= FEED_EVERY_MS.most
  return isFeedUrl(address) && isInTime ? { url: address, every: everyMs } : undefined
}

function told({ url, every }: Subscription): { readonly url: string; readonly every: number } {
  return { url, every: every / 1_000 }
}

function json(value: unknown): Reply {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return { status: 200, headers, body: JSON.stringify(value) }
}
