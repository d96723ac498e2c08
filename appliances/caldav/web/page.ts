// The web page: sign in, then the calendars of who has, with what a person does there sent to the server as CalDAV.
import { attach, detach } from './attachments-client.ts'
import type { AttachmentsChange } from './attachments-field.ts'
import {
  nextOf,
  rangeOf,
  titleOf,
  viewOf,
  type EventState,
  type ViewKind,
} from './calendar-view.ts'
import { changeEvent, excludeOccurrence, type EditContext } from './core/event-edit.ts'
import { ruleOf } from './core/instance.ts'
import { answerIn, roleIn, type Contact, type PeopleChange } from './core/people.ts'
import { formatNewEvent } from './core/new-event.ts'
import { DAY_MS, dayOf, wallOf } from './core/wall-time.ts'
import * as dav from './dav-client.ts'
import type { Calendar, Person, ShownEvent } from './dav-client.ts'
import { button, element, labelled } from '../../../shared/web/page/element.ts'
import { ContactsPage } from './contacts-page.ts'
import { showHistory } from './history-dialog.ts'
import { showVersions } from './versions-dialog.ts'
import { manageCalendars } from './calendars-dialog.ts'
import { searchDialog } from './search-dialog.ts'
import { setUpDialog } from './set-up-dialog.ts'
import { HiddenCalendars } from './hidden-calendars.ts'
import { askEvent, askScope, type EventFields, type Scope } from './event-dialog.ts'
import { invitationsDialog } from './invitations-dialog.ts'
import { busyTimes, invitationsIn, principalOf, users, type User } from './people-client.ts'

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone
const KINDS: readonly ViewKind[] = ['month', 'week', 'day', 'agenda']
const HOUR_MS = 3_600_000
const HISTORY_WORDS = {
  one: 'Calendar',
  many: 'Whole calendars',
  noneGone: 'No calendar was deleted',
}

void start()

async function start(): Promise<void> {
  const person = await dav.whoIsIn()
  if (person === undefined) showSignIn()
  else await new Page(person).show()
}

function showSignIn(why = ''): void {
  const user = element('input', { name: 'user', autocomplete: 'username', required: true })
  const password = element('input', { type: 'password', name: 'password', required: true })
  password.autocomplete = 'current-password'
  const message = element('p', { className: 'message', role: 'alert' }, why)
  const form = element(
    'form',
    { className: 'sign-in' },
    element('h1', {}, 'Calendar'),
    labelled('User', user),
    labelled('Password', password),
    element('button', { type: 'submit', className: 'primary' }, 'Sign in'),
    message,
    element(
      'p',
      {},
      'Calendar programs take the address of this page, the same user and password.',
    ),
  )
  form.onsubmit = (submit) => {
    submit.preventDefault()
    dav.signIn(user.value, password.value).then(
      (person) => new Page(person).show(),
      (refusal: dav.Refusal) => {
        message.textContent =
          refusal.status === 401 ? 'The user or the password is wrong' : refusal.message
      },
    )
  }
  document.body.replaceChildren(form)
  user.focus()
}

class Page {
  readonly #person: Person
  readonly #hidden: HiddenCalendars
  #calendars: Calendar[] = []
  #events: ShownEvent[] = []
  /** Who has signed in, to be invited. */
  #me: User
  #users: readonly User[] = []
  #invitations: readonly ShownEvent[] = []
  #kind: ViewKind = matchMedia('(max-width: 40rem)').matches ? 'agenda' : 'month'
  #at = dayOf(now())
  readonly #title = element('h1')
  readonly #boxes = element('div', { className: 'calendars' })
  readonly #message = element('p', { className: 'message', role: 'status' })
  readonly #main = element('main')
  readonly #inbox = button('', () => void this.#try(() => this.#showInvitations()))
  readonly #kinds = KINDS.map((kind) => button(capital(kind), () => this.#look(kind, this.#at)))

  constructor(person: Person) {
    this.#person = person
    this.#hidden = new HiddenCalendars(person.user)
    const address = principalOf(person.user)
    this.#me = { ...person, href: address, address, addresses: [address] }
    this.#inbox.hidden = true
  }

