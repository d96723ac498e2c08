// One calendar file taken apart into an object for each UID, and objects put together into one file: the lines of each
// component stay as they are (RFC 5545 §3.4, RFC 4791 §4.1).

type Item = {
  readonly uid: string
  /** From BEGIN to END, with CRLF. */
  readonly text: string
  /** Where each line of it was in the file, 1-based. */
  readonly lines: readonly number[]
  readonly zones: ReadonlySet<string>
}

type Zone = Pick<Item, 'text' | 'lines'>

export type CalendarParts = {
  /** VTIMEZONE components by TZID. */
  readonly zones: ReadonlyMap<string, Zone>
  readonly items: readonly Item[]
}

export type SplitObject = {
  readonly uid: string
  readonly text: string
  /** For each line of `text` the one in the file that it came from; those that were added point to what is behind or before. */
  readonly lines: readonly number[]
}

const PRODUCT = '-//Cairn//cairn-caldav//EN'

/** Takes what it finds, of any number of calendars in a row; what is no component of one is left out. */
export function partsOf(text: string): CalendarParts {
  const zones = new Map<string, Zone>()
  const items: Item[] = []
  let open: OpenComponent | undefined
  for (const { raw, line, numbers } of logicalLines(text)) {
    const [, verb, component = ''] = /^(BEGIN|END):\s*([A-Za-z0-9-]+)\s*$/i.exec(line) ?? []
    const name = component.toUpperCase()
    if (open === undefined) {
      if (verb?.toUpperCase() === 'BEGIN' && name !== 'VCALENDAR')
        open = { name, raw: [raw], lines: [...numbers], uid: '', zones: new Set(), depth: 1 }
      continue
    }
    open.raw.push(raw)
    open.lines.push(...numbers)
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
    const { lines } = open
    const whole = `${open.raw.join('\r\n')}\r\n`
    if (open.name === 'VTIMEZONE') zones.set(open.uid, { text: whole, lines })
    else items.push({ uid: open.uid, text: whole, lines, zones: open.zones })
    open = undefined
  }
  return { zones, items }
}

type OpenComponent = {
  readonly name: string
  readonly raw: string[]
  readonly lines: number[]
  uid: string
  readonly zones: Set<string>
  depth: number
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
    const parts = [...[...used].flatMap((id) => zones.get(id) ?? []), ...group]
    const [begin, end] = [group[0]!.lines[0]!, group.at(-1)!.lines.at(-1)!]
    const lines = [begin, begin, begin, ...parts.flatMap((part) => part.lines), end]
    return { uid: group[0]!.uid, text: calendar(parts.map(({ text }) => text).join('')), lines }
  })
}

/** One file of many objects, each zone once. `name` is what a program shows that subscribes to it; `head` are further lines. */
export function* joinCalendars(
  objects: Iterable<string>,
  name?: string,
  head = '',
): Generator<string> {
  const title = name === undefined ? '' : `X-WR-CALNAME:${escapeName(name)}\r\n`
  yield `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:${PRODUCT}\r\n${title}${head}`
  const told = new Set<string>()
  for (const object of objects) {
    const { zones, items } = partsOf(object)
    for (const [id, { text }] of zones) {
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
  let open: { readonly raw: string[]; readonly lines: number[] } | undefined
  let uid = ''
  for (const { raw, line, numbers } of logicalLines(text)) {
    if (/^BEGIN:\s*VCARD\s*$/i.test(line)) {
      open = { raw: [], lines: [] }
      uid = ''
    }
    open?.raw.push(raw)
    open?.lines.push(...numbers)
    uid = /^UID(?:;[^:]*)?:(.*)$/i.exec(line)?.[1] ?? uid
    if (open === undefined || !/^END:\s*VCARD\s*$/i.test(line)) continue
    cards.push({ uid, text: `${open.raw.join('\r\n')}\r\n`, lines: open.lines })
    open = undefined
  }
  return cards
}

function calendar(body: string): string {
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:${PRODUCT}\r\n${body}END:VCALENDAR\r\n`
}

type LogicalLine = {
  /** With its folds. */
  readonly raw: string
  readonly line: string
  /** Of its physical lines, 1-based. */
  readonly numbers: readonly number[]
}

/** Empty lines are left out. */
function* logicalLines(text: string): Generator<LogicalLine> {
  let raw = ''
  let line = ''
  let numbers: number[] = []
  for (const [i, physical] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^[ \t]/.test(physical) && raw !== '') {
      raw += `\r\n${physical}`
      line += physical.slice(1)
      numbers.push(i + 1)
      continue
    }
    if (raw !== '') yield { raw, line, numbers }
    raw = physical
    line = physical
    numbers = [i + 1]
  }
  if (raw !== '') yield { raw, line, numbers }
}

function escapeName(name: string): string {
  return name.replaceAll(/[\\;,]/g, String.raw`\$&`).replaceAll(/\s+/g, ' ')
}
