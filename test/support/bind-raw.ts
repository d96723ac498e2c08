// Zones in BIND's raw format, version 1 (`named-compilezone -F raw`): records in wire form as BIND understood the text.
// A header of 24 octets, then for each RRset its length, class, type, covered type, TTL, count and owner, and the data.

export type RawRecord = {
  /** Wire form, latin1. */
  readonly owner: string
  readonly type: number
  readonly ttlSeconds: number
  readonly rdata: Uint8Array
}

/** Throws on anything but a whole raw zone. */
export function readRawZone(bytes: Buffer): RawRecord[] {
  if (bytes.readUInt32BE(0) !== 2 || bytes.readUInt32BE(4) !== 1) throw new Error('not a raw zone')
  let at = 24
  const records: RawRecord[] = []
  while (at < bytes.length) {
    const end = at + bytes.readUInt32BE(at)
    const type = bytes.readUInt16BE(at + 6)
    const ttlSeconds = bytes.readUInt32BE(at + 10)
    const count = bytes.readUInt32BE(at + 14)
    const ownerLength = bytes.readUInt16BE(at + 18)
    at += 20
    const owner = bytes.toString('latin1', at, at + ownerLength)
    at += ownerLength
    for (let left = count; left > 0; left--) {
      const length = bytes.readUInt16BE(at)
      at += 2
      records.push({
        owner,
        type,
        ttlSeconds,
        rdata: new Uint8Array(bytes.subarray(at, at + length)),
      })
      at += length
    }
    if (at !== end) throw new Error(`RRset ends at ${at}, not at ${end}`)
  }
  return records
}
