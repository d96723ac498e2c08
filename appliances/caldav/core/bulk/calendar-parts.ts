// One calendar file taken apart into an object for each UID, and objects put together into one file: the lines of each
// component stay as they are (RFC 5545 §3.4, RFC 4791 §4.1).

type Item = {
  readonly uid: string
  /** From BEGIN to END, with CRLF. */
  readonly text: string
  readonly zones: ReadonlySet<string>
}

export type CalendarParts = {
  /** VTIMEZONE components by TZID. */
  readonly zones: ReadonlyMap<string, string>
  readonly items: readonly Item[]
}

export type SplitObject = { readonly uid: string; readonly text: string }

const PRODUCT = '-//Cairn//cairn-caldav//EN'

/** Takes what it finds, of any number of calendars in a row; what is no component of one is left out. */
export function partsOf(text: string): CalendarParts {
  const zones = new Map<string, string>()
  const items: Item[] = []
  let open:
    | { name: string; lines: string[]; uid: string; zones: Set<string>; depth: number }
    | undefined
  for (const { raw, line } of logicalLines(text)) {
    const [, verb, component = ''] = /^(BEGIN|END):\s*([A-Za-z0-9-]+)\s*$/i.exec(line) ?? []
    const name = component.toUpperCase()
    if (open === undefined) {
      if (verb?.toUpperCase() === 'BEGIN' && name !== 'VCALENDAR')
        open = { name, lines: [raw], uid: '', zones: new Set(), depth: 1 }
      continue
    }
    open.lines.push(raw)
    if (verb !== undefined) open.depth += verb.toUpperCase() === 'BEGIN' ? 1 : -1
    else if (open.depth === 1) {
      const [, uid] = /^UID(?:;[^:]*)?:(.*)$/i.exec(line) ?? []
      const [, zone] = /^TZID(?:;[^:]*)?:(.*)$/i.exec(line) ?? []
      if (uid !== undefined) open.uid = uid
      if (zone !== undefined && open.name === 'VTIMEZONE') open.uid = zone
    }
    const [, used] = /^[A-Z-]+;(?:[^:"]|"[^"]*")*?TZID=("[^"]*"|[^;:]*)/i.exec(line) ?? []
    if (used !== undefined) open.zones.add(used.replaceAll('"', ''))
    if (open.depth > 0) continue
    const whole = `${open.lines.join('\r\n')}\r\n`
    if (open.name === 'VTIMEZONE') zones.set(open.uid, whole)
    else items.push({ uid: open.uid, text: whole, zones: open.zones })
    open = undefined
  }
  return { zones, items }
}

/** An object for each UID, with the zones it names. Items without a UID are objects of their own, with uid ''. */
export function splitCalendar(text: string): readonly SplitObject[] {
  const { zones, items } = partsOf(text)
  const groups = new Map<string, Item[]>()
  for (const [i, item] of items.entries()) {
    const key = item.uid === '' ? `\n${i}` : item.uid
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return [...groups.values()].map((group) => {
    const used = new Set(group.flatMap((item) => [...item.zones]))
    const zoneTexts = [...used].flatMap((id) => zones.get(id) ?? [])
    const body = [...zoneTexts, ...group.map((item) => item.text)].join('')
    return { uid: group[0]!.uid, text: calendar(body) }
  })
}

/** One file of many objects, each zone once. `name` is what a program shows that subscribes to it. */
export function* joinCalendars(objects: Iterable<string>, name?: string): Generator<string> {
  const title = name === undefined ? '' : `X-WR-CALNAME:${escapeName(name)}\r\n`
  yield `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:${PRODUCT}\r\n${title}`
  const told = new Set<string>()
  for (const object of objects) {
    const { zones, items } = partsOf(object)
    for (const [id, text] of zones) {
      if (told.has(id)) continue
      told.add(id)
      yield text
    }
    for (const { text } of items) yield text
  }
  yield 'END:VCALENDAR\r\n'
}

/** The cards of a file, each as it is. */
export function splitCards(text: string): readonly SplitObject[] {
  const cards: SplitObject[] = []
  let lines: string[] | undefined
  let uid = ''
  for (const { raw, line } of logicalLines(text)) {
    if (/^BEGIN:\s*VCARD\s*$/i.test(line)) {
      lines = []
      uid = ''
    }
    lines?.push(raw)
    uid = /^UID(?:;[^:]*)?:(.*)$/i.exec(line)?.[1] ?? uid
    if (lines === undefined || !/^END:\s*VCARD\s*$/i.test(line)) continue
    cards.push({ uid, text: `${lines.join('\r\n')}\r\n` })
    lines = undefined
  }
  return cards
}

function calendar(body: string): string {
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:${PRODUCT}\r\n${body}END:VCALENDAR\r\n`
}

/** `raw` still has its folds, `line` has not; empty lines are left out. */
function* logicalLines(text: string): Generator<{ readonly raw: string; readonly line: string }> {
  let raw = ''
  let line = ''
  for (const physical of text.replace(/^\ufeff/, '').split(/\r?\n/)) {
    if (/^[ \t]/.test(physical) && raw !== '') {
      raw += `\r\n${physical}`
      line += physical.slice(1)
      continue
    }
    if (raw !== '') yield { raw, line }
    raw = physical
    line = physical
  }
  if (raw !== '') yield { raw, line }
}

function escapeName(name: string): string {
  return name.replaceAll(/[\\;,]/g, String.raw`\$&`).replaceAll(/\s+/g, ' ')
}
