// Two changes of one TOML value to one: lists as sets, inline tables by key, everything else must agree.
import { applyEdits, type TextEdit } from './text-edits.ts'
import { readDocument, valuesIn, type TomlPart, type TomlValue } from './toml-document.ts'

/** undefined when both sides changed the same in different ways. `base` is absent when both added it. */
export function mergeValues(
  base: TomlValue | undefined,
  ours: TomlValue,
  theirs: TomlValue,
): TomlValue | undefined {
  if (theirs.meaning === ours.meaning || theirs.meaning === base?.meaning) return ours
  if (ours.meaning === base?.meaning) return theirs
  if (isList(ours) && isList(theirs)) return mergeLists(base, ours, theirs)
  if (isInlineTable(ours) && isInlineTable(theirs)) return mergeInlineTables(base, ours, theirs)
  return undefined
}

/** Whether two values say the same, where the order of a list without repetitions says nothing. */
export function isSameAsSet(a: TomlValue, b: TomlValue): boolean {
  if (a.meaning === b.meaning) return true
  const left = isList(a) ? elementsOf(a) : undefined
  const right = isList(b) ? elementsOf(b) : undefined
  if (left === undefined || right === undefined) return false
  return left.size === right.size && [...left.keys()].every((meaning) => right.has(meaning))
}

/** Ours without what they removed, and what they added behind it. */
function mergeLists(
  base: TomlValue | undefined,
  ours: TomlValue,
  theirs: TomlValue,
): TomlValue | undefined {
  const before = base !== undefined && isList(base) ? elementsOf(base) : NO_ELEMENTS
  const our = elementsOf(ours)
  const their = elementsOf(theirs)
  if (before === undefined || our === undefined || their === undefined) return undefined
  const stays = (meaning: string): boolean => their.has(meaning) || !before.has(meaning)
  const added = [...their].filter(([meaning]) => !before.has(meaning) && !our.has(meaning))
  const elements = valuesIn(ours).map(({ part, value }) => ({ part, stays: stays(value.meaning) }))
  const edits = [
    ...insertions(
      ours.text,
      elements.findLast((element) => element.stays)?.part,
      added.map(([, element]) => element.text),
    ),
    ...elements.flatMap(({ part, stays }, i) => {
      const before = elements[i - 1]
      return stays ? [] : [removal(ours.text, part, before?.stays ? before.part : undefined)]
    }),
  ]
  const merged = readValue(applyEdits(ours.text, edits))
  const found = merged && elementsOf(merged)
  const expected = [...[...our.keys()].filter(stays), ...added.map(([meaning]) => meaning)]
  const isRight = found?.size === expected.length && expected.every((meaning) => found.has(meaning))
  return isRight ? merged : undefined
}

/** Behind the last element that stays, in the way it is written: on lines of their own or not. */
function insertions(
  text: string,
  last: TomlPart | undefined,
  added: readonly string[],
): TextEdit[] {
  if (added.length === 0) return []
  if (last === undefined) return [{ start: 1, end: 1, text: added.join(', ') }]
  const indent = indentOf(text, last)
  if (indent === undefined) {
    return [{ start: last.end, end: last.end, text: added.map((t) => `, ${t}`).join('') }]
  }
  const newline = text.includes('\r\n') ? '\r\n' : '\n'
  const [rest, comma] = /^[ \t]*(,?)[ \t]*(?:#[^\r\n]*)?/.exec(text.slice(last.end))!
  const at = last.end + rest.length
  const lines = added.map((t) => `${newline}${indent}${t}`)
  if (comma !== '') return [{ start: at, end: at, text: lines.map((line) => `${line},`).join('') }]
  return [
    { start: last.end, end: last.end, text: ',' },
    { start: at, end: at, text: lines.join(',') },
  ]
}

/** An element with its comma, and its line when it has one of its own. */
function removal(text: string, part: TomlPart, keptBefore: TomlPart | undefined): TextEdit {
  const indent = indentOf(text, part)
  const rest = text.slice(part.end)
  const line = /^[ \t]*,?[ \t]*(?:#[^\n]*)?\n/.exec(rest)
  if (indent !== undefined && line !== null) {
    return { start: part.start - indent.length, end: part.end + line[0].length, text: '' }
  }
  const comma = /^[ \t]*,[ \t]*/.exec(rest)
  if (comma !== null) return { start: part.start, end: part.end + comma[0].length, text: '' }
  return { start: keptBefore?.end ?? part.start, end: part.end, text: '' }
}

/** The blanks before an element that begins a line; undefined for one that does not. */
function indentOf(text: string, part: TomlPart): string | undefined {
  let start = part.start
  while (text[start - 1] === ' ' || text[start - 1] === '\t') start--
  return text[start - 1] === '\n' ? text.slice(start, part.start) : undefined
}

function mergeInlineTables(
  base: TomlValue | undefined,
  ours: TomlValue,
  theirs: TomlValue,
): TomlValue | undefined {
  const before = base !== undefined && isInlineTable(base) ? pairsOf(base) : NO_ELEMENTS
  const our = pairsOf(ours)
  const their = pairsOf(theirs)
  const written: string[] = []
  for (const key of new Set([...our.keys(), ...their.keys()])) {
    const [b, o, t] = [before.get(key), our.get(key), their.get(key)]
    const merged = o && t ? mergeValues(b, o, t) : undefined
    if (merged !== undefined) written.push(`${key} = ${merged.text}`)
    else if (o && t) return undefined
    else if (b !== undefined && (o ?? t)!.meaning !== b.meaning) return undefined
    else if (b === undefined) written.push(`${key} = ${(o ?? t)!.text}`)
  }
  return readValue(written.length === 0 ? '{}' : `{ ${written.join(', ')} }`)
}

function isList(value: TomlValue): boolean {
  return value.text.startsWith('[')
}

function isInlineTable(value: TomlValue): boolean {
  return value.text.startsWith('{')
}

/** Elements by what they mean; undefined when one is there twice, so that this is no set. */
function elementsOf(list: TomlValue): ReadonlyMap<string, TomlValue> | undefined {
  const values = valuesIn(list)
  const elements = new Map(values.map(({ value }) => [value.meaning, value]))
  return elements.size === values.length ? elements : undefined
}

/** The pairs of an inline table by their keys as one writes them. */
function pairsOf(table: TomlValue): ReadonlyMap<string, TomlValue> {
  return new Map(
    valuesIn(table).map(({ part, value }) => [
      part.path.map((name) => (BARE_KEY.test(name) ? name : JSON.stringify(name))).join('.'),
      value,
    ]),
  )
}

function readValue(text: string): TomlValue | undefined {
  const read = readDocument(`value = ${text}\n`)
  return read.ok && read.value.pairs.size === 1 ? [...read.value.pairs.values()][0] : undefined
}

const BARE_KEY = /^[A-Za-z0-9_-]+$/
const NO_ELEMENTS: ReadonlyMap<string, TomlValue> = new Map<string, TomlValue>()
