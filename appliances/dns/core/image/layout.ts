// How zones lie in an image, one stretch of shared memory: a header, two hash tables, and blocks for zones, for nodes and
// for indexes, which have nodes in order.
//
// header   words (WORD)
// table    slots of two words: hash, and the block's offset in units of 8 octets; 0 is free, 1 was taken once
// zone     id 4, state 1, flags 1, lengths of the origin 1 and the salt 1, delegations 4, dnames 4, wildcards 4,
//          apex 4, order 4, chain 4, iterations 4, view 4, origin, salt
// node     id of the zone 4, rrsets 2, length of the name 1, flags 1, children 4, name, rrsets
// rrset    type 2, records 2, ttl 4, octets of the records 4, records: length 2, rdata
// index    taken entries 4, room for entries 4, entries: start of the key 8, block's offset in units of 8 octets 4
//
// Words and the first twelve octets of a node are in the machine's order, what is copied into answers in the network's.
// Numbers inside rrsets are not aligned. Names are canonical and uncompressed. A zone's nodes are found by the table of
// nodes, and those with NSEC records in its order too; NSEC3 records are nodes that are in its chain alone. A zone is
// found by its view and its origin.

/** Words of the header. */
export const WORD = {
  /** Odd while blocks that may be read are being changed; a reader that saw it move reads again. */
  generation: 0,
  /** Index of a table's first word, and its slots less one (a power of two). */
  nodes: 1,
  nodesMask: 2,
  zones: 3,
  zonesMask: 4,
  /** Labels of the longest origin. */
  zoneLabels: 5,
  seed: 6,
} as const
export const HEADER_OCTETS = 64

export const SLOT = { free: 0, removed: 1 } as const

export const ZONE = {
  id: 0,
  state: 4,
  flags: 5,
  nameLength: 6,
  saltLength: 7,
  delegations: 8,
  dnames: 12,
  wildcards: 16,
  /** The apex node, in units of 8 octets; 0 when there is none. */
  apex: 20,
  /** Indexes of the nodes with NSEC records and of the NSEC3 records in use, like `apex`. */
  order: 24,
  chain: 28,
  /** Of the hashes of the chain. */
  iterations: 32,
  /** Whose it is: 0 for everybody's. */
  view: 36,
  name: 40,
} as const
export const ZONE_STATE = {
  served: 0,
  /** SERVFAIL. */
  broken: 1,
  /** Did not fit: the main thread answers. */
  elsewhere: 2,
} as const
export const ZONE_FLAG = {
  /** It has delegations or DNAMEs. */
  cuts: 1,
  wildcards: 2,
  /** Signatures and proofs go along with answers for those who set DO. */
  signed: 4,
  /** Its proofs are NSEC3 records. */
  chain: 8,
  /** It has no proofs: absence is denied, and wildcards are signed, by the main thread (RFC 9824). */
  compact: 16,
} as const

export const NODE = {
  zone: 0,
  rrsets: 4,
  nameLength: 6,
  flags: 7,
  children: 8,
  name: 12,
} as const
export const NODE_FLAG = { ns: 1, dname: 2, cname: 4, nsec: 8 } as const

export const RRSET = { type: 0, count: 2, ttl: 4, octets: 8, records: 12 } as const

/** Offsets in words, of the block and of an entry. The start of a key is two numbers that compare as signed ones. */
export const INDEX = { count: 0, room: 1, entries: 2 } as const
export const ENTRY = { high: 0, low: 1, block: 2, words: 3 } as const

/** Spreads the hash of a name over a table, differently in each zone. */
export function slotHash(nameHash: number, zoneId: number): number {
  let hash = nameHash ^ Math.imul(zoneId, 0x9e37_79b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35)
  return hash ^ (hash >>> 16)
}
