// The file in which the cache waits for the next start: written when the resolver stops, read once when it starts.
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Log } from '../../shared/log/log.ts'
import type { AnswerCache } from './core/cache/answer-cache.ts'
import { decodeCache, encodeCache } from './core/cache/cache-image.ts'

/** Written within the seconds that a stop may take. */
const FILE_LIMIT_OCTETS = 64_000_000
/** Links in one call of the system. */
const PARTS_AT_ONCE = 1024

/**
 * Puts what the file has into the cache, and takes the file away: after a crash nothing comes back that was flushed since. What
 * cannot be read is said in the log, and the cache begins empty.
 */
export function loadCache(path: string, cache: AnswerCache, nowMs: number, log: Log): void {
  let octets
  try {
    const { size } = statSync(path)
    if (size > FILE_LIMIT_OCTETS)
      return refused(path, `Is larger than ${FILE_LIMIT_OCTETS} bytes`, log)
    octets = readFileSync(path)
    rmSync(path)
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    if (code !== 'ENOENT') refused(path, `Cannot be read and removed (${code})`, log)
    return
  }
  const links = decodeCache(octets, nowMs)
  if (!links.ok) return refused(path, links.error, log)
  for (const link of links.value) cache.put(link)
  log.info('cache-loaded', { file: path, answers: links.value.length })
}

/** Whole or not at all; a fault is said in the log, since a resolver that cannot keep its cache still stops well. */
export function saveCache(path: string, cache: AnswerCache, nowMs: number, log: Log): void {
  const parts = encodeCache(cache.links(), FILE_LIMIT_OCTETS, nowMs)
  const temporary = `${path}.new`
  try {
    mkdirSync(dirname(path), { recursive: true })
    const { O_CREAT, O_TRUNC, O_WRONLY } = constants
    // Names that people asked for are nobody else's business.
    const fd = openSync(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try {
      for (let at = 0; at < parts.length; at += PARTS_AT_ONCE)
        writeAll(fd, Buffer.concat(parts.slice(at, at + PARTS_AT_ONCE)))
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
    log.info('cache-saved', { file: path, answers: parts.length - FRAME_PARTS })
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException
    log.error('cache-not-saved', { file: path, why: code })
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
}

function refused(path: string, why: string, log: Log): void {
  log.error('cache-not-loaded', { file: path, why })
}

/** Of what is written: the magic, the count, the sum. */
const FRAME_PARTS = 3
