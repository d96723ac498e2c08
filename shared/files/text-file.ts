// Small files that a configuration names (certificates, keys, secrets, itself) as text within bounds.
import { readFileSync, statSync } from 'node:fs'
import { err, ok, type Result } from '../result/result.ts'

/** No certificate chain, key, profile or configuration comes near this size. */
export const TEXT_FILE_LIMIT_BYTES = 1_048_576

/** Or why it cannot be read, for a `Problem` with the file. */
export function readTextFile(file: string): Result<string, string> {
  try {
    if (statSync(file).size > TEXT_FILE_LIMIT_BYTES)
      return err(`Is larger than ${TEXT_FILE_LIMIT_BYTES} bytes`)
    return ok(readFileSync(file, 'utf8'))
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    return err(`Cannot be read (${code})`)
  }
}
