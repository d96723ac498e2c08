// Three versions of a component to one: components inside by what they are, properties by name or, where there may be
// many of a name, by value. An edit wins over a deletion; of two edits of one property the newer component's wins.
import { propertyOf, type Component } from '../../../../shared/ical/component.ts'
import type { Property } from '../../../../shared/ical/content-line.ts'
import { formatProperty } from '../../../../shared/ical/format.ts'
import { timeOf } from '../../../../shared/ical/item-times.ts'

/** Without a base where both sides made it. */
export type Versions<T> = {
  readonly base: T | undefined
  readonly ours: T
  readonly theirs: T
}

type Side = 'ours' | 'theirs'

export class ComponentMerge {
  /** `SUMMARY of VEVENT`: changed on both sides, and none of them is newer. */
  readonly conflicts: string[] = []
  /** The same, where the newer side was taken. */
  readonly decided: string[] = []

  /** Of the outermost component, which both sides have. */
  merge(versions: Versions<Component>, outer?: Side): Component {
    const { ours, theirs } = versions
    // An alarm is as new as the event it is in.
    const newer = newerOf(ours, theirs) ?? outer
    return {
      ...ours,
      properties: this.#properties(versions, newer),
      components: this.#components(versions, newer),
    }
  }

  #components({ base, ours, theirs }: Versions<Component>, newer: Side | undefined): Component[] {
    const bases = byKey(base)
    const our = byKey(ours)
    const their = byKey(theirs)
    const merged: Component[] = []
    for (const [key, mine] of our) {
      const old = bases.get(key)
      const other = their.get(key)
      if (other !== undefined)
        merged.push(this.merge({ base: old, ours: mine, theirs: other }, newer))
      else if (old === undefined || !isSame(old, mine)) merged.push(mine)
    }
    for (const [key, other] of their) {
      if (our.has(key)) continue
      const old = bases.get(key)
      if (old === undefined || !isSame(old, other)) merged.push(other)
    }
    return merged
  }

  /** By unit: those of ours in their order, then what only theirs has. */
  #properties({ base, ours, theirs }: Versions<Component>, newer: Side | undefined): Property[] {
    const bases = unitsOf(base)
    const our = unitsOf(ours)
    const their = unitsOf(theirs)
    const merged: Property[] = []
    for (const unit of new Set([...our.keys(), ...their.keys()])) {
      const mine = our.get(unit) ?? []
      const other = their.get(unit) ?? []
      merged.push(
        ...this.#unit(unit, { base: bases.get(unit), ours: mine, theirs: other }, newer, ours.name),
      )
    }
    return merged
  }

  #unit(
    unit: string,
    { base, ours, theirs }: Versions<Unit>,
    newer: Side | undefined,
    component: string,
  ): Unit {
    const [old, mine, other] = [textOf(base ?? []), textOf(ours), textOf(theirs)]
    if (mine === other || other === old) return ours
    if (mine === old) return theirs
    if (STAMPS.has(unit)) return later(ours, theirs)
    const [name] = unit.split(' ', 1)
    const where = `${name} of ${component}`
    // One side deleted what the other changed.
    if (mine === '' || other === '') {
      this.decided.push(where)
      return mine === '' ? theirs : ours
    }
    if (newer === undefined) {
      this.conflicts.push(where)
      return ours
    }
    this.decided.push(where)
    return newer === 'ours' ? ours : theirs
  }
}

type Unit = readonly Property[]

/** Whatever the order inside. */
export function isSame(a: Component, b: Component): boolean {
  return canonical(a) === canonical(b)
}

function canonical(component: Component): string {
  const properties = component.properties.map(formatProperty).sort()
  const components = component.components.map(canonical).sort()
  return JSON.stringify([component.name, properties, components])
}

/** By RFC 5546 section 2.1.5: SEQUENCE first, then the stamps. */
function newerOf(ours: Component, theirs: Component): Side | undefined {
  for (const rank of [
    sequenceOf,
    (each: Component) => stampOf(each, 'LAST-MODIFIED'),
    (each: Component) => stampOf(each, 'DTSTAMP'),
  ]) {
    const difference = rank(ours) - rank(theirs)
    if (difference !== 0 && !Number.isNaN(difference)) return difference > 0 ? 'ours' : 'theirs'
  }
  return undefined
}

function sequenceOf(component: Component): number {
  return Number(propertyOf(component, 'SEQUENCE')?.value ?? 0)
}

function stampOf(component: Component, name: string): number {
  return timeOf(propertyOf(component, name))?.local ?? 0
}

/** The larger number or the later time; equal ones are not asked for. */
function later(ours: Unit, theirs: Unit): Unit {
  const rank = ([property]: Unit): number =>
    property === undefined ? -Infinity : (timeOf(property)?.local ?? (Number(property.value) || 0))
  return rank(theirs) > rank(ours) ? theirs : ours
}

/** Components inside by what they are; several alike are told apart by their order. */
function byKey(component: Component | undefined): Map<string, Component> {
  const map = new Map<string, Component>()
  for (const child of component?.components ?? []) {
    const identity = KEYS.map((name) => propertyOf(child, name)?.value ?? '')
    const key = [child.name, ...identity].join('\n')
    let unique = key
    for (let n = 2; map.has(unique); n++) unique = `${key}\n${n}`
    map.set(unique, child)
  }
  return map
}

/** What says which component it is: an event by UID and instance, a zone by its name, an alarm by its time. */
const KEYS = ['UID', 'RECURRENCE-ID', 'TZID', 'TRIGGER']

/** Properties that stand or fall together, by a key. */
function unitsOf(component: Component | undefined): Map<string, Property[]> {
  const units = new Map<string, Property[]>()
  for (const property of component?.properties ?? []) {
    const unit = unitOf(property)
    const others = units.get(unit)
    if (others === undefined) units.set(unit, [property])
    else others.push(property)
  }
  return units
}

/** A start and an end that come from two sides may fit no more: they are one. */
function unitOf({ name, value }: Property): string {
  if (TIMES.has(name)) return 'DTSTART'
  return MANY.has(name) ? `${name} ${value.toLowerCase()}` : name
}

function textOf(unit: Unit): string {
  return unit.map(formatProperty).join('')
}

const TIMES: ReadonlySet<string> = new Set(['DTSTART', 'DTEND', 'DUE', 'DURATION'])
const STAMPS: ReadonlySet<string> = new Set(['DTSTAMP', 'LAST-MODIFIED', 'SEQUENCE'])
/** Each value of these is a thing of its own. */
const MANY: ReadonlySet<string> = new Set([
  'ATTACH',
  'ATTENDEE',
  'CATEGORIES',
  'COMMENT',
  'CONFERENCE',
  'CONTACT',
  'EXDATE',
  'FREEBUSY',
  'IMAGE',
  'RDATE',
  'RELATED-TO',
  'REQUEST-STATUS',
  'RESOURCES',
])
