// Contacts: the cards of all address books, found by typing, looked at, made, changed and deleted.
import { askContact, showContact } from './contact-dialog.ts'
import { bookHome, booksOf, contactsIn, type Book, type Contact } from './contacts-client.ts'
import { changeCard, formatCard, readCard } from './core/card.ts'
import { deleteObject, getObject, putObject, Refusal } from './dav-client.ts'
import { button, element, labelled } from '../../../shared/web/page/element.ts'
import { showHistory } from './history-dialog.ts'
import { showVersions } from './versions-dialog.ts'

/** More are found by typing. */
const SHOWN_LIMIT = 200

export class ContactsPage {
  readonly #user: string
  readonly #zone: string
  readonly #leave: () => void
  readonly #signedOut: () => void
  #books: readonly Book[] = []
  #contacts: readonly Contact[] = []
  readonly #search = element('input', { type: 'search', oninput: () => this.#render() })
  readonly #choice = element('select', { onchange: () => this.#render() })
  readonly #create = button('New contact', () => void this.#try(() => this.#make()), {
    className: 'primary',
  })
  readonly #message = element('p', { className: 'message', role: 'status' })
  readonly #main = element('main')

  /** `leave`: back to where it was opened; `signedOut`: the session is over. */
  constructor(user: string, zone: string, leave: () => void, signedOut: () => void) {
    this.#user = user
    this.#zone = zone
    this.#leave = leave
    this.#signedOut = signedOut
  }

  async show(): Promise<void> {
    const bar = element(
      'header',
      { className: 'bar' },
      element('h1', {}, 'Contacts'),
      button('Calendar', this.#leave),
      button('History', () => void this.#try(() => this.#history())),
      this.#create,
    )
    const finding = element(
      'div',
      { className: 'finding row' },
      labelled('Search', this.#search),
      labelled('Address book', this.#choice),
    )
    document.body.replaceChildren(bar, finding, this.#message, this.#main)
    document.onkeydown = (key) => this.#key(key)
    await this.#try(() => this.#load())
    this.#search.focus()
  }

  async #load(): Promise<void> {
    this.#books = await booksOf(this.#user)
    const chosen = this.#choice.value
    this.#choice.replaceChildren(
      element('option', { value: '' }, 'All'),
      ...this.#books.map(({ href, name }) => element('option', { value: href }, name)),
    )
    this.#choice.value = this.#books.some(({ href }) => href === chosen) ? chosen : ''
    this.#create.disabled = !this.#books.some(({ isWritable }) => isWritable)
    const lists = await Promise.all(this.#books.map(contactsIn))
    this.#contacts = lists.flat().sort((a, b) => a.name.localeCompare(b.name))
    this.#render()
  }

  #render(): void {
    const words = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean)
    const found = this.#contacts.filter(
      (contact) =>
        (this.#choice.value === '' || contact.book.href === this.#choice.value) &&
        words.every((word) => textOf(contact).includes(word)),
    )
    const left = found.length - SHOWN_LIMIT
    this.#main.replaceChildren(
      element(
        'div',
        { className: 'contacts' },
        ...(found.length === 0
          ? [element('p', {}, words.length === 0 ? 'There is no contact yet' : 'Nobody is found')]
          : []),
        element('ul', {}, ...found.slice(0, SHOWN_LIMIT).map((contact) => this.#row(contact))),
        ...(left > 0 ? [element('p', {}, `and ${left} more: type more of a name`)] : []),
      ),
    )
  }

  #row(contact: Contact): HTMLElement {
    const { name, card } = contact
    const reached = [card.mails[0]?.value, card.phones[0]?.value].filter(Boolean).join(' · ')
    const open = button('', () => void this.#try(() => this.#open(contact)), {
      className: 'contact',
    })
    open.append(
      element('span', { className: 'name' }, name || 'Without a name'),
      element('span', { className: 'reach' }, reached),
    )
    return element('li', {}, open)
  }

  async #open({ href, name, book }: Contact): Promise<void> {
    const { text, etag } = await getObject(href)
    const { card } = readCard(text)
    const answer = await showContact(name, card, book.isWritable)
    if (answer === 'edit') {
      const asked = await askContact(card, [book])
      if (asked === undefined) return
      const changed = changeCard(text, asked.card, Date.now())
      if (changed === text) return
      await putObject(href, changed, etag, CARD_TYPE)
      await this.#load()
    } else if (answer === 'delete') {
      await deleteObject(href, etag)
      await this.#load()
      this.#undo(name, async () => {
        await putObject(href, text, undefined, CARD_TYPE)
        await this.#load()
      })
    } else if (answer === 'history') {
      if (await showVersions(href, name, book.isWritable)) await this.#load()
    }
  }

  async #make(): Promise<void> {
    const writable = this.#books.filter(({ isWritable }) => isWritable)
    const chosen = writable.filter(({ href }) => href === this.#choice.value)
    const asked = await askContact(undefined, chosen.length > 0 ? chosen : writable)
    if (asked === undefined) return
    const uid = crypto.randomUUID()
    const text = formatCard(asked.card, uid, Date.now())
    await putObject(`${asked.book}${uid}.vcf`, text, undefined, CARD_TYPE)
    await this.#load()
  }

  async #history(): Promise<void> {
    const about = {
      collections: this.#books,
      home: bookHome(this.#user),
      zone: this.#zone,
      words: BOOK_WORDS,
    }
    if (await showHistory(about)) await this.#load()
  }

  #undo(name: string, run: () => Promise<void>): void {
    const undo = button('Undo', () => void this.#try(run))
    this.#message.replaceChildren(`${name} was deleted `, undo)
    undo.focus()
  }

  /** Outside of fields. */
  #key(key: KeyboardEvent): void {
    const isTyping = (key.target as Element).closest('input, select, textarea, dialog') !== null
    if (isTyping || key.ctrlKey || key.metaKey || key.altKey) return
    if (key.key === '/') {
      key.preventDefault()
      this.#search.focus()
    } else if (key.key === 'n' && !this.#create.disabled) {
      key.preventDefault()
      void this.#try(() => this.#make())
    }
  }

  async #try(run: () => Promise<void>): Promise<void> {
    this.#message.textContent = ''
    try {
      await run()
    } catch (fault) {
      if (fault instanceof Refusal && fault.status === 401) return this.#signedOut()
      this.#message.textContent = fault instanceof Error ? fault.message : String(fault)
    }
  }
}

function textOf({ name, card }: Contact): string {
  const reached = [...card.phones, ...card.mails].map(({ value }) => value)
  return [name, card.company, card.notes, ...reached].join(' ').toLowerCase()
}

const CARD_TYPE = 'text/vcard; charset=utf-8'
const BOOK_WORDS = {
  one: 'Address book',
  many: 'Whole address books',
  noneGone: 'No address book was deleted',
}
