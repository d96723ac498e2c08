// Messages of D-Bus (its specification, "Message Protocol"), as far as systemd-resolved is spoken to: calls out, and of what comes
// back whose answer it is and whether it is a fault. Little-endian.

export type BusCall = {
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  /** Of the body: `ia(iay)`. */
  readonly signature: string
  readonly body: Uint8Array
}

export type BusAnswer = {
  /** Of the call that it answers; undefined of what is no answer. */
  readonly serial: number | undefined
  /** The name of the fault, if it is one: `org.freedesktop.DBus.Error.AccessDenied`. */
  readonly fault: string | undefined
}

/** What a first message to a bus has to be. */
export const HELLO: BusCall = {
  destination: 'org.freedesktop.DBus',
  path: '/org/freedesktop/DBus',
  interface: 'org.freedesktop.DBus',
  member: 'Hello',
  signature: '',
  body: new Uint8Array(0),
}

/** Puts values one after the other, each where its type may stand. */
export class BusWriter {
  #octets: number[] = []

  octet(value: number): this {
    this.#octets.push(value & 0xff)
    return this
  }

  number(value: number): this {
    this.align(4)
    for (let i = 0; i < 4; i++) this.octet(value >>> (8 * i))
    return this
  }

  boolean(value: boolean): this {
    return this.number(Number(value))
  }

  text(value: string): this {
    const octets = Buffer.from(value)
    this.number(octets.length)
    this.#octets.push(...octets, 0)
    return this
  }

  signature(value: string): this {
    this.octet(value.length)
    this.#octets.push(...Buffer.from(value), 0)
    return this
  }

  octets(value: Uint8Array): this {
    this.number(value.length)
    this.#octets.push(...value)
    return this
  }

  /** An array of structures: what stands before the first is no part of its length. */
  structures<T>(values: readonly T[], put: (value: T) => void): this {
    this.number(0)
    const lengthAt = this.#octets.length - 4
    this.align(8)
    const from = this.#octets.length
    for (const value of values) {
      this.align(8)
      put(value)
    }
    const length = this.#octets.length - from
    for (let i = 0; i < 4; i++) this.#octets[lengthAt + i] = (length >>> (8 * i)) & 0xff
    return this
  }

  align(to: number): this {
    while (this.#octets.length % to !== 0) this.#octets.push(0)
    return this
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#octets)
  }
}

export function encodeCall(call: BusCall, serial: number): Uint8Array {
  const { destination, path, member, signature, body } = call
  const fields: readonly (readonly [number, string, string])[] = [
    [FIELD.path, 'o', path],
    [FIELD.interface, 's', call.interface],
    [FIELD.member, 's', member],
    [FIELD.destination, 's', destination],
    ...(signature === '' ? [] : [[FIELD.signature, 'g', signature] as const]),
  ]
  const writer = new BusWriter()
  for (const octet of [LITTLE_ENDIAN, TYPE.call, 0, VERSION]) writer.octet(octet)
  writer.number(body.length).number(serial)
  writer.structures(fields, ([code, type, value]) => {
    writer.octet(code).signature(type)
    if (type === 'g') writer.signature(value)
    else writer.text(value)
  })
  return Buffer.concat([writer.align(8).finish(), body])
}

/** Octets of the message that `octets` begins with; undefined while that is not known, and an error when it is none. */
export function messageOctets(octets: Uint8Array): number | 'broken' | undefined {
  if (octets.length < HEAD_OCTETS) return undefined
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
  const length = aligned(HEAD_OCTETS + view.getUint32(12, true), 8) + view.getUint32(4, true)
  return octets[0] !== LITTLE_ENDIAN || length > MESSAGE_LIMIT ? 'broken' : length
}

/** Of a whole message; undefined when it is none. */
export function readAnswer(message: Uint8Array): BusAnswer | undefined {
  const view = Buffer.from(message.buffer, message.byteOffset, message.length)
  const end = HEAD_OCTETS + view.readUInt32LE(12)
  let serial: number | undefined
  let fault: string | undefined
  for (let at = HEAD_OCTETS; at < end;) {
    at = aligned(at, 8)
    // Code, length of the signature, its one letter, NUL.
    if (at + 8 > view.length || view[at + 1] !== 1) return undefined
    const [code, type] = [view[at], String.fromCharCode(view[at + 2]!)]
    const value = at + 4
    if (type === 'u') {
      if (code === FIELD.replySerial) serial = view.readUInt32LE(value)
      at = value + 4
    } else if (type === 's' || type === 'o') {
      const length = view.readUInt32LE(value)
      if (value + 5 + length > view.length) return undefined
      if (code === FIELD.errorName) fault = view.toString('utf8', value + 4, value + 4 + length)
      at = value + 5 + length
    } else if (type === 'g') at = value + view[value]! + 2
    else return undefined
  }
  return { serial, fault: view[1] === TYPE.error ? (fault ?? 'unknown') : undefined }
}

function aligned(at: number, to: number): number {
  return Math.ceil(at / to) * to
}

const LITTLE_ENDIAN = 'l'.charCodeAt(0)
const VERSION = 1
const TYPE = { call: 1, error: 3 } as const
const FIELD = {
  path: 1,
  interface: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  signature: 8,
} as const
/** With the length of the fields, which begin behind it. */
const HEAD_OCTETS = 16
/** Nothing that answers here is longer. */
const MESSAGE_LIMIT = 65_536
