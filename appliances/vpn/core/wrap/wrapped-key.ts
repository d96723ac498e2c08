// Keys of tls-crypt-v2: a client brings its own tls-crypt key, wrapped by a key that only the server has.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { counterMode } from './control-wrap.ts'
import { STATIC_KEY_OCTETS } from './static-key.ts'

const TAG_OCTETS = 32
const LENGTH_OCTETS = 2
const WRAPPED_KEY_LIMIT = 1024
const WRAPPED_KEY_LEAST = TAG_OCTETS + STATIC_KEY_OCTETS + LENGTH_OCTETS
const SERVER_KEY_OCTETS = 128
/** The first octet of metadata. */
export const METADATA = { user: 0, timestamp: 1 } as const

/** Of a server: what it wraps and unwraps with. */
export type ServerKey = { readonly cipher: Uint8Array; readonly hmac: Uint8Array }

/** `wrapped` is opaque to the client, which sends it along. */
export type ClientKey = { readonly key: Uint8Array; readonly wrapped: Uint8Array }

export type UnwrappedKey = {
  readonly key: Uint8Array
  /** Empty when none was given; else a type and what belongs to it. */
  readonly metadata: Uint8Array
}

const SERVER_KEY_NAME = 'OpenVPN tls-crypt-v2 server key'
const CLIENT_KEY_NAME = 'OpenVPN tls-crypt-v2 client key'

export function serverKeyOf(octets: Uint8Array): ServerKey {
  return { cipher: octets.subarray(0, 32), hmac: octets.subarray(64, 96) }
}

export function parseServerKey(text: string): Result<ServerKey, string> {
  const octets = pemOctets(text, SERVER_KEY_NAME)
  if (!octets.ok) return octets
  if (octets.value.length !== SERVER_KEY_OCTETS)
    return err(`expected ${SERVER_KEY_OCTETS} octets, found ${octets.value.length}`)
  return ok(serverKeyOf(octets.value))
}

export function parseClientKey(text: string): Result<ClientKey, string> {
  const octets = pemOctets(text, CLIENT_KEY_NAME)
  if (!octets.ok) return octets
  const { length } = octets.value
  const rest = length - STATIC_KEY_OCTETS
  if (rest < WRAPPED_KEY_LEAST || rest > WRAPPED_KEY_LIMIT) return err(`a key of ${length} octets`)
  const key = octets.value.subarray(0, STATIC_KEY_OCTETS)
  return ok({ key, wrapped: octets.value.subarray(STATIC_KEY_OCTETS) })
}

/** `octets` are 128 random ones. */
export function formatServerKey(octets: Uint8Array): string {
  return pem(SERVER_KEY_NAME, octets)
}

export function formatClientKey({ key, wrapped }: ClientKey): string {
  return pem(CLIENT_KEY_NAME, Buffer.concat([key, wrapped]))
}

/** `metadata` at most 734 octets, the first of them its type. */
export function wrapKey(server: ServerKey, key: Uint8Array, metadata: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_OCTETS)
  length.writeUInt16BE(WRAPPED_KEY_LEAST + metadata.length)
  const clear = Buffer.concat([key, metadata])
  const tag = createHmac('sha256', server.hmac).update(length).update(clear).digest()
  return Buffer.concat([tag, counterMode(server.cipher, tag, clear), length])
}

/**
 * Where the wrapped key at the end of `packet` begins; undefined when its length cannot be right. The length is a
 * stranger's word and looked at before anything else (CVE-2025-2704).
 */
export function wrappedKeyStart(packet: Uint8Array, headOctets: number): number | undefined {
  if (packet.length < headOctets + WRAPPED_KEY_LEAST) return undefined
  const length = (packet[packet.length - 2]! << 8) | packet[packet.length - 1]!
  if (length < WRAPPED_KEY_LEAST || length > WRAPPED_KEY_LIMIT) return undefined
  const start = packet.length - length
  return start < headOctets ? undefined : start
}

/** Undefined when it was not wrapped with our key. `wrapped` as `wrappedKeyStart` found it. */
export function unwrapKey(server: ServerKey, wrapped: Uint8Array): UnwrappedKey | undefined {
  const tag = wrapped.subarray(0, TAG_OCTETS)
  const length = wrapped.subarray(wrapped.length - LENGTH_OCTETS)
  const sealed = wrapped.subarray(TAG_OCTETS, wrapped.length - LENGTH_OCTETS)
  const clear = counterMode(server.cipher, tag, sealed)
  const expected = createHmac('sha256', server.hmac).update(length).update(clear).digest()
  if (!timingSafeEqual(expected, tag)) return undefined
  return { key: clear.subarray(0, STATIC_KEY_OCTETS), metadata: clear.subarray(STATIC_KEY_OCTETS) }
}

/** The octets of a PEM block, or what is wrong. */
export function pemOctets(text: string, name: string): Result<Uint8Array, string> {
  const begin = `-----BEGIN ${name}-----`
  const start = text.indexOf(begin)
  const end = text.indexOf(`-----END ${name}-----`, start)
  if (start < 0 || end < 0) return err(`no "${begin}" with its end`)
  const base64 = text.slice(start + begin.length, end).replaceAll(/\s/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) return err('something else than base64 in the key')
  return ok(Uint8Array.from(Buffer.from(base64, 'base64')))
}

function pem(name: string, octets: Uint8Array): string {
  const lines = Buffer.from(octets)
    .toString('base64')
    .match(/.{1,64}/g)!
  return [`-----BEGIN ${name}-----`, ...lines, `-----END ${name}-----`, ''].join('\n')
}
