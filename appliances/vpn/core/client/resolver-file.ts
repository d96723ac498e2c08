// A resolver's configuration (resolv.conf(5)) with the servers of the tunnel, and in it what was there before.

const MARK =
  '# Made by cairn-vpn; the lines with #| are what was here before, and come back when it stops.'
const KEPT = '#| '
/** What the C library reads of a file. */
const SERVERS_LIMIT = 3

/** `before` is the text of the file as it is; undefined when there is none. */
export function resolverFile(
  dns: readonly string[],
  domains: readonly string[],
  before: string | undefined,
): string {
  const kept = before === undefined ? [] : linesOf(resolverFileBefore(before) ?? '')
  return `${[
    MARK,
    ...kept.map((line) => `${KEPT}${line}`),
    ...(domains.length === 0 ? [] : [`search ${domains.join(' ')}`]),
    ...dns.slice(0, SERVERS_LIMIT).map((address) => `nameserver ${address}`),
  ].join('\n')}\n`
}

/** What the file was before us; the text itself when it is none of ours. Undefined when there was none. */
export function resolverFileBefore(text: string): string | undefined {
  const [first, ...lines] = linesOf(text)
  if (first !== MARK) return text
  const kept = lines.filter((line) => line.startsWith(KEPT))
  return kept.length === 0 ? undefined : `${kept.map((l) => l.slice(KEPT.length)).join('\n')}\n`
}

function linesOf(text: string): readonly string[] {
  return text.replace(/\n$/, '').split('\n')
}
