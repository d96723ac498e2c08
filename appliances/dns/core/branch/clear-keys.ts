// Private keys in clear among files that others may clone: refused, with file and line.
import type { Snapshot } from '../../../../store/api.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'

/** BIND's and everybody's forms of a private key. */
const PRIVATE_KEY = /^(?:Private-key-format: v\d|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----)/m

/** One of these is in all that matches. */
const WORDS = ['Private-key-format: v', 'PRIVATE KEY-----']

/** Of the files in which `candidate` differs from `before`. */
export function clearKeys(candidate: Snapshot, before: Snapshot): readonly Problem[] {
  const problems: Problem[] = []
  for (const { path } of candidate.diff(before)) {
    const bytes = candidate.get(path)
    if (bytes === undefined) continue
    const octets = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    // Zones are large, and hardly ever have any of this.
    if (!WORDS.some((word) => octets.includes(word))) continue
    const text = octets.toString('latin1')
    const at = PRIVATE_KEY.exec(text)?.index
    if (at === undefined) continue
    const line = text.slice(0, at).split('\n').length
    const message = 'A private key in clear, for everyone who may clone: keep it in the key folder'
    problems.push(problem(message, { file: path, line }))
  }
  return problems
}
