// Which names a ref may have: the rules of git-check-ref-format(1).
const NAME_LIMIT_BYTES = 255

/** Full names only: at least `refs/x`. */
export function isValidRefName(name: string): boolean {
  if (!name.startsWith('refs/') || Buffer.byteLength(name) > NAME_LIMIT_BYTES) return false
  if (/[\0-\x20\x7f~^:?*[\\]/.test(name)) return false
  if (name.includes('..') || name.includes('@{')) return false
  return name
    .split('/')
    .every(
      (part) =>
        part !== '' && !part.startsWith('.') && !part.endsWith('.') && !part.endsWith('.lock'),
    )
}
