// Write locks (RFC 4918 §6, §7), in memory: they are short, and a restart ends them. Time and tokens come from outside.
import type { XmlElement } from '../../../../shared/xml/element.ts'
import type { DavPath } from '../xml/path.ts'

export type Lock = {
  readonly token: string
  readonly path: DavPath
  readonly isCollection: boolean
  readonly isDeep: boolean
  readonly isShared: boolean
  /** As the client said who it is. */
  readonly owner?: XmlElement
  readonly user: string
  readonly timeoutSeconds: number
  readonly expiresMs: number
}

/** Of all users; further ones are refused. */
export const LOCKS_LIMIT = 10_000
export const LOCKS_PER_USER = 500
export const TIMEOUT_LIMIT_SECONDS = 86_400
export const DEFAULT_TIMEOUT_SECONDS = 3_600

export class LockTable {
  readonly #locks = new Map<string, Lock[]>()
  readonly #held = new Map<string, number>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** False when there are too many. */
  add(lock: Lock, nowMs: number): boolean {
    if (this.#isFull(lock.user)) this.#dropExpired(nowMs)
    if (this.#isFull(lock.user)) return false
    const key = keyOf(lock.path)
    this.#locks.set(key, [...(this.#locks.get(key) ?? []), lock])
    this.#count(lock.user, 1)
    return true
  }

  /** Locks on a path itself, and deep ones above it. */
  covering(path: DavPath, nowMs: number): readonly Lock[] {
    if (this.#size === 0) return []
    const found: Lock[] = []
    for (let length = 0; length <= path.length; length++) {
      const locks = this.#locks.get(keyOf(path.slice(0, length))) ?? []
      for (const lock of locks)
        if (lock.expiresMs > nowMs && (lock.isDeep || length === path.length)) found.push(lock)
    }
    return found
  }

  /** Locks on what is inside a path. */
  below(path: DavPath, nowMs: number): readonly Lock[] {
    if (this.#size === 0) return []
    const prefix = path.length === 0 ? '' : `${keyOf(path)}\n`
    return [...this.#locks]
      .filter(([key]) => key !== '' && key.startsWith(prefix))
      .flatMap(([, locks]) => locks.filter(({ expiresMs }) => expiresMs > nowMs))
  }

  find(token: string, path: DavPath, nowMs: number): Lock | undefined {
    return this.covering(path, nowMs).find((lock) => lock.token === token)
  }

  refresh(lock: Lock, timeoutSeconds: number, nowMs: number): Lock {
    const renewed = { ...lock, timeoutSeconds, expiresMs: nowMs + timeoutSeconds * 1000 }
    const key = keyOf(lock.path)
    const locks = this.#locks.get(key) ?? []
    this.#locks.set(
      key,
      locks.map((each) => (each.token === lock.token ? renewed : each)),
    )
    return renewed
  }

  remove(lock: Lock): void {
    this.#keep(keyOf(lock.path), (each) => each.token !== lock.token)
  }

  /** What was deleted or moved away holds no lock any more. */
  removeAt(path: DavPath): void {
    if (this.#size === 0) return
    const own = keyOf(path)
    for (const key of this.#locks.keys())
      if (key === own || key.startsWith(`${own}\n`)) this.#keep(key, () => false)
  }

  #dropExpired(nowMs: number): void {
    for (const key of this.#locks.keys()) this.#keep(key, ({ expiresMs }) => expiresMs > nowMs)
  }

  #keep(key: string, isKept: (lock: Lock) => boolean): void {
    const locks = this.#locks.get(key) ?? []
    const kept = locks.filter(isKept)
    for (const lock of locks) if (!isKept(lock)) this.#count(lock.user, -1)
    if (kept.length === 0) this.#locks.delete(key)
    else this.#locks.set(key, kept)
  }

  #isFull(user: string): boolean {
    return this.#size >= LOCKS_LIMIT || (this.#held.get(user) ?? 0) >= LOCKS_PER_USER
  }

  #count(user: string, by: number): void {
    this.#size += by
    const held = (this.#held.get(user) ?? 0) + by
    if (held === 0) this.#held.delete(user)
    else this.#held.set(user, held)
  }
}

/** Segments hold no control characters. */
function keyOf(path: DavPath): string {
  return path.join('\n')
}