  async show(): Promise<void> {
    const bar = element(
      'header',
      { className: 'bar' },
      this.#title,
      labelledButton('‹', 'Earlier', () => this.#step(-1)),
      button('Today', () => this.#look(this.#kind, dayOf(now()))),
      labelledButton('›', 'Later', () => this.#step(1)),
      ...this.#kinds,
      this.#inbox,
      button('Search', () => void this.#try(() => this.#search()), { title: 'Search (/)' }),
      button('History', () => void this.#try(() => this.#history())),
      button('Contacts', () => this.#contacts()),
      button('New event', () => this.#create(this.#nextHour(), false), { className: 'primary' }),
      button('Devices', () => void this.#try(() => setUpDialog(this.#person)), {
        title: 'Set up phones and other programs',
      }),
      button('Sign out', () => void this.#signOut(), { title: this.#person.name }),
    )
    document.body.replaceChildren(bar, this.#boxes, this.#message, this.#main)
    document.onkeydown = (key) => this.#key(key)
    await this.#try(async () => {
      const { user } = this.#person
      const [calendars, known] = await Promise.all([dav.calendarsOf(user), users()])
      this.#calendars = calendars
      this.#users = known
      const own = calendars.find(({ isOwn }) => isOwn)?.owner
      this.#me = known.find(({ href }) => href === own) ?? this.#me
      this.#showCalendars()
      await Promise.all([this.#load(), this.#lookForInvitations()])
    })
  }

  /** Somebody may have invited meanwhile. */
  async #refresh(): Promise<void> {
    await Promise.all([this.#load(), this.#lookForInvitations()])
  }

  async #lookForInvitations(): Promise<readonly ShownEvent[]> {
    const own = this.#calendars.filter(({ isOwn, isWritable }) => isOwn && isWritable)
    this.#invitations = await invitationsIn(own, this.#me.addresses, context())
    const { length } = this.#invitations
    this.#inbox.hidden = length === 0
    this.#inbox.textContent = length === 1 ? '1 invitation' : `${length} invitations`
    return this.#invitations
  }

  async #showInvitations(): Promise<void> {
    await invitationsDialog(this.#invitations, {
      answer: async (event, answer) => {
        const { text, etag } = await dav.getObject(event.href)
        const changes = { answer: { addresses: this.#me.addresses, answer } }
        await this.#put(event.href, changeEvent(text, undefined, changes, context()), etag)
      },
      waiting: async () => {
        await this.#refresh()
        return this.#invitations
      },
      showDay: (wallMs) => this.#look('day', dayOf(wallMs)),
    })
  }

  #stateOf(event: ShownEvent): EventState | undefined {
    if (event.isCancelled) return 'cancelled'
    const { isOwn, isWritable } = event.calendar
    if (!isOwn || !isWritable || roleIn(event.people, this.#me.addresses) !== 'attendee')
      return undefined
    const answer = answerIn(event.people, this.#me.addresses)
    return answer === 'NEEDS-ACTION' ? 'waiting' : answer === 'DECLINED' ? 'declined' : undefined
  }

  #showCalendars(): void {
    this.#boxes.replaceChildren(
      ...this.#calendars.map(({ href, name, color }) => {
        const box = element('input', { type: 'checkbox', checked: !this.#hidden.has(href) })
        box.onchange = () => {
          this.#hidden.set(href, !box.checked)
          this.#render()
        }
        const dot = element('span', { className: 'dot' })
        dot.style.background = color
        return element('label', { className: 'check' }, box, dot, name)
      }),
      button('Manage calendars', () => void this.#try(() => this.#manage())),
    )
  }

  async #history(): Promise<void> {
    const { user } = this.#person
    const isChanged = await showHistory({
      collections: this.#calendars,
      home: `${dav.BASE}calendars/${encodeURIComponent(user)}/`,
      zone: ZONE,
      words: HISTORY_WORDS,
    })
    if (!isChanged) return
    this.#calendars = await dav.calendarsOf(user)
    this.#showCalendars()
    await this.#load()
  }

  #contacts(): void {
    const signedOut = (): void => {
      document.onkeydown = null
      showSignIn('Sign in again, please')
    }
    const contacts = new ContactsPage(this.#person.user, ZONE, () => void this.show(), signedOut)
    void contacts.show()
  }

  async #search(): Promise<void> {
    await searchDialog(this.#calendars, ZONE, {
      open: (event) => this.#try(() => this.#open(event)),
      showDay: (wallMs) => this.#look('day', dayOf(wallMs)),
    })
  }

  async #manage(): Promise<void> {
    await manageCalendars(this.#person, this.#calendars, async () => {
      this.#calendars = await dav.calendarsOf(this.#person.user)
      this.#showCalendars()
      await this.#load()
      return this.#calendars
    })
  }

  #look(kind: ViewKind, at: number): void {
    this.#kind = kind
    this.#at = at
    void this.#try(() => this.#load())
  }

  #step(direction: 1 | -1): void {
    this.#look(this.#kind, nextOf(this.#kind, this.#at, direction))
  }

  async #load(): Promise<void> {
    const asked = rangeOf(this.#kind, this.#at)
    const lists = await Promise.all(
      this.#calendars.map((calendar) => dav.eventsIn(calendar, asked, ZONE)),
    )
    // Only the last that was asked for is shown.
    const wanted = rangeOf(this.#kind, this.#at)
    if (wanted.start !== asked.start || wanted.end !== asked.end) return
    this.#events = lists.flat()
    this.#render()
  }

  #render(): void {
    this.#title.textContent = titleOf(this.#kind, this.#at)
    for (const [i, each] of this.#kinds.entries())
      each.setAttribute('aria-pressed', String(KINDS[i] === this.#kind))
    const shown = this.#events.filter(({ calendar }) => !this.#hidden.has(calendar.href))
    const top = this.#main.scrollTop
    const view = viewOf(this.#kind, this.#at, shown, now(), {
      open: (event) => void this.#try(() => this.#open(event)),
      create: (wallMs, isAllDay) => this.#create(wallMs, isAllDay),
      move: (event, byMs) => void this.#try(() => this.#move(event, byMs)),
      showDay: (wallMs) => this.#look('day', wallMs),
      stateOf: (event) => this.#stateOf(event),
    })
    const isNew = this.#main.firstElementChild?.className !== view.className
    this.#main.replaceChildren(view)
    const isHours = view.className === 'week'
    this.#main.scrollTop = isNew && isHours ? (view.scrollHeight * 7) / 24 : top
  }

  #create(wallMs: number, isAllDay: boolean): void {
    const writable = this.#calendars.filter(({ isWritable }) => isWritable)
    if (writable.length === 0) return this.#say('There is no calendar to write to')
    const end = wallMs + (isAllDay ? DAY_MS : HOUR_MS)
    const empty: EventFields = {
      summary: '',
      location: '',
      description: '',
      rule: '',
      times: { start: wallMs, end, isAllDay },
    }
    void this.#try(async () => {
      const uid = crypto.randomUUID()
      const nobody = { organizer: undefined, attendees: [] }
      const isNew = { isNew: true, isOccurrence: false, isWritable: true }
      const answer = await askEvent(
        empty,
        writable,
        { ...isNew, people: nobody, attached: [], role: 'organizer' },
        this.#peopleContext(uid),
      )
      if (answer?.kind !== 'save') return
      const made = formatNewEvent({ uid, ...answer.fields }, context())
      const people = changeOfPeople(answer.people, this.#ownerIn(answer.calendar))
      const text = people === undefined ? made : changeEvent(made, undefined, { people }, context())
      const href = `${answer.calendar}${uid}.ics`
      await this.#put(href, text, undefined)
      await changeFiles(href, answer.files, undefined)
      await this.#load()
    })
  }

  async #open(event: ShownEvent): Promise<void> {
    const scope = await scopeOf(event)
    if (scope === undefined) return
    const occurrence = scope === 'occurrence' ? event.occurrence : undefined
    const { text, etag } = await dav.getObject(event.href)
    const { start, end, isAllDay, summary, location, description, people, attached } = event
    const times = { start, end, isAllDay }
    const fields = { summary, location, description, rule: ruleOf(text), times }
    const { isWritable } = event.calendar
    const owner = this.#ownerIn(event.calendar.href)
    const role = roleIn(people, owner.addresses)
    const isOccurrence = occurrence !== undefined
    const answer = await askEvent(
      fields,
      [event.calendar],
      { isNew: false, isOccurrence, isWritable, people, attached, role },
      this.#peopleContext(event.uid),
    )
    if (answer === undefined) return
    if (answer.kind === 'history') {
      if (!(await showVersions(event.href, event.summary, isWritable))) return
    } else if (answer.kind === 'delete') {
      const rest =
        occurrence === undefined ? undefined : excludeOccurrence(text, occurrence, context())
      if (rest === undefined) await dav.deleteObject(event.href, etag)
      else await dav.putObject(event.href, rest, etag)
    } else if (answer.kind === 'answer') {
      const changes = { answer: { addresses: owner.addresses, answer: answer.answer } }
      await this.#put(event.href, changeEvent(text, occurrence, changes, context()), etag)
    } else {
      const { rule, times: to, ...texts } = answer.fields
      const invited = changeOfPeople(answer.people, owner)
      const isRule = occurrence === undefined && rule !== fields.rule
      const changes = {
        ...changedTexts(fields, texts),
        ...(isRule && { rule }),
        ...(invited && { people: invited }),
      }
      const changed = changeEvent(
        text,
        occurrence,
        { ...changes, times: { from: times, to } },
        context(),
      )
      await this.#put(event.href, changed, etag)
      if (changed !== undefined) await changeFiles(event.href, answer.files, occurrence)
    }
    await this.#refresh()
  }

  #peopleContext(uid: string): Parameters<typeof askEvent>[3] {
    return {
      users: this.#users,
      ownerOf: (calendar) => this.#ownerIn(calendar),
      busy: async (attendees, range) => {
        const question = { uid, organizer: this.#me.address, attendees, range }
        return await busyTimes(this.#person.user, question, context())
      },
    }
  }

  /** Whose a calendar is. */
  #ownerIn(calendar: string): User {
    const owner = this.#calendars.find(({ href }) => href === calendar)?.owner ?? ''
    const known = this.#users.find(({ href }) => href === owner)
    return known ?? { href: owner, name: owner, address: owner, addresses: [owner] }
  }

  async #move(event: ShownEvent, byMs: number): Promise<void> {
    const owner = this.#ownerIn(event.calendar.href)
    if (roleIn(event.people, owner.addresses) === 'attendee')
      throw new Error(`Only ${event.people.organizer?.name ?? 'who invites'} moves this event`)
    const scope = await scopeOf(event)
    if (scope === undefined) return
    const { text, etag } = await dav.getObject(event.href)
    const { start, end, isAllDay } = event
    const to = { start: start + byMs, end: end + byMs, isAllDay }
    const changes = { times: { from: { start, end, isAllDay }, to } }
    const occurrence = scope === 'occurrence' ? event.occurrence : undefined
    await this.#put(event.href, changeEvent(text, occurrence, changes, context()), etag)
    await this.#load()
  }

