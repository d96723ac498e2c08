// The part of a calendar's dialog that says where it is kept, how often it is looked at, and how the last look went.
import { element, button, labelled } from '../../../shared/web/page/element.ts'
import { messageLine, told } from './message.ts'
import { refreshNow, type Subscription, type SubscriptionAddress } from './subscriptions-client.ts'

export type SubscriptionField = {
  readonly elements: readonly HTMLElement[]
  readonly value: () => SubscriptionAddress
}

/** `known`: of the calendar at `href`; undefined for a new one. */
export function subscriptionField(
  known: { readonly href: string; readonly subscription: Subscription } | undefined,
): SubscriptionField {
  const now = known?.subscription
  const url = element('input', { type: 'url', value: now?.url ?? '', required: true })
  url.maxLength = 2_000
  url.placeholder = 'https://example.org/holidays.ics'
  const choices = EVERY.some(([seconds]) => seconds === (now?.every ?? DEFAULT_EVERY))
    ? EVERY
    : [...EVERY, [now!.every, `Every ${Math.round(now!.every / 60)} minutes`] as const]
  const every = element(
    'select',
    {},
    ...choices.map(([seconds, text]) => element('option', { value: String(seconds) }, text)),
  )
  every.value = String(now?.every ?? DEFAULT_EVERY)
  const value = (): SubscriptionAddress => ({
    url: url.value.trim().replace(/^webcals?:/i, 'https:'),
    every: Number(every.value),
  })
  const fields = [labelled('Address', url), labelled('Is looked at', every)]
  if (known === undefined) return { elements: fields, value }
  const message = messageLine()
  const state = element('p', { className: 'faint', role: 'status' })
  const refresh = button('Refresh now', () => {
    refresh.disabled = true
    state.textContent = 'It is being fetched…'
    void told(message, async () => show(await refreshNow(known.href))).finally(() => {
      refresh.disabled = false
    })
  })
  const show = (told_: Subscription): void => {
    state.textContent = stateText(told_)
    message.textContent = told_.error === undefined ? '' : `The last look failed: ${told_.error}`
  }
  show(known.subscription)
  const row = element('div', { className: 'row' }, state, refresh)
  return { elements: [...fields, row, message], value }
}

function stateText({ isUnderWay, fetched, leftOut }: Subscription): string {
  if (isUnderWay) return 'It is being fetched…'
  if (fetched === undefined) return 'Not fetched since the server was started'
  const format = { dateStyle: 'medium', timeStyle: 'short' } as const
  const when = new Date(fetched * 1000).toLocaleString(navigator.language, format)
  const left = leftOut === 0 ? '' : `; ${leftOut} entries in it cannot be read`
  return `Fetched ${when}${left}`
}

const DEFAULT_EVERY = 43_200
const EVERY: readonly (readonly [number, string])[] = [
  [900, 'Every 15 minutes'],
  [3_600, 'Every hour'],
  [43_200, 'Twice a day'],
  [86_400, 'Once a day'],
  [604_800, 'Once a week'],
]
