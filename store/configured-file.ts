// A file that the [store] table names: keys, tokens, lists of signers.
import { readFileSync } from 'node:fs'
import { Fatal } from '../shared/result/result.ts'
import { errorCode } from './disk/disk.ts'

/** Throws `Fatal` with the key that named the file. */
export function readConfigured(path: string, key: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Fatal(`store.${key}: cannot read ${path} (${errorCode(error)})`, { cause: error })
  }
}
