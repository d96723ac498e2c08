// A repository of robur's caldav as one of ours: its principals are users and groups, and its calendars, which all lie in one
// folder there, go to the users who own them.
import {
  attributeOf,
  childElements,
  textOf,
  type XmlElement,
} from '../../../../shared/xml/element.ts'
import type { Grant } from '../accounts/directory.ts'
import { USER_NAME } from '../accounts/users-file.ts'
import { SettingsEdit, tomlString } from '../library/settings-edit.ts'
import { COMPONENTS, readSettings, type Properties } from '../library/settings.ts'
import { isProtected } from '../properties/live.ts'
import { CALDAV, DAV, propertyName, type PropertyName } from '../xml/names.ts'
import { fileNameOf } from '../xml/path.ts'
import { accessOf, principalsIn } from './robur-properties.ts'

/** Properties by the name of a principal or a calendar. */
export type RoburRepository = {
  readonly principals: ReadonlyMap<string, Properties>
  readonly calendars: ReadonlyMap<string, Properties>
}

export type RoburPlan = {
  readonly users: readonly { readonly name: string; readonly displayName?: string }[]
  readonly groups: readonly { readonly name: string; readonly members: readonly string[] }[]
  readonly calendars: readonly PlannedCalendar[]
  /** What has no counterpart, a sentence each. */
  readonly remarks: readonly string[]
}

export type PlannedCalendar = {
  readonly from: string
  /** `calendars/alice/work`. */
  readonly folder: string
  /** The text of its `calendar.toml`. */
  readonly settings: string
}

/** The account that administers; users are added by hand here, so it is one only when it owns something. */
const ADMINISTRATOR = 'root'

export function planOf({ principals, calendars }: RoburRepository): RoburPlan {
  const remarks: string[] = []
  const isGroup = (name: string): boolean => principals.get(name)?.has(GROUP_MEMBERS) === true
  const known = [...principals.keys()].filter((name) => {
    if (USER_NAME.test(name)) return true
    remarks.push(`The principal "${name}" is left out: no name of a user here`)
    return false
  })
  const users = new Set(known.filter((name) => !isGroup(name)))
  const groups = new Set(known.filter(isGroup))
  const planned: PlannedCalendar[] = []
  const owning = new Set<string>()
  for (const [name, properties] of calendars) {
    const { owners, grants, isPublic } = accessOf(properties)
    const owner = ownerOf(name, owners, users)
    const file = fileNameOf(name, '')
    if (owner === undefined || file === undefined) {
      remarks.push(
        owner === undefined
          ? `The calendar ${name} is left out: no user has all rights in it`
          : `The calendar ${name} is left out: its name is too long`,
      )
      continue
    }
    owning.add(owner)
    if (isPublic) remarks.push(`The calendar ${name} was open to everybody: share it by name`)
    const share = [...grants].filter(
      ([who]) => who !== owner && who !== ADMINISTRATOR && (users.has(who) || groups.has(who)),
    )
    planned.push({
      from: name,
      folder: `calendars/${owner}/${file}`,
      settings: settingsOf(name, properties, share, remarks),
    })
  }
  if (!owning.has(ADMINISTRATOR)) users.delete(ADMINISTRATOR)
  return {
    users: [...users].map((name) => {
      const displayName = textIn(principals.get(name), DISPLAYNAME)
      return { name, ...(displayName !== undefined && displayName !== name && { displayName }) }
    }),
    groups: [...groups].map((name) => ({
      name,
      members: principalsIn(principals.get(name)?.get(GROUP_MEMBERS)).filter((member) =>
        users.has(member),
      ),
    })),
    calendars: planned,
    remarks,
  }
}

/** Of the same name, as the first calendar of a user is; else the first with all rights, the administrator last. */
function ownerOf(
  calendar: string,
  owners: readonly string[],
  users: ReadonlySet<string>,
): string | undefined {
  if (users.has(calendar) && calendar !== ADMINISTRATOR) return calendar
  const known = owners.filter((name) => users.has(name))
  return known.find((name) => name !== ADMINISTRATOR) ?? known[0]
}

/** What a client of ours could have set, and the components; what the server itself says is not taken. */
function settingsOf(
  calendar: string,
  properties: Properties,
  share: readonly (readonly [string, Grant])[],
  remarks: string[],
): string {
  let edit = new SettingsEdit('calendar', '')
  const components = componentsOf(properties.get(COMPONENT_SET))
  if (components.length > 0) edit.setComponents(components)
  for (const [name, element] of properties) {
    const isTaken = element.namespace === DAV ? name === DISPLAYNAME : element.namespace !== ROBUR
    if (!isTaken || isProtected(name)) continue
    const before = edit.text
    edit.setProperty(name, element)
    if (readSettings(Buffer.from(edit.text), 'calendar', '').ok) continue
    edit = new SettingsEdit('calendar', before)
    remarks.push(`The calendar ${calendar} loses its ${element.name}: no value of it here`)
  }
  if (share.length === 0) return edit.text
  const lines = share.map(([who, grant]) => `${tomlString(who)} = "${grant}"\n`)
  const above = edit.text === '' ? '' : `${edit.text}\n`
  return `${above}[share]\n${lines.join('')}`
}

function componentsOf(element: XmlElement | undefined): readonly string[] {
  const names = new Set(
    element === undefined ? [] : childElements(element).map((comp) => attributeOf(comp, 'name')),
  )
  return COMPONENTS.filter((name) => names.has(name))
}

function textIn(properties: Properties | undefined, name: PropertyName): string | undefined {
  const element = properties?.get(name)
  const text = element === undefined ? '' : textOf(element).trim()
  return text === '' ? undefined : text
}

const ROBUR = 'io:robur:webdav'
const GROUP_MEMBERS = propertyName(DAV, 'group-member-set')
const DISPLAYNAME = propertyName(DAV, 'displayname')
const COMPONENT_SET = propertyName(CALDAV, 'supported-calendar-component-set')
