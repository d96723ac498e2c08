// MKCOL, plain and extended (RFC 4918 §9.3, RFC 5689), and MKCALENDAR (RFC 4791 §5.3.1): a folder of plain files, a
// calendar or an address book is made with its properties, or nothing is.
import {
  attributeOf,
  childrenNamed,
  childNamed,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import { readXml } from '../../../../shared/xml/read.ts'
import { AREA_OF } from '../library/collection.ts'
import { COMPONENTS, SETTINGS_FILES, type CollectionKind } from '../library/settings.ts'
import { SettingsEdit } from '../library/settings-edit.ts'
import { textReply, type Reply } from '../request.ts'
import { mayWrite, resolve, type Resource } from '../resource/resource.ts'
import { errorReply, xmlReply } from '../xml/multistatus.ts'
import { CALDAV, CARDDAV, DAV, propertyName } from '../xml/names.ts'
import { fileNameOf } from '../xml/path.ts'
import { NOUNS } from './delete.ts'
import { checkLocks, checkPreconditions } from './preconditions.ts'
import { propstats } from './proppatch.ts'
import { readChanges, refusalOf, type PropertyChange, type Refusal } from './property-update.ts'
import { needPrivileges, type WriteOutcome, type WriteRequest } from './written.ts'

/** What a request wants to be made; undefined properties when the body is none of the method's. */
type Wish = {
  readonly kind: CollectionKind
  readonly changes: readonly PropertyChange[]
  readonly answer: 'mkcol-response' | 'mkcalendar-response'
}

/** In one home, so that it stays a list that clients can show. */
export const COLLECTIONS_LIMIT = 1_000

export function makeCalendar(write: WriteRequest): WriteOutcome {
  const { body } = write.request
  if (body.length === 0)
    return make(write, { kind: 'calendar', changes: [], answer: 'mkcalendar-response' })
  const read = readXml(body)
  const changes = read.ok ? readChanges(read.value, CALDAV, 'mkcalendar') : undefined
  if (changes === undefined) return textReply(400, 'Expected a mkcalendar element of CalDAV')
  return make(write, { kind: 'calendar', changes, answer: 'mkcalendar-response' })
}

export function makeCollection(write: WriteRequest): WriteOutcome {
  const { request } = write
  if (request.body.length === 0)
    return make(write, { kind: 'folder', changes: [], answer: 'mkcol-response' })
  const type = request.header('content-type') ?? 'application/xml'
  if (!/^(application|text)\/xml\b/i.test(type))
    return textReply(415, 'The body of MKCOL is XML (RFC 5689)')
  const read = readXml(request.body)
  const changes = read.ok ? readChanges(read.value, DAV, 'mkcol') : undefined
  if (changes === undefined) return textReply(400, 'Expected a mkcol element of DAV:')
  const types = changes.find(({ name }) => name === RESOURCE_TYPE)?.element
  const kind = types === undefined ? 'folder' : kindOf(types)
  if (kind === undefined) return errorReply(403, '<d:valid-resourcetype/>')
  return make(write, { kind, changes, answer: 'mkcol-response' })
}

function make(write: WriteRequest, wish: Wish): WriteOutcome {
  const { request, path, view, edit } = write
  const resource = resolve(path, view)
  if (resource !== undefined)
    return wish.answer === 'mkcol-response'
      ? textReply(405, 'Something is here already', { allow: 'OPTIONS, PROPFIND' })
      : errorReply(403, '<d:resource-must-be-null/>', 'Something is here already')
  const parent = resolve(path.slice(0, -1), view)
  if (parent === undefined) return textReply(409, 'There is no collection to make it in')
  const place = placeFor(wish.kind, parent)
  if (place === undefined)
    return wish.kind === 'calendar'
      ? errorReply(
          403,
          '<cal:calendar-collection-location-ok/>',
          'Calendars are made in /calendars/<user>/',
        )
      : errorReply(403, '<d:valid-resourcetype/>', PLACES)
  if (!place.isWritable) return needPrivileges('<d:bind/>', 'Only to look at')
  const allowed = checkPreconditions(request, path, undefined, view)
  if ('status' in allowed) return allowed
  const isLocked = checkLocks([{ path }, { path: parent.path }], allowed.tokens, view)
  if (isLocked !== undefined) return isLocked
  const name = path.at(-1)!
  const file = fileNameOf(name, SETTINGS_FILES[wish.kind])
  if (file === undefined || RESERVED.has(name))
    return errorReply(403, '<d:name-allowed/>', 'This name is not free')
  if (view.library.collectionsIn(place.folder).length >= COLLECTIONS_LIMIT)
    return textReply(507, `At most ${COLLECTIONS_LIMIT} in one place`)
  const refusals = wish.changes.map((change) => refusalAtBirth(change, wish.kind))
  if (refusals.some((each) => each !== undefined)) return refused(wish, refusals)
  const settings = new SettingsEdit(wish.kind, '')
  for (const change of wish.changes) set(settings, change)
  edit.set(`${place.folder}/${file}/${SETTINGS_FILES[wish.kind]}`, settings.text)
  return {
    kind: 'written',
    message: `make the ${NOUNS[wish.kind]} ${name}`,
    reply: () => ({ status: 201, headers: { 'cache-control': 'no-cache' } }),
  }
}

const RESOURCE_TYPE = propertyName(DAV, 'resourcetype')
const COMPONENT_SET = propertyName(CALDAV, 'supported-calendar-component-set')
/** Kept free for scheduling and what clients look for beside calendars. */
const RESERVED = new Set(['inbox', 'outbox', 'notifications', 'dropbox'])
const PLACES =
  'Calendars are in /calendars/<user>/, address books in /addressbooks/<user>/, folders in /files/<user>/'

function placeFor(
  kind: CollectionKind,
  parent: Resource,
): { readonly folder: string; readonly isWritable: boolean } | undefined {
  if (parent.kind === 'home' && parent.holds === kind)
    return { folder: `${AREA_OF[kind]}/${parent.owner}`, isWritable: mayWrite(parent.rights) }
  if (parent.kind !== 'collection' || parent.collection.kind !== 'folder' || kind !== 'folder')
    return undefined
  return { folder: parent.collection.path, isWritable: mayWrite(parent.rights) }
}

/** `d:collection` with what makes it a calendar or an address book. */
function kindOf(types: XmlElement): CollectionKind | undefined {
  const isCalendar = childNamed(types, CALDAV, 'calendar') !== undefined
  const isBook = childNamed(types, CARDDAV, 'addressbook') !== undefined
  if (childNamed(types, DAV, 'collection') === undefined || (isCalendar && isBook)) return undefined
  const known = 1 + Number(isCalendar) + Number(isBook)
  const all = types.children.filter((child) => typeof child !== 'string').length
  if (known !== all) return undefined
  return isCalendar ? 'calendar' : isBook ? 'addressbook' : 'folder'
}

/** The kind and the components of a calendar are said when it is made, and never again. */
function refusalAtBirth(change: PropertyChange, kind: CollectionKind): Refusal | undefined {
  if (change.element === undefined) return { status: 409 }
  if (change.name === RESOURCE_TYPE) return undefined
  if (change.name !== COMPONENT_SET) return refusalOf(change, kind)
  const isKnown = componentsOf(change.element).every((name) =>
    (COMPONENTS as readonly string[]).includes(name),
  )
  return kind === 'calendar' && isKnown
    ? undefined
    : { status: 403, condition: '<cal:supported-calendar-component/>' }
}

function set(settings: SettingsEdit, { name, element }: PropertyChange): void {
  if (name === RESOURCE_TYPE || element === undefined) return
  if (name === COMPONENT_SET) {
    const components = componentsOf(element)
    if (components.length > 0) settings.setComponents(components)
  } else settings.setProperty(name, element)
}

/** VTIMEZONE is named by some clients: it is no object of its own. */
function componentsOf(element: XmlElement): string[] {
  const names = childrenNamed(element, CALDAV, 'comp').map((comp) =>
    (attributeOf(comp, 'name') ?? '').toUpperCase(),
  )
  return [...new Set(names)].filter((name) => name !== 'VTIMEZONE')
}

function refused({ answer, changes }: Wish, refusals: readonly (Refusal | undefined)[]): Reply {
  const element = answer === 'mkcol-response' ? `d:${answer}` : `cal:${answer}`
  const worst = refusals.find((each) => each !== undefined)!
  return xmlReply(worst.status, element, propstats(changes, refusals))
}
