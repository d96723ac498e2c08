// A record from the words of a command line: names are whole names, as people type them there, but for names of one
// label, which are below the zone; strings need no quotes of a zone file.
import { labelCount, ROOT, type Name } from '../../../../shared/dns/name.ts'
import { parseRdata, rdataNames } from '../../../../shared/dns/rdata.ts'
import { isMetaType, TYPE, typeNumber } from '../../../../shared/dns/record-types.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { wordForm } from '../../../../shared/zone-text/zone-text-entry.ts'
import { ZoneLexer } from '../../../../shared/zone-text/zone-text-lexer.ts'

/** The number of a type that a zone can hold. */
export function parseRecordType(word: string): Result<number, string> {
  const type = typeNumber(word)
  if (type === undefined) return err(`Unknown record type ${word}`)
  return isMetaType(type) ? err(`No zone has records of type ${word}`) : ok(type)
}

/** `words` in octets (latin1); the error is a sentence. */
export function parseRecordData(
  type: number,
  words: readonly string[],
  zone: Name,
): Result<Uint8Array, string> {
  const tokens =
    type === TYPE.TXT || type === TYPE.SPF ? words.flatMap(strings) : lexed(type, words)
  const whole = parseRdata(type, tokens, ROOT)
  const isShort =
    whole.ok && rdataNames(type, whole.value).some(({ name }) => labelCount(name) === 1)
  return isShort || !whole.ok ? parseRdata(type, tokens, zone) : whole
}

/** In pieces that fit a character string (RFC 1035 §3.3). */
function strings(word: string): readonly string[] {
  if (word.startsWith('"')) return lexed(TYPE.TXT, [word])
  const pieces: string[] = []
  for (let at = 0; at === 0 || at < word.length; at += STRING_LIMIT)
    pieces.push(`"${word.slice(at, at + STRING_LIMIT).replaceAll(/["\\]/g, String.raw`\$&`)}"`)
  return pieces
}

function lexed(type: number, words: readonly string[]): readonly string[] {
  const lexer = new ZoneLexer(Buffer.from(words.join(' '), 'latin1'), 0, 0)
  const tokens: string[] = []
  const form = wordForm(type)
  for (let word = lexer.next(form); word !== undefined; word = lexer.next(form)) tokens.push(word)
  return tokens
}

const STRING_LIMIT = 255
