// The dialog with invitations that wait for an answer.
import type { Answer } from './core/people.ts'
import type { ShownEvent } from './dav-client.ts'
import { shown } from './dialog.ts'
import { button, element } from '../../../shared/web/page/element.ts'
import { messageLine, told } from './message.ts'
import { whenOf } from './said.ts'

export type InvitationActions = {
  readonly answer: (event: ShownEvent, answer: Answer) => Promise<void>
  /** Those that are left. */
  readonly waiting: () => Promise<readonly ShownEvent[]>
  readonly showDay: (wallMs: number) => void
}

/** Until it is closed; `invitations` are those that wait now. */
export function invitationsDialog(
  invitations: readonly ShownEvent[],
  { answer, waiting, showDay }: InvitationActions,
): Promise<void> {
  const list = element('ul', { className: 'rows' })
  const message = messageLine()
  return new Promise((resolve) => {
    const dialog = element('dialog', { className: 'wide', ariaLabel: 'Invitations' })
    const rowOf = (event: ShownEvent): HTMLElement => {
      const title = event.summary || 'Without a title'
      const say = (given: Answer): void =>
        void told(message, async () => {
          await answer(event, given)
          render(await waiting())
        })
      const go = (): void => {
        dialog.close()
        showDay(event.start)
      }
      const about = [
        whenOf(event),
        event.location,
        `from ${event.people.organizer?.name ?? 'somebody'}`,
      ]
      return element(
        'li',
        {},
        element(
          'span',
          { className: 'grow' },
          element('strong', {}, title),
          element('br'),
          element('span', { className: 'faint' }, about.filter(Boolean).join(' · ')),
        ),
        ...answerButtons(say, title),
        button('Show day', go, { ariaLabel: `Show the day of ${title}` }),
      )
    }
    const none = element('li', { className: 'faint' }, 'All are answered.')
    const render = (left: readonly ShownEvent[]): void =>
      list.replaceChildren(...(left.length === 0 ? [none] : left.map(rowOf)))
    render(invitations)
    dialog.append(
      element('h2', {}, 'Invitations'),
      list,
      message,
      element(
        'div',
        { className: 'row' },
        button('Done', () => dialog.close(), { className: 'end' }),
      ),
    )
    shown(dialog, resolve)
  })
}

/** `now` is the one that was given. */
export function answerButtons(
  say: (answer: Answer) => void,
  title: string,
  now?: Answer,
): HTMLElement[] {
  return CHOICES.map(([answer, word]) => {
    const made = button(word, () => say(answer), { ariaLabel: `${word}: ${title}` })
    if (now !== undefined) made.setAttribute('aria-pressed', String(answer === now))
    return made
  })
}

const CHOICES = [
  ['ACCEPTED', 'Accept'],
  ['TENTATIVE', 'Maybe'],
  ['DECLINED', 'Decline'],
] as const
