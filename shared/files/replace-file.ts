// A small file of state written anew: whole or not at all, whenever the power goes.
import { closeSync, constants, openSync, renameSync, writeSync } from 'node:fs'

/**
 * The old content or the new one, and on the disk when it returns: by O_SYNC, since Node's permission model refuses fsync.
 * The folder has to be there; a file that is there keeps nothing, its mode included. Throws what the system says.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode: number): void {
  const { O_CREAT, O_SYNC, O_TRUNC, O_WRONLY } = constants
  const temporary = `${path}.new`
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  writeAll(openSync(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_SYNC, mode), bytes)
  renameSync(temporary, path)
}

/** Writes all of it where `fd` stands, and closes it. Throws what the system says. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
  } finally {
    closeSync(fd)
  }
}
