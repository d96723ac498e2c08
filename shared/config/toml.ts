// TOML text to values: the only importer of smol-toml, with the outline beside the values for their places.
import { parse, TomlError } from 'smol-toml'
import { err, ok, type Result } from '../result/result.ts'
import { outlineToml, type TomlItem, type TomlOutlineError } from './toml-outline.ts'

export type TomlTable = { [key: string]: unknown }

export type ParsedToml = { readonly table: TomlTable; readonly items: readonly TomlItem[] }

/** Only the first problem: after a slip in the syntax the rest of a TOML text says little. */
export function parseToml(text: string): Result<ParsedToml, TomlOutlineError> {
  const outline = outlineToml(text)
  if (!outline.ok) return outline
  try {
    return ok({ table: parse(text), items: outline.value })
  } catch (refusal) {
    if (!(refusal instanceof TomlError)) throw refusal
    const [sentence = ''] = refusal.message.replace(/^Invalid TOML document: /, '').split('\n')
    return err({
      line: refusal.line,
      message: sentence.charAt(0).toUpperCase() + sentence.slice(1),
    })
  }
}
