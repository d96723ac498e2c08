// The dialog in which a person searches all events, and opens what was found.
import {
  Refusal,
  searchEvents,
  type Calendar,
  type FoundEvents,
  type ShownEvent,
} from './dav-client.ts'
import { shown } from './dialog.ts'
import { button, element } from '../../../shared/web/page/element.ts'
import { whenOf } from './said.ts'

export type SearchActions = {
  /** Done when the event's own dialog is closed. */
  readonly open: (event: ShownEvent) => Promise<void>
  readonly showDay: (wallMs: number) => void
}

/** Shorter ones are in every event. */
const LEAST_CHARS = 2
const TYPING_MS = 250

export function searchDialog(
  calendars: readonly Calendar[],
  zone: string,
  actions: SearchActions,
): Promise<void> {
  return new Promise((resolve) => {
    const dialog = element('dialog', { className: 'wide', ariaLabel: 'Search' })
    const query = element('input', {
      type: 'search',
      ariaLabel: 'Words to look for',
      autofocus: true,
    })
    query.placeholder = 'Title, place, notes or people'
    const status = element('p', { className: 'faint', role: 'status' })
    const list = element('ul', { className: 'rows found' })
    let asked = ''
    const show = ({ events, more }: FoundEvents): void => {
      const hidden = more === 0 ? '' : `, and ${more} more: give another word`
      status.textContent = events.length === 0 ? 'Nothing found' : `${events.length} found${hidden}`
      list.replaceChildren(...events.map((event) => rowOf(event)))
    }
    const rowOf = (event: ShownEvent): HTMLElement => {
      const title = event.summary || 'Without a title'
      const open = button('', () => void actions.open(event).then(search), { className: 'event' })
      open.style.setProperty('--colour', event.calendar.color)
      open.append(
        element('strong', {}, title),
        element('span', {}, [whenOf(event), event.location].filter(Boolean).join(' · ')),
      )
      const go = (): void => {
        dialog.close()
        actions.showDay(event.start)
      }
      return element(
        'li',
        {},
        open,
        button('Show day', go, { ariaLabel: `Show the day of ${title}` }),
      )
    }
    const search = async (): Promise<void> => {
      const text = query.value.trim()
      asked = text
      if (text.length < LEAST_CHARS) {
        status.textContent = ''
        return list.replaceChildren()
      }
      try {
        const found = await searchEvents(text, calendars, zone)
        // Only the last that was asked for is shown.
        if (asked === text) show(found)
      } catch (fault) {
        const isOvertaken = fault instanceof Refusal && fault.status === 409
        if (asked === text && !isOvertaken)
          status.textContent = fault instanceof Error ? fault.message : String(fault)
      }
    }
    let timer: ReturnType<typeof setTimeout> | undefined
    query.oninput = () => {
      clearTimeout(timer)
      timer = setTimeout(() => void search(), TYPING_MS)
    }
    const form = element(
      'form',
      {
        role: 'search',
        onsubmit: (submit) => {
          submit.preventDefault()
          clearTimeout(timer)
          void search()
        },
      },
      element(
        'div',
        { className: 'row' },
        query,
        button('Close', () => dialog.close()),
      ),
      status,
      list,
    )
    dialog.append(form)
    shown(dialog, () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
