// The file of the secondaries' branch that says which copies of a view are there because a catalog lists them.
import { canonicalName, formatName, parseName, type Name } from '../../../../shared/dns/name.ts'
import { inView } from '../branch/zone-files.ts'
import type { Member, Members } from './membership.ts'

export function membersPath(view: string): string {
  return inView(view, 'members')
}

/** From lines `example.org. catalog.example. id "group" …`; a line that is none is passed over. */
export function parseMembers(text: string): Members {
  const members = new Map<Name, Member>()
  for (const line of text.split('\n')) {
    const [, zoneText, catalogText, idText, groupsText] = LINE.exec(line) ?? []
    const zone = parseName(zoneText ?? '')
    const catalog = parseName(catalogText ?? '')
    const id = parseName(idText ?? '')
    if (!zone.ok || !catalog.ok || !id.ok) continue
    const groups = (groupsText!.match(/"[^"]*"/g) ?? []).map((group) => unquoted(group))
    members.set(canonicalName(zone.value), {
      catalog: canonicalName(catalog.value),
      id: id.value.slice(1, 1 + id.value.charCodeAt(0)),
      groups,
    })
  }
  return members
}

/** Sorted, so that a changed member is a changed line. */
export function formatMembers(members: Members): string {
  const lines = Array.from(members, ([zone, { catalog, id, groups }]) => {
    const label = formatName(`${String.fromCharCode(id.length)}${id}\0` as Name)
    return [formatName(zone), formatName(catalog), label, ...groups.map(quoted)].join(' ')
  })
  return lines
    .sort()
    .map((line) => `${line}\n`)
    .join('')
}

/** Octets that would end the word, or the line, as `%XX`. */
function quoted(group: string): string {
  const word = group.replaceAll(/[^!#$&-~]/g, (octet) => {
    return `%${octet.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `"${word}"`
}

function unquoted(word: string): string {
  return word
    .slice(1, -1)
    .replaceAll(/%([0-9a-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
}

const LINE = /^(\S+) (\S+) (\S+)((?: "[^"]*")*)$/
