// dnstap (dnstap.info, dnstap.proto): what an authoritative server received and answered, in protocol buffers. Only the
// fields that we fill are known here, and nothing is read.
import type { Client, Transport } from '../../../../shared/dns-server/core/client.ts'

export const DNSTAP_KIND = { AUTH_QUERY: 1, AUTH_RESPONSE: 2 } as const

export type DnstapEvent = {
  readonly kind: (typeof DNSTAP_KIND)[keyof typeof DNSTAP_KIND]
  readonly client: Client
  readonly message: Uint8Array
  /** Milliseconds since 1970. */
  readonly wallMs: number
}

const DNSTAP = { IDENTITY: 1, VERSION: 2, MESSAGE: 14, TYPE: 15 } as const
const TYPE_MESSAGE = 1
const FIELD = {
  KIND: 1,
  FAMILY: 2,
  PROTOCOL: 3,
  QUERY_ADDRESS: 4,
  QUERY_PORT: 6,
  QUERY_SECONDS: 8,
  QUERY_NANOSECONDS: 9,
  QUERY: 10,
  RESPONSE_SECONDS: 12,
  RESPONSE_NANOSECONDS: 13,
  RESPONSE: 14,
} as const
const FAMILY = { IPV4: 1, IPV6: 2 } as const
const PROTOCOL: { readonly [transport in Transport]: number } = { udp: 1, tcp: 2, tls: 3, https: 4 }
const WIRE = { VARINT: 0, BYTES: 2, FIXED32: 5 } as const
/** More than all fields but the message take. */
const FIXED_OCTETS = 96

/** Both texts are for the reader to know who wrote. */
export function encodeDnstap(
  event: DnstapEvent,
  who: { readonly identity: string; readonly version: string },
): Uint8Array {
  const { kind, client, message, wallMs } = event
  const { octets } = client
  const isQuery = kind === DNSTAP_KIND.AUTH_QUERY
  const inner = new ProtobufWriter(FIXED_OCTETS + message.length)
  inner.varint(FIELD.KIND, kind)
  inner.varint(FIELD.FAMILY, octets.length === 4 ? FAMILY.IPV4 : FAMILY.IPV6)
  inner.varint(FIELD.PROTOCOL, PROTOCOL[client.transport])
  inner.bytes(FIELD.QUERY_ADDRESS, octets)
  inner.varint(FIELD.QUERY_PORT, client.port)
  inner.varint(isQuery ? FIELD.QUERY_SECONDS : FIELD.RESPONSE_SECONDS, Math.floor(wallMs / 1000))
  const nanoseconds = Math.floor((wallMs % 1000) * 1_000_000)
  inner.fixed32(isQuery ? FIELD.QUERY_NANOSECONDS : FIELD.RESPONSE_NANOSECONDS, nanoseconds)
  inner.bytes(isQuery ? FIELD.QUERY : FIELD.RESPONSE, message)
  const identity = Buffer.from(who.identity)
  const version = Buffer.from(who.version)
  const room = FIXED_OCTETS + identity.length + version.length + inner.written.length
  const outer = new ProtobufWriter(room)
  outer.bytes(DNSTAP.IDENTITY, identity)
  outer.bytes(DNSTAP.VERSION, version)
  outer.bytes(DNSTAP.MESSAGE, inner.written)
  outer.varint(DNSTAP.TYPE, TYPE_MESSAGE)
  return outer.written
}

class ProtobufWriter {
  readonly #out: Uint8Array
  #at = 0

  constructor(octets: number) {
    this.#out = new Uint8Array(octets)
  }

  get written(): Uint8Array {
    return this.#out.subarray(0, this.#at)
  }

  varint(field: number, value: number): void {
    this.#varint((field << 3) | WIRE.VARINT)
    this.#varint(value)
  }

  fixed32(field: number, value: number): void {
    this.#varint((field << 3) | WIRE.FIXED32)
    for (let shift = 0; shift < 32; shift += 8) this.#out[this.#at++] = value >>> shift
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#varint((field << 3) | WIRE.BYTES)
    this.#varint(bytes.length)
    this.#out.set(bytes, this.#at)
    this.#at += bytes.length
  }

  #varint(value: number): void {
    let left = value
    for (; left > 0x7f; left = Math.floor(left / 128)) this.#out[this.#at++] = (left % 128) | 0x80
    this.#out[this.#at++] = left
  }
}
