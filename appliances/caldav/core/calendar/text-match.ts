// Text matching with the collations of RFC 4790 and 5051, negated or not (RFC 4791 section 9.7.5, RFC 6352 10.5.4).
import type { Param, Property } from '../../../../shared/ical/content-line.ts'
import { parseText } from '../../../../shared/ical/text-value.ts'
import type { Collation, ParamFilter, TextMatch } from './filter.ts'

/** A text-match made ready: the text looked for is folded once. */
export class TextMatcher {
  readonly #match: TextMatch
  readonly #needle: string

  constructor(match: TextMatch) {
    this.#match = match
    this.#needle = foldText(match.text, match.collation)
  }

  get isNegated(): boolean {
    return this.#match.negate
  }

  /** `text` without escapes; the answer has `negate` in it. */
  matches(text: string): boolean {
    return this.finds(text) !== this.#match.negate
  }

  /** The same before `negate`. */
  finds(text: string): boolean {
    const hay = foldText(text, this.#match.collation)
    const needle = this.#needle
    switch (this.#match.match) {
      case 'contains':
        return hay.includes(needle)
      case 'equals':
        return hay === needle
      case 'starts-with':
        return hay.startsWith(needle)
      case 'ends-with':
        return hay.endsWith(needle)
    }
  }
}

export type ParamMatcher = {
  readonly name: string
  readonly isNotDefined: boolean
  readonly text: TextMatcher | undefined
}

export function paramMatcher({ name, isNotDefined, textMatch }: ParamFilter): ParamMatcher {
  return { name, isNotDefined, text: textMatch && new TextMatcher(textMatch) }
}

/** Section 9.7.3; any of a parameter's values will do. */
export function matchesParam(matcher: ParamMatcher, params: readonly Param[]): boolean {
  const found = params.filter(({ name }) => name === matcher.name)
  if (matcher.isNotDefined) return found.length === 0
  const { text } = matcher
  if (text === undefined) return found.length > 0
  return found.some(({ values }) => values.some((value) => text.matches(value)))
}

/** A property's value as text. */
export function textOf({ value }: Property): string {
  return parseText(value)
}

export function foldText(text: string, collation: Collation): string {
  if (collation === 'i;octet') return text
  if (collation === 'i;ascii-casemap') return foldAscii(text)
  // Title case and compatibility decomposition: what differs only by case or by how it is composed is equal.
  return text.toUpperCase().toLowerCase().normalize('NFKD')
}

function foldAscii(text: string): string {
  return ASCII.test(text) ? text.toLowerCase() : text.replace(/[A-Z]+/g, (run) => run.toLowerCase())
}

const ASCII = /^[\0-\x7f]*$/
