// A calendar object as its own lines: what an edit does not name stays as it was written, byte for byte, folds included.
import { parseContentLine, type Property } from '../../../../shared/ical/content-line.ts'
import { formatProperty } from '../../../../shared/ical/format.ts'

/** One content line with its folds and its line end. */
type Line = {
  readonly raw: string
  readonly property: Property | undefined
}

/** From its BEGIN to its END, both within. */
export type Lines = readonly Line[]

export function splitLines(text: string): Lines {
  return (text.match(LINE) ?? []).map((raw) => {
    const parsed = parseContentLine(raw.replaceAll(/\r?\n[ \t]/g, '').replace(/\r?\n$/, ''), 0)
    return { raw, property: parsed.ok ? parsed.value : undefined }
  })
}

export function joinLines(lines: Lines): string {
  return lines.map(({ raw }) => raw).join('')
}

export function lineOf(property: Property): Line {
  return { raw: formatProperty(property), property }
}

/** `start` is where BEGIN is and `end` behind END, of components directly inside the VCALENDAR. */
export type Span = { readonly name: string; readonly start: number; readonly end: number }

export function spansOf(lines: Lines): Span[] {
  const spans: Span[] = []
  const open: { readonly name: string; readonly start: number }[] = []
  for (const [i, { property }] of lines.entries()) {
    if (property?.name === 'BEGIN')
      open.push({ name: property.value.trim().toUpperCase(), start: i })
    if (property?.name !== 'END') continue
    const begun = open.pop()
    if (begun !== undefined && open.length === 1) spans.push({ ...begun, end: i + 1 })
  }
  return spans
}

/** Properties of the component itself, not of what is inside it. */
export function propertyIn(component: Lines, name: string): Property | undefined {
  return ownLines(component).find(({ property }) => property?.name === name)?.property
}

/** In the place of the first of that name, else before what is inside the component; undefined takes them all away. */
export function withProperty(
  component: Lines,
  name: string,
  property: Property | undefined,
): Lines {
  const own = new Set(ownLines(component).filter((line) => line.property?.name === name))
  const [first] = own
  if (first === undefined) {
    if (property === undefined) return component
    const at = endOfOwn(component)
    return [...component.slice(0, at), lineOf(property), ...component.slice(at)]
  }
  return component.flatMap((line) => {
    if (!own.has(line)) return [line]
    return line === first && property !== undefined ? [lineOf(property)] : []
  })
}

/** One more of that name. */
export function withAnother(component: Lines, property: Property): Lines {
  const at = endOfOwn(component)
  return [...component.slice(0, at), lineOf(property), ...component.slice(at)]
}

/** Undefined takes one away. */
export function mapOwn(component: Lines, map: (property: Property) => Property | undefined): Lines {
  const own = new Set(ownLines(component))
  return component.flatMap((line) => {
    if (!own.has(line) || line.property === undefined) return line
    const mapped = map(line.property)
    return mapped === line.property ? line : mapped === undefined ? [] : lineOf(mapped)
  })
}

export function ownProperties(component: Lines): Property[] {
  return ownLines(component).flatMap(({ property }) => property ?? [])
}

function ownLines(component: Lines): Line[] {
  const own: Line[] = []
  let depth = 0
  for (const line of component) {
    if (line.property?.name === 'BEGIN') depth++
    else if (line.property?.name === 'END') depth--
    else if (depth === 1) own.push(line)
  }
  return own
}

/** Before the first component inside, or before END. */
function endOfOwn(component: Lines): number {
  const inner = component.findIndex(({ property }, i) => i > 0 && property?.name === 'BEGIN')
  return inner < 0 ? component.length - 1 : inner
}

const LINE = /[^\n]*(?:\n[ \t][^\n]*)*(?:\n|$)/g
