// The packed-refs file: a line per ref, and under an annotated tag the commit it peels to.
import { isOid, type Oid } from '../object/oid.ts'

export type PackedRef = {
  readonly name: string
  readonly oid: Oid
  readonly peeled?: Oid
  /** The name's bytes (latin1) where they are not UTF-8, so that it is written back as it was. */
  readonly exact?: string
}

export type PackedRefs = {
  /** The first line's words behind `# pack-refs with:`, e.g. `peeled fully-peeled sorted`; '' when there is none. */
  readonly traits: string
  readonly refs: readonly PackedRef[]
}

/** Lines that are no ref are passed over, as git passes over comments. */
export function parsePackedRefs(bytes: Uint8Array): PackedRefs {
  const refs: { -readonly [K in keyof PackedRef]: PackedRef[K] }[] = []
  let traits = ''
  // The ref the line before was, if it was one.
  let open: (typeof refs)[number] | undefined
  for (const line of Buffer.from(bytes).toString('latin1').split('\n')) {
    if (line.startsWith('# pack-refs with:')) traits = line.slice(17).trim()
    const peeled = line.slice(1)
    if (open !== undefined && line.startsWith('^') && isOid(peeled)) open.peeled = peeled
    open = parseRef(line)
    if (open !== undefined) refs.push(open)
  }
  return { traits, refs }
}

/** Sorted by the bytes of the names: git looks names up by halves where the traits say `sorted`. */
export function formatPackedRefs({ traits, refs }: PackedRefs): Uint8Array {
  const lines = traits === '' ? [] : [`# pack-refs with: ${traits} `]
  const named = refs.map((ref) => ({ ...ref, bytes: ref.exact ?? latin1(ref.name) }))
  for (const { oid, bytes, peeled } of named.sort((a, b) => (a.bytes < b.bytes ? -1 : 1))) {
    lines.push(`${oid} ${bytes}`)
    if (peeled !== undefined) lines.push(`^${peeled}`)
  }
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
}

function parseRef(line: string): { name: string; oid: Oid; exact?: string } | undefined {
  const oid = line.slice(0, 40)
  if (!isOid(oid) || line[40] !== ' ') return undefined
  const exact = line.slice(41)
  const name = Buffer.from(exact, 'latin1').toString('utf8')
  return latin1(name) === exact ? { name, oid } : { name, oid, exact }
}

/** One character per byte of the UTF-8, so that strings compare as the bytes do. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
