// The tree of a calendar: components of properties and components (RFC 5545 section 3.4), immutable, in the text's order.
// Refused: control characters, which no value may hold.
import type { LineProblem, Place, Property } from './content-line.ts'
import { eachLine, parseContentLine } from './content-line.ts'
import { err, ok, type Result } from '../result/result.ts'

export type Component = {
  /** Upper case. */
  readonly name: string
  readonly properties: readonly Property[]
  readonly components: readonly Component[]
  /** 1-based line of its BEGIN; 0 when it was made and not read. */
  readonly line: number
}

export type ParseLimits = {
  readonly depth: number
  readonly components: number
  readonly properties: number
}

/** VALARM lies three deep; what lies deeper is no calendar we know. */
export const PARSE_LIMITS: ParseLimits = { depth: 8, components: 200_000, properties: 4_000_000 }
/** Problems told of one text: after that many it is some other kind of file. */
export const PROBLEMS_LIMIT = 20

/** All outermost components of a text. A byte order mark is skipped. */
export function parseComponents(
  text: string,
  limits: ParseLimits = PARSE_LIMITS,
): Result<readonly Component[], readonly LineProblem[]> {
  const tree = new Tree(limits, CONTROL.test(text))
  const content = text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text
  eachLine(content, (line, number, next) => {
    const end = line === ZONE_BEGIN ? tree.knownZone(content, number, next) : undefined
    return end ?? tree.add(line, number)
  })
  return tree.end()
}

/** First property of that name (upper case). */
export function propertyOf(component: Component, name: string): Property | undefined {
  const { properties } = component
  for (let i = 0; i < properties.length; i++) if (properties[i]!.name === name) return properties[i]
  return undefined
}

export function propertiesOf(component: Component, name: string): Property[] {
  return component.properties.filter((property) => property.name === name)
}

export function componentsOf(component: Component, name: string): Component[] {
  return component.components.filter((child) => child.name === name)
}

type OpenComponent = {
  readonly name: string
  readonly properties: Property[]
  readonly components: Component[]
  readonly line: number
}

class Tree {
  readonly #limits: ParseLimits
  /** Somewhere in the text is a control character. */
  readonly #isSuspect: boolean
  readonly #roots: Component[] = []
  readonly #open: OpenComponent[] = []
  readonly #problems: LineProblem[] = []
  #components = 0
  #properties = 0

  constructor(limits: ParseLimits, isSuspect: boolean) {
    this.#limits = limits
    this.#isSuspect = isSuspect
  }

