// Which names a ref may have: the rules of git-check-ref-format(1), and that a file of the name can be made.
const NAME_LIMIT_BYTES = 1024
/** With `.lock` behind it, what a file system takes as one name. */
const PART_LIMIT_BYTES = 250

/** Full names only: at least `refs/x`. */
export function isValidRefName(name: string): boolean {
  if (!name.startsWith('refs/') || name.endsWith('.')) return false
  if (Buffer.byteLength(name) > NAME_LIMIT_BYTES) return false
  if (/[\0-\x20\x7f~^:?*[\\]/.test(name)) return false
  if (name.includes('..') || name.includes('@{')) return false
  return name.split('/').every(isValidPart)
}

function isValidPart(part: string): boolean {
  if (part === '' || part.startsWith('.') || part.endsWith('.lock')) return false
  return Buffer.byteLength(part) <= PART_LIMIT_BYTES
}
