// Key method 2: the first message through each TLS session, with which both sides exchange random octets, what they
// can do (peer info) and, from the client, user and password.
import { err, ok, type Result } from '../../../../shared/result/result.ts'

const RANDOM_OCTETS = 32
const PRE_MASTER_OCTETS = 48
const METHOD = 2
const HEAD_OCTETS = 5
const OPTIONS_LIMIT = 2048
const CREDENTIAL_LIMIT = 4096
const PEER_INFO_LIMIT = 8192
/** Of a whole message: a longer one ends the session before it is kept. */
export const KEY_MESSAGE_LIMIT = 20_000

export type KeySource = {
  /** From the client alone. */
  readonly preMaster: Uint8Array | undefined
  readonly random1: Uint8Array
  readonly random2: Uint8Array
}

export type KeyMessage = {
  readonly source: KeySource
  /** `V4,dev-type tun,...`: for warnings, and the cipher of peers that negotiate none. */
  readonly options: string
  readonly user: string
  readonly password: string
  readonly peerInfo: PeerInfo
}

/** `NAME=VALUE` of the other side; `IV_PROTO` tells what it can do. */
export type PeerInfo = ReadonlyMap<string, string>

export function randomSource(isClient: boolean, random: (octets: number) => Uint8Array): KeySource {
  return {
    preMaster: isClient ? random(PRE_MASTER_OCTETS) : undefined,
    random1: random(RANDOM_OCTETS),
    random2: random(RANDOM_OCTETS),
  }
}

export function encodeKeyMessage(message: KeyMessage): Uint8Array {
  const { source, options, user, password, peerInfo } = message
  const info = [...peerInfo].map(([name, value]) => `${name}=${value}\n`).join('')
  return Buffer.concat([
    Uint8Array.of(0, 0, 0, 0, METHOD),
    source.preMaster ?? new Uint8Array(0),
    source.random1,
    source.random2,
    ...[options, user, password, info].map(encodeText),
  ])
}

/**
 * Decodes what has come of a message so far: `undefined` when more is to come. `octets` behind it are given back.
 * `fromClient`: with a pre-master secret.
 */
export function decodeKeyMessage(
  octets: Uint8Array,
  fromClient: boolean,
): Result<{ readonly message: KeyMessage; readonly rest: Uint8Array } | undefined, string> {
  const preMasterOctets = fromClient ? PRE_MASTER_OCTETS : 0
  const randomsEnd = HEAD_OCTETS + preMasterOctets + 2 * RANDOM_OCTETS
  if (octets.length < randomsEnd) return ok(undefined)
  if (octets[0] !== 0 || octets[1] !== 0 || octets[2] !== 0 || octets[3] !== 0)
    return err('a key message that does not begin with zeros')
  if ((octets[4]! & 15) !== METHOD) return err(`key method ${octets[4]! & 15}`)
  const random1 = HEAD_OCTETS + preMasterOctets
  const texts: string[] = []
  let at = randomsEnd
  for (const limit of [OPTIONS_LIMIT, CREDENTIAL_LIMIT, CREDENTIAL_LIMIT, PEER_INFO_LIMIT]) {
    // Old peers end before the peer info, or before the user.
    if (at === octets.length && texts.length > 0) {
      if (texts.length === 1 || texts.length === 3) break
      return ok(undefined)
    }
    if (octets.length < at + 2) return ok(undefined)
    const length = (octets[at]! << 8) | octets[at + 1]!
    if (length > limit) return err(`a text of ${length} octets in a key message`)
    if (octets.length < at + 2 + length) return ok(undefined)
    texts.push(textOf(octets.subarray(at + 2, at + 2 + length)))
    at += 2 + length
  }
  const source = {
    preMaster: fromClient ? new Uint8Array(octets.subarray(HEAD_OCTETS, random1)) : undefined,
    random1: new Uint8Array(octets.subarray(random1, random1 + RANDOM_OCTETS)),
    random2: new Uint8Array(octets.subarray(random1 + RANDOM_OCTETS, randomsEnd)),
  }
  const [options = '', user = '', password = '', info = ''] = texts
  const message = { source, options, user, password, peerInfo: parsePeerInfo(info) }
  return ok({ message, rest: octets.subarray(at) })
}

export function parsePeerInfo(text: string): PeerInfo {
  const info = new Map<string, string>()
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=')
    if (equals > 0) info.set(line.slice(0, equals), line.slice(equals + 1))
  }
  return info
}

/** With its length in front, which counts the zero at its end; nothing at all is a length of 0. */
function encodeText(text: string): Uint8Array {
  const octets = Buffer.from(text)
  const length = octets.length === 0 ? 0 : octets.length + 1
  const encoded = Buffer.alloc(2 + length)
  encoded.writeUInt16BE(length)
  octets.copy(encoded, 2)
  return encoded
}

function textOf(octets: Uint8Array): string {
  const text = Buffer.from(octets).toString('utf8')
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}