  /**
   * The VTIMEZONE that began on that line, when it is one that was read before: programs write the same one into every
   * object. Gives back where it ends; undefined when it is to be read line by line.
   */
  knownZone(text: string, number: number, next: number): Place | undefined {
    const calendar = this.#open[0]
    if (this.#isSuspect || calendar === undefined || this.#open.length > 1) return undefined
    if (this.#limits !== PARSE_LIMITS) return undefined
    const end = zoneEnd(text, next)
    if (end === undefined) return undefined
    const key = `${number}:${text.slice(next, end)}`
    let zone = zoneTexts.get(key)
    if (zone === undefined) {
      zone = readZone(key, number)
      if (zone === undefined) return undefined
      if (zoneTexts.size >= ZONE_TEXTS_LIMIT) zoneTexts.clear()
      zoneTexts.set(key, zone)
    }
    const components = this.#components + zone.components
    const properties = this.#properties + zone.properties
    if (components > this.#limits.components || properties > this.#limits.properties)
      return undefined
    this.#components = components
    this.#properties = properties
    calendar.components.push(zone.component)
    return { at: end, number: number + zone.lines }
  }

  /** Components and properties. */
  get counts(): { readonly components: number; readonly properties: number } {
    return { components: this.#components, properties: this.#properties }
  }

  /** False when nothing more needs to be read. */
  add(text: string, line: number): boolean {
    if (this.#isSuspect && CONTROL.test(text)) {
      return this.#refuse({ line, message: 'control character' })
    }
    const parsed = parseContentLine(text, line)
    if (!parsed.ok) return this.#refuse(parsed.error)
    const property = parsed.value
    if (property.name === 'BEGIN') return this.#begin(property)
    if (property.name === 'END') return this.#end(property)
    const open = this.#open.at(-1)
    if (open === undefined) {
      return this.#refuse({ line, message: `${property.name} outside of any component` })
    }
    if (++this.#properties > this.#limits.properties) {
      return this.#stop({ line, message: `more than ${this.#limits.properties} properties` })
    }
    open.properties.push(property)
    return true
  }

  end(): Result<readonly Component[], readonly LineProblem[]> {
    const open = this.#open.at(-1)
    if (open !== undefined && this.#problems.length === 0) {
      this.#problems.push({ line: open.line, message: `BEGIN:${open.name} has no END` })
    }
    return this.#problems.length > 0 ? err(this.#problems) : ok(this.#roots)
  }

  #begin({ value, line }: Property): boolean {
    const name = value.trim().toUpperCase()
    if (!NAME.test(name)) return this.#refuse({ line, message: 'BEGIN without a component name' })
    if (this.#open.length >= this.#limits.depth) {
      return this.#stop({ line, message: `more than ${this.#limits.depth} components deep` })
    }
    if (++this.#components > this.#limits.components) {
      return this.#stop({ line, message: `more than ${this.#limits.components} components` })
    }
    this.#open.push({ name, properties: [], components: [], line })
    return true
  }

  #end({ value, line }: Property): boolean {
    const name = value.trim().toUpperCase()
    const open = this.#open.pop()
    if (open === undefined || open.name !== name) {
      const expected = open === undefined ? '' : `; END:${open.name} was expected`
      return this.#stop({ line, message: `END:${name} without its BEGIN${expected}` })
    }
    const parent = this.#open.at(-1)
    if (parent === undefined) this.#roots.push(open)
    else parent.components.push(open)
    return true
  }

  #refuse(problem: LineProblem): boolean {
    this.#problems.push(problem)
    return this.#problems.length < PROBLEMS_LIMIT
  }

  /** What follows would only be told wrong. */
  #stop(problem: LineProblem): boolean {
    this.#problems.push(problem)
    return false
  }
}

type ZoneText = {
  readonly component: Component
  readonly lines: number
  readonly components: number
  readonly properties: number
}

/** By line and text. What it holds is the same whoever asks. */
const zoneTexts = new Map<string, ZoneText>()
const ZONE_TEXTS_LIMIT = 500
/** Longer ones are read each time. */
const ZONE_TEXT_LIMIT_CHARS = 8_192
const ZONE_BEGIN = 'BEGIN:VTIMEZONE'
const ZONE_END = 'END:VTIMEZONE'

/** Behind the line that ends it; undefined when that is not plain to see. */
function zoneEnd(text: string, start: number): number | undefined {
  const begin = text[start - 2] === '\r' ? start - 2 : start - 1
  // It could be folded, who knows why; then lines are not so simply counted.
  if (!text.startsWith(ZONE_BEGIN, begin - ZONE_BEGIN.length)) return undefined
  const at = text.indexOf(ZONE_END, start)
  if (at < 0 || at - start > ZONE_TEXT_LIMIT_CHARS || text[at - 1] !== '\n') return undefined
  const lineEnd = text.indexOf('\n', at)
  const rest = lineEnd < 0 ? undefined : text.slice(at + ZONE_END.length, lineEnd)
  if (rest !== '' && rest !== '\r') return undefined
  const isFolded = text[lineEnd + 1] === ' ' || text[lineEnd + 1] === '\t'
  return isFolded ? undefined : lineEnd + 1
}

/** `key` is its first line and what stands behind that; undefined when there is anything to tell of it. */
function readZone(key: string, number: number): ZoneText | undefined {
  const tree = new Tree({ ...PARSE_LIMITS, depth: PARSE_LIMITS.depth - 1 }, false)
  tree.add(ZONE_BEGIN, number)
  const text = key.slice(key.indexOf(':') + 1)
  eachLine(text, (line, below) => tree.add(line, number + below))
  const read = tree.end()
  const [component, ...others] = read.ok ? read.value : []
  if (component === undefined || others.length > 0) return undefined
  return { component, lines: text.split('\n').length, ...tree.counts }
}

/** All but the tab; CR and LF only together, or LF alone. */
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/
const NAME = /^[A-Z0-9-]+$/
const BYTE_ORDER_MARK = 0xfeff
