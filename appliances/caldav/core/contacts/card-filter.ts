// What an addressbook-query asks and whether a card satisfies it (RFC 6352 sections 10.5): decoded from XML elsewhere.
import type { Component } from '../../../../shared/ical/component.ts'
import type { Property } from '../../../../shared/ical/content-line.ts'
import type { ParamFilter, TextMatch } from '../calendar/filter.ts'
import {
  matchesParam,
  paramMatcher,
  textOf,
  TextMatcher,
  type ParamMatcher,
} from '../calendar/text-match.ts'

/** `anyof`: one of what it holds is enough. */
export type Test = 'anyof' | 'allof'

export type AddressFilter = {
  readonly test: Test
  /** None: every card. */
  readonly props: readonly AddressPropFilter[]
}

export type AddressPropFilter = {
  /** Upper case. */
  readonly name: string
  /** Lower case: only properties of that group. */
  readonly group?: string
  readonly test: Test
  readonly isNotDefined: boolean
  readonly textMatches: readonly TextMatch[]
  readonly params: readonly ParamFilter[]
}

/** A filter made ready, to be asked of many cards. */
export class CardFilter {
  readonly #test: Test
  readonly #props: readonly PropMatcher[]

  constructor({ test, props }: AddressFilter) {
    this.#test = test
    this.#props = props.map((filter) => ({
      filter,
      texts: filter.textMatches.map((match) => new TextMatcher(match)),
      params: filter.params.map(paramMatcher),
    }))
  }

  matches(card: Component): boolean {
    if (this.#props.length === 0) return true
    if (this.#test === 'anyof') return this.#props.some((matcher) => matchesProp(card, matcher))
    return this.#props.every((matcher) => matchesProp(card, matcher))
  }
}

type PropMatcher = {
  readonly filter: AddressPropFilter
  readonly texts: readonly TextMatcher[]
  readonly params: readonly ParamMatcher[]
}

/** What it asks must be true of one property. */
function matchesProp(card: Component, { filter, texts, params }: PropMatcher): boolean {
  const { name, group, isNotDefined, test } = filter
  const found = card.properties.filter(
    (property) =>
      property.name === name && (group === undefined || property.group?.toLowerCase() === group),
  )
  if (isNotDefined) return found.length === 0
  if (texts.length + params.length === 0) return found.length > 0
  return found.some((property) =>
    test === 'anyof'
      ? texts.some((text) => text.matches(textOf(property))) ||
        params.some((param) => matchesParam(param, property.params))
      : texts.every((text) => text.matches(textOf(property))) &&
        params.every((param) => matchesParam(param, property.params)),
  )
}

/** Section 10.4: names (upper case) of the properties wanted, with values or without. */
export type CardSelection = readonly { readonly name: string; readonly noValue: boolean }[]

export function selectedCard(card: Component, selection: CardSelection): Component {
  const properties = card.properties.flatMap((property): Property[] => {
    const wanted = selection.find(({ name }) => name === property.name)
    if (wanted === undefined) return []
    return [wanted.noValue ? { ...property, value: '' } : property]
  })
  return { ...card, properties }
}