  async #put(href: string, text: string | undefined, etag: string | undefined): Promise<void> {
    if (text === undefined)
      return this.#say('The rule of this event names its days: change only this one')
    await dav.putObject(href, text, etag)
  }

  async #signOut(): Promise<void> {
    await this.#try(async () => {
      await dav.signOut()
      document.onkeydown = null
      showSignIn()
    })
  }

  /** Without a modifier and outside of fields. */
  #key(key: KeyboardEvent): void {
    const isTyping = (key.target as Element).closest('input, select, textarea, dialog') !== null
    if (isTyping || key.ctrlKey || key.metaKey || key.altKey) return
    const kind = KINDS.find((each) => each.startsWith(key.key))
    if (kind !== undefined && key.key.length === 1) this.#look(kind, this.#at)
    else if (key.key === 't') this.#look(this.#kind, dayOf(now()))
    else if (key.key === 'ArrowLeft') this.#step(-1)
    else if (key.key === 'ArrowRight') this.#step(1)
    else if (key.key === 'n' || key.key === '/') {
      key.preventDefault()
      if (key.key === 'n') this.#create(this.#nextHour(), false)
      else void this.#try(() => this.#search())
    }
  }

  #nextHour(): number {
    const day = this.#at
    const hour = Math.min(23, Math.floor((now() % DAY_MS) / HOUR_MS) + 1)
    return day + hour * HOUR_MS
  }

  #say(text: string): void {
    this.#message.textContent = text
  }

  /** What goes wrong is said, and what is there is shown again. */
  async #try(run: () => Promise<void>): Promise<void> {
    this.#say('')
    try {
      await run()
    } catch (fault) {
      if (fault instanceof dav.Refusal && fault.status === 401)
        return showSignIn('Sign in again, please')
      this.#say(fault instanceof Error ? fault.message : String(fault))
    }
  }
}

