// EDNS(0): the OPT pseudo-record and its options (RFC 6891, NSID RFC 5001, extended errors RFC 8914).
import { err, ok, type Result } from '../result/result.ts'

export const OPT = 41

export const EDNS_OPTION = {
  NSID: 3,
  COOKIE: 10,
  TCP_KEEPALIVE: 11,
  PADDING: 12,
  EXTENDED_ERROR: 15,
} as const

/** Info-codes of RFC 8914 and RFC 9824 that our servers send. */
export const EXTENDED_ERROR = {
  OTHER: 0,
  NOT_READY: 14,
  BLOCKED: 15,
  PROHIBITED: 18,
  NOT_AUTHORITATIVE: 20,
  NOT_SUPPORTED: 21,
  INVALID_QUERY_TYPE: 30,
} as const

/** An info-code, and words for a person; none if empty. */
export type ExtendedError = { readonly code: number; readonly text: string }

/** No info-code is negative. */
export const NO_EXTENDED_ERROR = -1

/** What everyone may send without asking, and the floor of what a sender may announce (RFC 6891 §6.2.3). */
export const PLAIN_UDP_OCTETS = 512
/** Root owner, type, class, ttl and rdlength of an OPT record without options. */
export const OPT_OCTETS = 11
const DO_BIT = 0x8000
/** Compact answers OK (RFC 9824 §5.1). */
const CO_BIT = 0x4000

export type EdnsOption = { readonly code: number; readonly data: Uint8Array }

export type Edns = {
  /** The sender's UDP payload size, in octets, as announced. */
  readonly udpOctets: number
  /** Upper eight bits of the twelve-bit response code. */
  readonly extendedRcode: number
  readonly version: number
  readonly dnssecOk: boolean
  /** The sender knows compact denial. Left out for false. */
  readonly compactOk?: boolean
  readonly options: readonly EdnsOption[]
}

/** The fields of an OPT record: `class` is the payload size and `ttl` holds code, version and flags. */
export function decodeEdns(record: {
  readonly class: number
  readonly ttlSeconds: number
  readonly rdata: Uint8Array
}): Result<Edns, 'bad-option'> {
  const options: EdnsOption[] = []
  const { rdata } = record
  for (let at = 0; at < rdata.length;) {
    if (at + 4 > rdata.length) return err('bad-option')
    const code = (rdata[at]! << 8) | rdata[at + 1]!
    const length = (rdata[at + 2]! << 8) | rdata[at + 3]!
    at += 4
    if (at + length > rdata.length) return err('bad-option')
    options.push({ code, data: rdata.subarray(at, at + length) })
    at += length
  }
  const ttl = record.ttlSeconds >>> 0
  return ok({
    udpOctets: record.class,
    extendedRcode: ttl >>> 24,
    version: (ttl >>> 16) & 0xff,
    dnssecOk: (ttl & DO_BIT) !== 0,
    ...((ttl & CO_BIT) !== 0 && { compactOk: true }),
    options,
  })
}

/** Those in the options of an answer. The words are anyone's: control characters and all that is not ASCII become `?`. */
export function extendedErrorsOf({ options }: Pick<Edns, 'options'>): readonly ExtendedError[] {
  return options
    .filter(({ code, data }) => code === EDNS_OPTION.EXTENDED_ERROR && data.length >= 2)
    .map(({ data }) => ({
      code: (data[0]! << 8) | data[1]!,
      text: Buffer.from(data.subarray(2))
        .toString('utf8')
        .replaceAll(/[^ -~]/gu, '?'),
    }))
}

/** The `ttl` field of an OPT record. */
export function ednsTtl(
  edns: Pick<Edns, 'extendedRcode' | 'version' | 'dnssecOk' | 'compactOk'>,
): number {
  const flags = (edns.dnssecOk ? DO_BIT : 0) | (edns.compactOk === true ? CO_BIT : 0)
  return ((edns.extendedRcode << 24) | (edns.version << 16) | flags) >>> 0
}

/** The rdata of an OPT record. */
export function encodeEdnsOptions(options: readonly EdnsOption[]): Uint8Array {
  const out = new Uint8Array(options.reduce((sum, o) => sum + 4 + o.data.length, 0))
  let at = 0
  for (const { code, data } of options) {
    out[at] = code >>> 8
    out[at + 1] = code
    out[at + 2] = data.length >>> 8
    out[at + 3] = data.length
    out.set(data, at + 4)
    at += 4 + data.length
  }
  return out
}
