// Keys, certificates and profiles as text, within bounds.
import { readFileSync, statSync } from 'node:fs'
import { err, ok, type Result } from '../../shared/result/result.ts'

const LIMIT_BYTES = 1_048_576

/** Or why it cannot be read, for a `Problem` with the file. */
export function readTextFile(file: string): Result<string, string> {
  try {
    if (statSync(file).size > LIMIT_BYTES) return err(`Is larger than ${LIMIT_BYTES} bytes`)
    return ok(readFileSync(file, 'utf8'))
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    return err(`Cannot be read (${code})`)
  }
}
