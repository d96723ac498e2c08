// What the two sides of a git connection say they can do, in the words of gitprotocol-capabilities(5).

/** Names, and the values of those written `name=value` (a name may come more than once). */
export type Capabilities = ReadonlyMap<string, readonly string[]>

export type ProtocolVersion = 0 | 1 | 2

/** Told to clients as `agent=`. */
export const AGENT = 'cairn'

/** Reads a list separated by spaces; unknown names are kept, empty ones are not. */
export function parseCapabilities(text: string): Capabilities {
  const found = new Map<string, string[]>()
  for (const word of text.trim().split(' ')) {
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    if (name === '') continue
    const values = found.get(name) ?? []
    if (equals >= 0) values.push(word.slice(equals + 1))
    found.set(name, values)
  }
  return found
}

/** The highest version that both speak, from the `Git-Protocol` header or GIT_PROTOCOL (`version=2:…`). */
export function protocolVersion(gitProtocol: string | undefined): ProtocolVersion {
  let version: ProtocolVersion = 0
  for (const word of gitProtocol?.split(':') ?? []) {
    if (word === 'version=2') version = 2
    else if (word === 'version=1' && version === 0) version = 1
  }
  return version
}

/** Of upload-pack in versions 0 and 1. */
export function uploadCapabilities(headRef: string | undefined): string {
  const symref = headRef === undefined ? [] : [`symref=HEAD:${headRef}`]
  return [...UPLOAD, ...symref, 'object-format=sha1', `agent=${AGENT}`].join(' ')
}

/** Of receive-pack, which has no version 2. */
export function receiveCapabilities(): string {
  return [...RECEIVE, 'object-format=sha1', `agent=${AGENT}`].join(' ')
}

/** Lines of the version 2 advertisement after `version 2`. */
export const V2_CAPABILITIES: readonly string[] = [
  `agent=${AGENT}`,
  'ls-refs=unborn',
  'fetch=shallow wait-for-done filter ref-in-want',
  'server-option',
  'object-format=sha1',
]

const UPLOAD = [
  'multi_ack',
  'thin-pack',
  'side-band',
  'side-band-64k',
  'ofs-delta',
  'shallow',
  'deepen-since',
  'deepen-not',
  'deepen-relative',
  'no-progress',
  'include-tag',
  'multi_ack_detailed',
  'allow-tip-sha1-in-want',
  'allow-reachable-sha1-in-want',
  'no-done',
  'filter',
]

const RECEIVE = [
  'report-status',
  'report-status-v2',
  'delete-refs',
  'side-band-64k',
  'quiet',
  'atomic',
  'ofs-delta',
  'push-options',
]
