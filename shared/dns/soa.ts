// What the rdata of a SOA record says (RFC 1035 §3.3.13), and which of two serials is newer (RFC 1982).

/** Octets from the end of a SOA's rdata to its numbers. */
export const SOA_FIELD = { serial: 20, refresh: 16, retry: 12, expire: 8, minimum: 4 } as const

export function soaNumber(rdata: Uint8Array, fromEnd: number): number {
  const at = rdata.length - fromEnd
  return (
    ((rdata[at]! << 24) | (rdata[at + 1]! << 16) | (rdata[at + 2]! << 8) | rdata[at + 3]!) >>> 0
  )
}

/** Seconds, as the SOA has them. */
export type SoaTimers = {
  readonly refresh: number
  readonly retry: number
  readonly expire: number
}

export function soaTimers(rdata: Uint8Array): SoaTimers {
  return {
    refresh: soaNumber(rdata, SOA_FIELD.refresh),
    retry: soaNumber(rdata, SOA_FIELD.retry),
    expire: soaNumber(rdata, SOA_FIELD.expire),
  }
}

/** RFC 1982 §3.2; false for equal ones and for the pair exactly half the space apart, which is undefined. */
export function isNewerSerial(serial: number, than: number): boolean {
  const ahead = (serial - than + SPACE) % SPACE
  return ahead > 0 && ahead < HALF
}

const HALF = 0x8000_0000
const SPACE = 0x1_0000_0000
