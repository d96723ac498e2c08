// Events of a user's calendars by words in their texts, and who is in them: what the web page searches with. A query of CalDAV
// asks one property at a time and looks at a calendar in one go; this looks at one object at a time, so that its caller can pause.
import { itemsOf } from '../../../../shared/ical/calendar-object.ts'
import type { Component } from '../../../../shared/ical/component.ts'
import { paramOf } from '../../../../shared/ical/content-line.ts'
import { decodeText } from '../../../../shared/ical/text-encoding.ts'
import { foldText, textOf } from '../calendar/text-match.ts'
import type { Collection, Member } from '../library/collection.ts'
import { MemberData } from '../report/member-data.ts'
import { hrefOf } from '../resource/href.ts'
import { childrenOf, memberName, resolve } from '../resource/resource.ts'
import type { View } from '../view.ts'

export const QUERY_LIMIT_CHARS = 200
const WORDS_LIMIT = 8
/** What one answer carries; more are counted. */
export const HITS_LIMIT = 100
export const ANSWER_LIMIT_CHARS = 4_194_304

export type SearchAnswer = {
  /** Those to come first, the next one before the others; then those that were, the last one first. */
  readonly hits: readonly {
    readonly href: string
    readonly calendar: string
    /** The object's own. */
    readonly text: string
  }[]
  readonly more: number
}

type Hit = {
  readonly href: string
  readonly calendar: string
  readonly collection: Collection
  readonly member: Member
}

/** Undefined for a query without a word, or with more than fit. */
export function wordsOf(query: string): readonly string[] | undefined {
  if (query.length > QUERY_LIMIT_CHARS) return undefined
  const words = fold(query).split(/\s+/).filter(Boolean)
  return words.length === 0 || words.length > WORDS_LIMIT ? undefined : words
}

export class EventSearch {
  readonly #words: readonly string[]
  readonly #rawWords: readonly string[]
  readonly #view: View
  readonly #data: MemberData
  readonly #hits: Hit[] = []

  constructor(words: readonly string[], view: View) {
    this.#words = words
    this.#rawWords = words.map(withoutEscapes)
    this.#view = view
    this.#data = new MemberData(view)
  }

  /** Each step looks at one object. */
  *steps(): Generator<void> {
    const home = resolve(['calendars', this.#view.user.name], this.#view)
    for (const child of home === undefined ? [] : childrenOf(home, this.#view)) {
      if (child.kind !== 'collection') continue
      const { collection, path } = child
      const calendar = hrefOf(path, true, this.#view)
      for (const member of collection.members.values()) {
        if (member.facts?.component === 'VEVENT' && this.#matches(collection, member)) {
          const href = hrefOf([...path, memberName(member, collection)], false, this.#view)
          this.#hits.push({ href, calendar, collection, member })
        }
        yield
      }
    }
  }

  /** Once all steps are done. */
  answer(): SearchAnswer {
    const nowSeconds = this.#view.nowMs / 1000
    const sorted = this.#hits
      .map((hit) => ({ hit, rank: rankOf(hit, nowSeconds) }))
      .sort((a, b) => a.rank - b.rank)
    const hits: SearchAnswer['hits'][number][] = []
    let chars = 0
    for (const { hit } of sorted.slice(0, HITS_LIMIT)) {
      const text = this.#text(hit.collection, hit.member) ?? ''
      chars += text.length
      if (chars > ANSWER_LIMIT_CHARS) break
      hits.push({ href: hit.href, calendar: hit.calendar, text })
    }
    return { hits, more: sorted.length - hits.length }
  }

  #matches(collection: Collection, member: Member): boolean {
    const raw = this.#text(collection, member)
    if (raw === undefined) return false
    // Most objects are done with here, unparsed. It may say too much of one, never too little.
    const hay = withoutEscapes(fold(raw.replaceAll(/\r?\n[ \t]/g, '')))
    if (!this.#rawWords.every((word) => hay.includes(word))) return false
    const object = this.#data.object(collection, member)
    if (object === undefined) return false
    const texts = itemsOf(object).flatMap(searchedTexts).map(fold)
    return this.#words.every((word) => texts.some((text) => text.includes(word)))
  }

  #text(collection: Collection, member: Member): string | undefined {
    const bytes = this.#data.bytes(collection, member)
    const text = bytes && decodeText(bytes)
    return text?.ok === true ? text.value : undefined
  }
}

/** Titles, places, notes; names and addresses of people. */
function searchedTexts({ properties }: Component): string[] {
  return properties.flatMap((property) => {
    if (TEXTS.has(property.name)) return [textOf(property)]
    if (!PEOPLE.has(property.name)) return []
    return [paramOf(property, 'CN') ?? '', property.value.replace(/^mailto:/i, '')]
  })
}

/** Seconds until it, or for what is over more than any of those. */
function rankOf({ member }: Hit, nowSeconds: number): number {
  const { start, end } = member.facts?.entry ?? { start: -Infinity, end: -Infinity }
  if (end >= nowSeconds) return Math.max(start - nowSeconds, 0)
  return OVER + Math.min(nowSeconds - end, OVER)
}

/** A sigma is one letter, wherever in a word it stands: what is before it in a line is not there in a text. */
function fold(text: string): string {
  return foldText(text, 'i;unicode-casemap').replaceAll('ς', 'σ')
}

function withoutEscapes(text: string): string {
  return text.replaceAll('\\', '')
}

const TEXTS: ReadonlySet<string> = new Set(['SUMMARY', 'LOCATION', 'DESCRIPTION'])
const PEOPLE: ReadonlySet<string> = new Set(['ATTENDEE', 'ORGANIZER'])
/** Longer than any calendar reaches. */
const OVER = 1e13
