// TSIG put together octet by octet from RFC 8945 §4.2 and §4.3, independent of the code under test.
import { createHmac } from 'node:crypto'

export type HandMade = {
  readonly keyName: string
  /** Without the final dot: `hmac-sha256`. */
  readonly algorithm: string
  /** For node:crypto: `sha256`. */
  readonly hash: string
  readonly secret: Uint8Array
  readonly timeSeconds: number
  readonly fudgeSeconds?: number
  readonly error?: number
  readonly other?: Uint8Array
  readonly originalId?: number
  /** Cut the MAC to so many octets. */
  readonly macOctets?: number
  readonly priorMac?: Uint8Array
  readonly unsigned?: readonly Uint8Array[]
  readonly timersOnly?: boolean
}

export function signByHand(message: Uint8Array, made: HandMade): { packet: Buffer; mac: Buffer } {
  const id = made.originalId ?? Buffer.from(message).readUInt16BE(0)
  const digested = Buffer.from(message)
  digested.writeUInt16BE(id, 0)
  const name = wire(made.keyName)
  const algorithm = wire(made.algorithm)
  const other = Buffer.from(made.other ?? [])
  const time = Buffer.concat([
    hex(made.timeSeconds.toString(16).padStart(12, '0')),
    u16(made.fudgeSeconds ?? 300),
  ])
  const error = u16(made.error ?? 0)
  const covered = [
    ...(made.priorMac === undefined ? [] : [u16(made.priorMac.length), made.priorMac]),
    ...(made.unsigned ?? []),
    digested,
    ...(made.timersOnly === true
      ? [time]
      : [
          Buffer.from(name.toString('latin1').toLowerCase(), 'latin1'),
          hex('00ff00000000'),
          algorithm,
          time,
          error,
          u16(other.length),
          other,
        ]),
  ]
  const full = createHmac(made.hash, made.secret).update(Buffer.concat(covered)).digest()
  const mac = full.subarray(0, made.macOctets ?? full.length)
  const rdata = Buffer.concat([
    algorithm,
    time,
    u16(mac.length),
    mac,
    u16(id),
    error,
    u16(other.length),
    other,
  ])
  const head = Buffer.from(message)
  head.writeUInt16BE(head.readUInt16BE(10) + 1, 10)
  const record = [name, hex('00fa00ff00000000'), u16(rdata.length), rdata]
  return { packet: Buffer.concat([head, ...record]), mac }
}

function wire(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)])),
    Buffer.of(0),
  ])
}

function u16(value: number): Buffer {
  return Buffer.of(value >>> 8, value & 0xff)
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}