async function scopeOf(event: ShownEvent): Promise<Scope | undefined> {
  return event.occurrence === undefined ? 'series' : await askScope()
}

async function changeFiles(
  href: string,
  { added, removed }: AttachmentsChange,
  occurrence: string | undefined,
): Promise<void> {
  for (const id of removed) await detach(href, id, occurrence)
  for (const file of added) await attach(href, file, occurrence)
}

/** Undefined when nobody comes or goes. */
function changeOfPeople(
  change: { readonly added: readonly Contact[]; readonly removed: readonly string[] },
  organizer: User,
): PeopleChange | undefined {
  const isNone = change.added.length === 0 && change.removed.length === 0
  return isNone ? undefined : { ...change, organizer }
}

/** Only what is different: an untouched text keeps how it was written. */
function changedTexts<T extends { readonly [key: string]: string }>(
  before: { readonly [key in keyof T]: string },
  after: T,
): Partial<T> {
  return Object.fromEntries(
    Object.entries(after).filter(([key, text]) => before[key] !== text),
  ) as Partial<T>
}

function labelledButton(text: string, label: string, onclick: () => void): HTMLButtonElement {
  return button(text, onclick, { ariaLabel: label, title: label })
}

function context(): EditContext {
  return { zone: ZONE, nowMs: Date.now() }
}

function now(): number {
  return wallOf(Date.now(), ZONE)
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1)
}
