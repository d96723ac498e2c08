// The packed-refs file: a line per ref, and under an annotated tag the commit it peels to.
import { isOid, type Oid } from '../object/oid.ts'

export type PackedRef = { readonly name: string; readonly oid: Oid; readonly peeled?: Oid }

export type PackedRefs = {
  /** The first line's words behind `# pack-refs with:`, e.g. `peeled fully-peeled sorted`; '' when there is none. */
  readonly traits: string
  readonly refs: readonly PackedRef[]
}

/** Lines that are no ref are passed over, as git passes over comments. */
export function parsePackedRefs(bytes: Uint8Array): PackedRefs {
  const refs: { name: string; oid: Oid; peeled?: Oid }[] = []
  let traits = ''
  for (const line of Buffer.from(bytes).toString('utf8').split('\n')) {
    if (line.startsWith('# pack-refs with:')) traits = line.slice(17).trim()
    else if (line.startsWith('^')) {
      const peeled = line.slice(1)
      const last = refs.at(-1)
      if (last !== undefined && isOid(peeled)) last.peeled = peeled
    } else {
      const oid = line.slice(0, 40)
      if (isOid(oid) && line[40] === ' ') refs.push({ name: line.slice(41), oid })
    }
  }
  return { traits, refs }
}

export function formatPackedRefs({ traits, refs }: PackedRefs): Uint8Array {
  const lines = traits === '' ? [] : [`# pack-refs with: ${traits} `]
  for (const { name, oid, peeled } of refs.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    lines.push(`${oid} ${name}`)
    if (peeled !== undefined) lines.push(`^${peeled}`)
  }
  return Buffer.from(lines.map((line) => `${line}\n`).join(''), 'utf8')
}
