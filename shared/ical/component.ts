// The tree of a calendar: components of properties and components (RFC 5545 section 3.4), immutable, in the text's order.
// Refused: control characters, which no value may hold.
import type { LineProblem, Property } from './content-line.ts'
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
  eachLine(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text, (line, number) =>
    tree.add(line, number),
  )
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

/** All but the tab; CR and LF only together, or LF alone. */
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/
const NAME = /^[A-Z0-9-]+$/
const BYTE_ORDER_MARK = 0xfeff
