// Zones of an image as the name server wants them: each node is decoded when it is asked for. For the answers that are
// not made from the image itself (image-answer.ts).
import { withSuffixes, type SuffixedName } from '../../../../shared/dns/message-writer.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import type { OnlineSignatures } from '../dnssec/online-signatures.ts'
import type { AnsweredZone } from '../zone/answered-zone.ts'
import {
  encodeNode,
  encodeRRset,
  rrsetOf,
  type ZoneNode,
  type ZoneRRset,
} from '../zone/zone-node.ts'
import { cutAbove, type ZoneCounts } from '../zone/zone.ts'
import { ImageChain, ImageOrder } from './image-denial.ts'
import type { ImageReader } from './image-reader.ts'
import { NODE, RRSET, ZONE, ZONE_FLAG, ZONE_STATE } from './layout.ts'
import type { NameKey } from './name-key.ts'
import { NameHashes } from './name-hashes.ts'

/**
 * The zones of an image by origin, as the view of its reader has them. Good for one generation of it: what is kept here is
 * what was read first.
 */
export class ImageZones {
  readonly #reader: ImageReader
  readonly #key: NameKey
  /** By view. */
  readonly #zones: Map<Name, Found | undefined>[] = []
  readonly #hashes = new NameHashes()
  /** Nobody signs here: what needs it is for others to answer. */
  readonly online: OnlineSignatures = {
    covers: (zone) => zone instanceof ImageZone && zone.isCompact,
    over: () => {
      this.metElsewhere = true
      return undefined
    },
  }
  /** A zone was met that is not in the image, or a signature was wanted: the answer is for others to give. */
  metElsewhere = false

  constructor(reader: ImageReader, key: NameKey) {
    this.#reader = reader
    this.#key = key
  }

  get(origin: Name): { readonly zone: AnsweredZone | undefined } | undefined {
    const zones = (this.#zones[this.#reader.view] ??= new Map())
    let found = zones.get(origin)
    if (found === undefined && !zones.has(origin)) {
      found = this.#read(origin)
      if (zones.size >= KEPT_LIMIT) zones.clear()
      zones.set(origin, found)
    }
    if (found?.isElsewhere === true) this.metElsewhere = true
    return found
  }

  forget(): void {
    for (const zones of this.#zones) zones?.clear()
  }

  #read(origin: Name): Found | undefined {
    const reader = this.#reader
    this.#key.loadName(origin)
    const at = reader.zoneAt(this.#key, 0)
    if (at === 0) return undefined
    const state = reader.octets[at + ZONE.state]
    if (state !== ZONE_STATE.served)
      return { zone: undefined, isElsewhere: state === ZONE_STATE.elsewhere }
    const zone = new ImageZone(reader, this.#key, { at, origin, hashes: this.#hashes })
    return { zone, isElsewhere: false }
  }
}

type Found = { readonly zone: ImageZone | undefined; readonly isElsewhere: boolean }

class ImageZone implements AnsweredZone {
  readonly origin: Name
  readonly suffixed: SuffixedName
  readonly counts: ZoneCounts
  readonly isSigned: boolean
  readonly isCompact: boolean
  readonly nodes: { get(name: Name): ZoneNode | undefined } = this
  readonly hashed: { get(name: Name): ZoneNode | undefined } = NO_NODES
  readonly order: ImageOrder
  readonly chain: ImageChain | undefined
  readonly #reader: ImageReader
  readonly #key: NameKey
  readonly #id: number

  constructor(
    reader: ImageReader,
    key: NameKey,
    { at, origin, hashes }: { at: number; origin: Name; hashes: NameHashes },
  ) {
    const { words, octets } = reader
    const flags = octets[at + ZONE.flags]!
    this.#reader = reader
    this.#key = key
    this.#id = words[(at + ZONE.id) >> 2]!
    this.origin = origin
    this.suffixed = withSuffixes(origin)
    this.isSigned = (flags & ZONE_FLAG.signed) !== 0
    this.isCompact = (flags & ZONE_FLAG.compact) !== 0
    this.order = new ImageOrder(reader, key, at, origin)
    if ((flags & ZONE_FLAG.chain) !== 0) {
      const chain = new ImageChain(reader, at, origin, hashes.of(reader, at).names)
      this.chain = chain
      this.hashed = {
        get(owner) {
          const node = chain.nodeOf(owner)
          return node === 0 ? undefined : decodeNode(reader, node, owner)
        },
      }
    }
    this.counts = {
      delegations: words[(at + ZONE.delegations) >> 2]!,
      dnames: words[(at + ZONE.dnames) >> 2]!,
      wildcards: words[(at + ZONE.wildcards) >> 2]!,
    }
  }

  get apex(): ZoneNode | undefined {
    return this.get(this.origin)
  }

  get soa(): ZoneRRset | undefined {
    const { apex } = this
    return apex === undefined ? undefined : rrsetOf(apex, TYPE.SOA)
  }

  cutAbove(name: Name): ZoneNode | undefined {
    return cutAbove(this, name)
  }

  get(name: Name): ZoneNode | undefined {
    this.#key.loadName(name)
    const at = this.#reader.nodeAt(this.#id, this.#key, 0)
    return at === 0 ? undefined : decodeNode(this.#reader, at, name)
  }
}

/** Copies what it gives out. A torn read gives nonsense within the bounds of the image, or nothing. */
function decodeNode({ octets, words }: ImageReader, at: number, name: Name): ZoneNode {
  const rrsets: Uint8Array[] = []
  const left = octets[at + NODE.rrsets]! | (octets[at + NODE.rrsets + 1]! << 8)
  let rrset = at + NODE.name + octets[at + NODE.nameLength]!
  for (let i = 0; i < left && rrset < octets.length; i++) {
    const rdatas: Uint8Array[] = []
    let record = rrset + RRSET.records
    for (let n = read16(octets, rrset + RRSET.count); n > 0 && record < octets.length; n--) {
      const length = read16(octets, record)
      rdatas.push(octets.slice(record + 2, record + 2 + length))
      record += 2 + length
    }
    const type = read16(octets, rrset + RRSET.type)
    const ttlSeconds =
      (read16(octets, rrset + RRSET.ttl) * 0x1_0000 + read16(octets, rrset + RRSET.ttl + 2)) >>> 0
    const ttls = [ttlSeconds]
    // A torn read may give none.
    if (rdatas.length > 0)
      rrsets.push(encodeRRset({ type, lines: rdatas.map((rdata) => ({ rdata, ttls })) }))
    rrset = record
  }
  return encodeNode(name, words[(at + NODE.children) >> 2]!, rrsets)
}

function read16(octets: Uint8Array, at: number): number {
  return (octets[at]! << 8) | octets[at + 1]!
}

const NO_NODES = { get: () => undefined }
/** Zones of which the decoded head is kept. */
const KEPT_LIMIT = 1024
