// The history of a calendar or an address book: who changed what, what was deleted and can come back, and a return of the whole to an earlier
// time after a look at what that would change.
import { formatMinute, wallOf } from './core/wall-time.ts'
import { button, element, labelled } from '../../../shared/web/page/element.ts'
import { shown } from './dialog.ts'
import {
  changesIn,
  deletedIn,
  previewOf,
  restore,
  type CollectionChange,
  type Deleted,
  type ObjectChange,
} from './history-client.ts'
import { pagedList, timeText } from './paged-list.ts'

type Tab = 'changes' | 'deleted' | 'return'

type Collection = { readonly href: string; readonly name: string; readonly isWritable: boolean }

type About = {
  readonly collections: readonly Collection[]
  /** Where those that were deleted are looked for. */
  readonly home: string
  readonly zone: string
  readonly words: { readonly one: string; readonly many: string; readonly noneGone: string }
}

/** True when something was brought back. */
export async function showHistory(about: About): Promise<boolean> {
  return await new HistoryDialog(about).ended
}

class HistoryDialog {
  readonly ended: Promise<boolean>
  readonly #about: About
  readonly #dialog = element('dialog', { className: 'wide' })
  readonly #message = element('p', { className: 'message', role: 'alert' })
  readonly #body = element('div')
  readonly #choice: HTMLSelectElement
  readonly #tabs: readonly (readonly [Tab, HTMLButtonElement])[]
  #isChanged = false

