// A TSIG key as people hand it to a command: `name:algorithm:secret`, BIND's `algorithm:name:secret`, or what is in the
// file that tsig-keygen and others write.
import { canonicalName, parseName, ROOT } from '../../../../shared/dns/name.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import type { Key, TsigAlgorithm } from '../../../../shared/tsig/key.ts'

/** The error is a sentence that says nothing of the secret. */
export function parseKeyWords(text: string): Result<Key, string> {
  const clause = /\bkey\s+"?([^\s"{;]+)"?\s*\{([^}]*)\}/.exec(text)
  if (clause !== null) {
    const value = (word: string): string | undefined =>
      new RegExp(`\\b${word}\\s+"?([^\\s";]+)"?\\s*;`).exec(clause[2]!)?.[1]
    return keyOf(clause[1]!, value('algorithm'), value('secret'))
  }
  const words = text.trim().split(':')
  if (words.length === 2) return keyOf(words[0]!, 'hmac-sha256', words[1])
  if (words.length !== 3)
    return err('Expected name:algorithm:secret, or a file with a key "…" { … }')
  const isAlgorithmFirst = algorithmOf(words[0]!) !== undefined
  const [name, algorithm] = isAlgorithmFirst ? [words[1]!, words[0]] : [words[0]!, words[1]]
  return keyOf(name, algorithm, words[2])
}

function keyOf(
  nameText: string,
  algorithmText: string | undefined,
  secretText: string | undefined,
): Result<Key, string> {
  const name = parseName(nameText, ROOT)
  if (!name.ok) return err(`${nameText} is no name of a key: ${name.error}`)
  const algorithm = algorithmOf(algorithmText ?? '')
  if (algorithm === undefined)
    return err(`Algorithm ${algorithmText ?? 'missing'}: expected one of ${ALGORITHMS.join(', ')}`)
  const secret = Buffer.from(secretText ?? '', 'base64')
  if (secret.length === 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(secretText ?? ''))
    return err('The secret is not base64')
  return ok({ name: canonicalName(name.value), algorithm, secret, grants: [] })
}

function algorithmOf(word: string): TsigAlgorithm | undefined {
  return ALGORITHMS.find((name) => name === word.toLowerCase().replace(/\.$/, ''))
}

const ALGORITHMS: readonly TsigAlgorithm[] = [
  'hmac-sha256',
  'hmac-sha384',
  'hmac-sha512',
  'hmac-sha224',
  'hmac-sha1',
]
