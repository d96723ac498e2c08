// Where things stand in the arena: finished answers of the cache in one shared memory, which one thread writes and others
// read without a lock.
//
//   header | index: buckets of four slots, each a hash and a position | ring of entries
//
// A position counts units written since the start, modulo 2^32; an entry is live from `floor` to `head`. The writer moves
// `floor` before it writes over what lies below. Readers take a copy of an entry, and its sum tells whether the copy is
// whole: a slot or an entry that changed meanwhile is an answer that is not there, and never a wrong one.

/** Entries begin at multiples of it. */
export const UNIT_OCTETS = 16
export const WAYS = 4
/** Of a slot: hash, position. */
export const SLOT_WORDS = 2
/** Octets of the ring for each slot of the index. */
export const SLOT_SHARE_OCTETS = 128

/** Words of the header. */
export const HEADER = {
  seed: 0,
  bucketMask: 1,
  /** Units of the ring, less one. */
  ringMask: 2,
  head: 3,
  floor: 4,
  words: 16,
} as const

/** Words of an entry. Behind them: times (8 octets each), places (2 × 2 octets each), the name, the sections. */
export const ENTRY = {
  position: 0,
  /** All of the entry, in words. */
  words: 1,
  /** See `keyWord`. */
  key: 2,
  nameOctets: 3,
  sectionOctets: 4,
  /** Records of the answer section, and of the authority section << 16. */
  records: 5,
  /** Response code, and 0x100 for what is secure. */
  outcome: 6,
  /** TTLs in the sections, and links that they come from << 16. */
  places: 7,
  sum: 8,
  // From here to the times the words change later, and are not summed.
  /** 1: no longer what the cache says. */
  dead: 9,
  /** 1: a reader took it since the writer looked. */
  used: 10,
  /** Second in which a reader last reported that it is about to expire. */
  reported: 11,
  /** In ms of the machine's time: when to report, when the first TTL is below one second, when each link expires. */
  times: 12,
} as const

export const TIME = { worn: 0, gone: 1, links: 2 } as const

export const SECURE = 0x100

/** More than any answer by UDP with all its times and places. */
export const ENTRY_LIMIT_OCTETS = 8192
/** Of the sections. */
export const SECTIONS_LIMIT_OCTETS = 4096

/** All but the name that an answer depends on: type, DO and CD. */
export function keyWord(qtype: number, dnssecOk: boolean, checkingDisabled: boolean): number {
  return qtype | (dnssecOk ? 0x1_0000 : 0) | (checkingDisabled ? 0x2_0000 : 0)
}
