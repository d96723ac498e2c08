// Which client had which address, as the file `pool` of the branch `sessions` has it: `10.8.0.2 "laptop"`, a line each, the
// one that was given out last at the end.
import { formatAddress, parseAddress } from '../../../../shared/net/address.ts'

export const POOL_FILE = 'pool'

export type Remembered = { readonly owner: string; readonly ipv4: Uint8Array }

export function formatPool(all: Iterable<Remembered>): string {
  return Array.from(
    all,
    ({ owner, ipv4 }) => `${formatAddress(ipv4)} ${JSON.stringify(owner)}\n`,
  ).join('')
}

/** What does not read is left out, and its line told. */
export function parsePool(text: string): {
  readonly remembered: readonly Remembered[]
  readonly badLines: readonly number[]
} {
  const remembered: Remembered[] = []
  const badLines: number[] = []
  for (const [i, line] of text.split('\n').entries()) {
    if (line === '') continue
    const [, address = '', quoted = ''] = /^([0-9.]+) (".*")$/.exec(line) ?? []
    const ipv4 = parseAddress(address)
    const owner = unquoted(quoted)
    if (ipv4?.length !== 4 || owner === undefined) badLines.push(i + 1)
    else remembered.push({ owner, ipv4 })
  }
  return { remembered, badLines }
}

function unquoted(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined // Not what we wrote.
  }
}
