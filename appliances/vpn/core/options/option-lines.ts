// OpenVPN's configuration text: an option a line, quoted and escaped as its own parser reads them, with inline blocks
// such as `<ca>` … `</ca>`.
import { problem, type Problem } from '../../../../shared/result/problem.ts'

export type OptionLine = {
  readonly name: string
  readonly words: readonly string[]
  /** From 1. */
  readonly line: number
  /** The content of an inline block of that name; `words` are empty then. */
  readonly block: string | undefined
}

const LINE_LIMIT = 4096
const WORDS_LIMIT = 16
const TEXT_LIMIT = 2_000_000

export type ReadOptions = {
  readonly options: readonly OptionLine[]
  readonly problems: readonly Problem[]
}

export function readOptions(text: string, file: string): ReadOptions {
  const options: OptionLine[] = []
  const problems: Problem[] = []
  const complain = (message: string, line: number): void =>
    void problems.push(problem(message, { file, line }))
  if (text.length > TEXT_LIMIT) {
    complain(`Is longer than ${TEXT_LIMIT} characters`, 1)
    return { options, problems }
  }
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    const opening = /^\s*<([A-Za-z0-9-]+)>\s*$/.exec(lines[at]!)
    if (opening !== null) {
      const name = opening[1]!
      const end = lines.findIndex((each, i) => i > at && each.trim() === `</${name}>`)
      if (end < 0) {
        complain(`<${name}> has no </${name}>`, line)
        break
      }
      const block = `${lines.slice(at + 1, end).join('\n')}\n`
      options.push({ name, words: [], line, block })
      at = end
      continue
    }
    if (lines[at]!.length > LINE_LIMIT) {
      complain(`A line of more than ${LINE_LIMIT} characters`, line)
      continue
    }
    const words = wordsOf(lines[at]!)
    if (typeof words === 'string') complain(words, line)
    else if (words.length > WORDS_LIMIT) complain(`More than ${WORDS_LIMIT} words`, line)
    else if (words.length > 0)
      options.push({
        name: words[0]!.replace(/^--/, ''),
        words: words.slice(1),
        line,
        block: undefined,
      })
  }
  return { options, problems }
}

/** The words of one line, or what is wrong with it. `#` and `;` begin a comment where a word would begin. */
export function wordsOf(line: string): readonly string[] | string {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!
    if (quote === "'") {
      if (char === "'") quote = ''
      else word += char
    } else if (char === '\\') {
      if (i + 1 === line.length) return 'A backslash at the end of the line'
      word = (word ?? '') + line[++i]!
    } else if (quote === '"') {
      if (char === '"') quote = ''
      else word += char
    } else if (char === '"' || char === "'") {
      quote = char
      word ??= ''
    } else if (char === ' ' || char === '\t') {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if ((char === '#' || char === ';') && word === undefined) break
    else word = (word ?? '') + char
  }
  if (quote !== '') return `A ${quote === '"' ? 'double' : 'single'} quote that does not end`
  if (word !== undefined) words.push(word)
  return words
}
