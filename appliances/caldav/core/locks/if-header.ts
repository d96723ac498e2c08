// The If header (RFC 4918 §10.4): lists of state tokens and entity tags, of which one has to hold.
import { err, ok, type Result } from '../../../../shared/result/result.ts'

export type IfCondition = {
  readonly isNegated: boolean
  readonly token?: string
  readonly etag?: string
}

export type IfList = {
  /** The URL in front; without one it is about the resource of the request. */
  readonly target?: string
  readonly conditions: readonly IfCondition[]
}

/** Longer ones are not a client's. */
const CONDITIONS_LIMIT = 200

export function parseIf(text: string): Result<readonly IfList[], 'malformed'> {
  const lists: IfList[] = []
  let target: string | undefined
  let at = skipSpace(text, 0)
  let count = 0
  while (at < text.length) {
    if (text[at] === '<') {
      const url = read(text, at, TAG)
      if (url === undefined) return err('malformed')
      target = url[1]!
      at = skipSpace(text, at + url[0].length)
      if (text[at] !== '(') return err('malformed')
    }
    if (text[at] !== '(') return err('malformed')
    at = skipSpace(text, at + 1)
    const conditions: IfCondition[] = []
    while (text[at] !== ')') {
      const match = read(text, at, CONDITION)
      if (match === undefined || ++count > CONDITIONS_LIMIT) return err('malformed')
      const [whole, not, token, etag] = match
      conditions.push({
        isNegated: not !== undefined,
        ...(token !== undefined && { token }),
        ...(etag !== undefined && { etag }),
      })
      at = skipSpace(text, at + whole.length)
    }
    if (conditions.length === 0) return err('malformed')
    lists.push({ ...(target !== undefined && { target }), conditions })
    at = skipSpace(text, at + 1)
  }
  return lists.length === 0 ? err('malformed') : ok(lists)
}

/** Every token that is named, whether its condition holds or not: naming it is what submits it. */
export function tokensOf(lists: readonly IfList[]): ReadonlySet<string> {
  return new Set(
    lists.flatMap(({ conditions }) =>
      conditions.flatMap(({ token, isNegated }) =>
        token === undefined || isNegated ? [] : [token],
      ),
    ),
  )
}

function read(text: string, at: number, pattern: RegExp): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(text) ?? undefined
}

function skipSpace(text: string, at: number): number {
  let end = at
  while (text[end] === ' ' || text[end] === '\t') end++
  return end
}

const TAG = /<([^<>\s]{1,4096})>/y
const CONDITION = /(Not\s+|Not(?=[<[]))?(?:<([^<>\s]{1,4096})>|\[((?:W\/)?"[^"]{0,4096}")\])/iy
