// How a node is written into an image, from the octets in which a zone keeps it (zone-node.ts).
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { HEAD, readU32 } from '../zone/name-table.ts'
import {
  readU16High,
  readU32High,
  RRSET as ENCODED_RRSET,
  UNEVEN,
  writeU16High,
  writeU32High,
} from '../zone/zone-node.ts'
import { aligned, type ImageSpace } from './image-space.ts'
import { NODE, NODE_FLAG, RRSET } from './layout.ts'

/** Octets that the block takes at most of the node that is encoded at `from`. */
export function nodeOctets(bytes: Uint8Array, from: number): number {
  return aligned(NODE.name + readU32(bytes, from + HEAD.octets))
}

/** Appends the block; gives its offset. No table or index leads to it yet. */
export function writeNode(
  space: ImageSpace,
  bytes: Uint8Array,
  from: number,
  zoneId: number,
): number {
  const { octets, words } = space
  const at = space.end
  const nameLength = bytes[from + HEAD.nameOctets]!
  const rrsets = bytes[from + HEAD.count]! | (bytes[from + HEAD.count + 1]! << 8)
  let next = from + HEAD.name
  let end = at + NODE.name
  for (let i = 0; i < nameLength; i++) octets[end++] = bytes[next++]!
  let flags = 0
  for (let left = rrsets; left > 0; left--) {
    const type = readU16High(bytes, next)
    if (type === TYPE.NS) flags |= NODE_FLAG.ns
    else if (type === TYPE.DNAME) flags |= NODE_FLAG.dname
    else if (type === TYPE.CNAME) flags |= NODE_FLAG.cname
    else if (type === TYPE.NSEC) flags |= NODE_FLAG.nsec
    const count = (readU32High(bytes, next + ENCODED_RRSET.rdatas) & ~UNEVEN) >>> 0
    const start = next + ENCODED_RRSET.rdata
    let stop = start
    for (let record = count; record > 0; record--) stop += 2 + readU16High(bytes, stop)
    writeU16High(octets, end + RRSET.type, type)
    writeU16High(octets, end + RRSET.count, count)
    writeU32High(octets, end + RRSET.ttl, readU32High(bytes, next + ENCODED_RRSET.ttl))
    writeU32High(octets, end + RRSET.octets, stop - start)
    end += RRSET.records
    if (stop - start > 32) octets.set(bytes.subarray(start, stop), end)
    else for (let i = start; i < stop; i++) octets[end + i - start] = bytes[i]!
    end += stop - start
    next += readU32High(bytes, next + ENCODED_RRSET.octets)
  }
  words[at >> 2] = zoneId
  octets[at + NODE.rrsets] = rrsets
  octets[at + NODE.rrsets + 1] = rrsets >>> 8
  octets[at + NODE.nameLength] = nameLength
  octets[at + NODE.flags] = flags
  words[(at + NODE.children) >> 2] = readU32(bytes, from + HEAD.number)
  space.end = aligned(end)
  return at
}

/** Octets of a node's block. */
export function blockOctets({ octets }: ImageSpace, at: number): number {
  let end = at + NODE.name + octets[at + NODE.nameLength]!
  const rrsets = octets[at + NODE.rrsets]! | (octets[at + NODE.rrsets + 1]! << 8)
  for (let left = rrsets; left > 0; left--)
    end += RRSET.records + readU32High(octets, end + RRSET.octets)
  return aligned(end - at)
}

/** Whether the node is in the zone's order. */
export function isInOrder({ octets }: ImageSpace, at: number): boolean {
  return (octets[at + NODE.flags]! & NODE_FLAG.nsec) !== 0
}