  constructor(about: About) {
    this.#about = about
    this.#choice = element(
      'select',
      { onchange: () => this.#look('changes') },
      ...about.collections.map(({ name, href }) => element('option', { value: href }, name)),
    )
    const tab = (kind: Tab, text: string): readonly [Tab, HTMLButtonElement] => [
      kind,
      button(text, () => this.#look(kind)),
    ]
    this.#tabs = [
      tab('changes', 'Changes'),
      tab('deleted', 'Deleted'),
      tab('return', 'Go back to a time'),
    ]
    this.#dialog.setAttribute('aria-label', 'History')
    this.#dialog.append(
      element('h2', {}, 'History'),
      labelled(about.words.one, this.#choice),
      element('div', { className: 'row' }, ...this.#tabs.map(([, each]) => each)),
      this.#message,
      this.#body,
      element(
        'div',
        { className: 'row' },
        button('Close', () => this.#dialog.close(), { className: 'end' }),
      ),
    )
    this.ended = new Promise((resolve) => shown(this.#dialog, () => resolve(this.#isChanged)))
    this.#look('changes')
  }

  get #chosen(): Collection | undefined {
    return this.#about.collections.find(({ href }) => href === this.#choice.value)
  }

  #look(kind: Tab): void {
    this.#message.textContent = ''
    for (const [tab, each] of this.#tabs) each.setAttribute('aria-pressed', String(tab === kind))
    const collection = this.#chosen
    const parts: HTMLElement[] = []
    if (collection !== undefined && kind === 'changes') parts.push(this.#changes(collection))
    if (collection !== undefined && kind === 'return') parts.push(this.#time(collection))
    if (kind === 'deleted') {
      if (collection !== undefined) parts.push(this.#deleted(collection))
      parts.push(this.#deletedCollections())
    }
    this.#body.replaceChildren(...parts)
  }

  #changes(collection: Collection): HTMLElement {
    const row = (change: CollectionChange): HTMLElement => {
      const left = change.count - change.changes.length
      const state = { version: change.commit }
      return element(
        'li',
        {},
        element('p', {}, element('strong', {}, timeText(change.seconds)), ` ${change.author}`),
        ...(change.isSettings ? [element('p', {}, 'Settings changed')] : []),
        ...change.changes.map(changeLine),
        ...(left > 0 ? [element('p', {}, `and ${left} more`)] : []),
        ...(collection.isWritable
          ? [button('Go back to this…', () => void this.#preview(collection, state))]
          : []),
      )
    }
    const nothing = 'Nothing was changed yet'
    return pagedList((more) => changesIn(collection.href, more), row, nothing)
  }

  #deleted(collection: Collection): HTMLElement {
    const row = (gone: Deleted): HTMLElement =>
      this.#goneRow(gone, collection.isWritable, () =>
        this.#bring(`${collection.href}${encodeURIComponent(gone.name)}`, gone.version, true),
      )
    const nothing = 'Nothing that was deleted is missing'
    return element(
      'section',
      {},
      element('h3', {}, `From ${collection.name}`),
      pagedList((more) => deletedIn(collection.href, more), row, nothing),
    )
  }

  #deletedCollections(): HTMLElement {
    const row = (gone: Deleted): HTMLElement =>
      this.#goneRow(gone, true, () =>
        this.#bring(`${this.#about.home}${encodeURIComponent(gone.name)}/`, gone.version, false),
      )
    return element(
      'section',
      {},
      element('h3', {}, this.#about.words.many),
      pagedList((more) => deletedIn(this.#about.home, more), row, this.#about.words.noneGone),
    )
  }

  #goneRow(gone: Deleted, isWritable: boolean, bring: () => Promise<boolean>): HTMLElement {
    const line = element(
      'li',
      {},
      element('p', {}, element('strong', {}, gone.title || gone.name)),
      element('p', {}, `Deleted ${timeText(gone.seconds)} by ${gone.author}`),
    )
    const again = button('Restore', () => {
      again.disabled = true
      void bring().then((isBack) => {
        again.disabled = false
        if (isBack) again.replaceWith(element('p', { role: 'status' }, 'It is back'))
      })
    })
    if (isWritable) line.append(again)
    return line
  }

  async #bring(href: string, version: string, isObject: boolean): Promise<boolean> {
    return await this.#try(async () => {
      await restore(href, { version }, isObject ? { 'if-none-match': '*' } : {})
      this.#isChanged = true
    })
  }

  #time(collection: Collection): HTMLElement {
    const time = element('input', {
      type: 'datetime-local',
      required: true,
      value: formatMinute(wallOf(Date.now(), this.#about.zone)),
    })
    const form = element(
      'form',
      {
        className: 'row',
        onsubmit: (submit) => {
          submit.preventDefault()
          // The last second of that minute: what was done in it is in.
          const seconds = Math.floor(new Date(time.value).getTime() / 1000) + 59
          void this.#preview(collection, { to: String(seconds) })
        },
      },
      labelled('As it was at', time),
      element('button', { type: 'submit', className: 'primary' }, 'What would change?'),
    )
    const note = element('p', {}, 'Nothing is changed before you have seen what that would be.')
    return element('section', {}, form, note)
  }

  async #preview(
    collection: Collection,
    state: { readonly version: string } | { readonly to: string },
  ): Promise<void> {
    await this.#try(async () => {
      const preview = await previewOf(collection.href, state)
      const { version, tree, counts, changes, count } = preview
      const back = async (): Promise<void> => {
        const isBack = await this.#try(async () => {
          await restore(collection.href, { version, ...(tree !== undefined && { tree }) })
          this.#isChanged = true
        })
        if (isBack) this.#look('changes')
      }
      const left = count - changes.length
      const when = timeText(preview.seconds)
      const confirm = button(`Restore ${collection.name}`, () => void back(), {
        className: 'primary',
      })
      const cancel = button(count === 0 ? 'Back' : 'Leave it as it is', () => this.#look('changes'))
      this.#body.replaceChildren(
        element(
          'section',
          { className: 'preview' },
          element('h3', {}, `${collection.name} as of ${when}`),
          element(
            'p',
            {},
            count === 0
              ? 'It is as it was then: nothing would change.'
              : `This would change: ${counts}. What is taken away stays in the history. Invited people are not told.`,
          ),
          element('ul', {}, ...changes.map((change) => element('li', {}, returnText(change)))),
          ...(left > 0 ? [element('p', {}, `and ${left} more`)] : []),
          element('div', { className: 'row' }, ...(count === 0 ? [] : [confirm]), cancel),
        ),
      )
      cancel.focus()
    })
  }

  async #try(run: () => Promise<void>): Promise<boolean> {
    this.#message.textContent = ''
    try {
      await run()
      return true
    } catch (fault) {
      this.#message.textContent = fault instanceof Error ? fault.message : String(fault)
      return false
    }
  }
}

function changeLine({ kind, title, name, what }: ObjectChange): HTMLElement {
  const verb = { added: 'Added', changed: 'Changed', removed: 'Deleted' }[kind]
  const words = what.length === 0 ? '' : `: ${what.join('; ')}`
  return element('p', {}, `${verb} “${title || name}”${words}`)
}

function returnText({ kind, title, name, what }: ObjectChange): string {
  const verb = { added: 'Comes back', changed: 'Changes', removed: 'Is taken away' }[kind]
  const words = what.length === 0 ? '' : ` (${what.join('; ')})`
  return `${verb}: “${title || name}”${words}`
}
