// What a version of a zone keeps its nodes and its counts in: maps by name that hold no object per entry.
import { hashOfName } from '../../../../shared/dns/hash-of-name.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import {
  DEAD,
  HEAD,
  nameOf,
  readU32,
  writeU32,
  type NameTable,
  type RecordAt,
} from './name-table.ts'
import type { MapStore } from './versioned-map.ts'
import { ZoneNode } from './zone-node.ts'

/** Nodes that were asked for lately are kept decoded: so many, as a power of two. */
const RECENT_NODES = 1024

export class NodeStore implements MapStore<ZoneNode> {
  readonly table: NameTable
  readonly #recent: (ZoneNode | undefined)[] = []
  /** Where the recent ones lie: an arena that was left must not live on for their sake. */
  #recentArena: Uint8Array

  /** Takes `table` over, whose records are nodes. */
  constructor(table: NameTable) {
    this.table = table
    this.#recentArena = table.arena
  }

  get size(): number {
    return this.table.size
  }

  get(name: string): ZoneNode | undefined {
    const key = name as Name
    const hash = hashOfName(key)
    if (this.#recentArena !== this.table.arena) this.#forget()
    const recent = this.#recent[hash & (RECENT_NODES - 1)]
    if (recent !== undefined && recent.name === key) return recent
    const at = this.table.findHashed(key, hash)
    if (at === 0) return undefined
    const node = new ZoneNode(key, this.table.arena, at)
    this.#recent[hash & (RECENT_NODES - 1)] = node
    return node
  }

  set(name: string, node: ZoneNode): void {
    const { table } = this
    const hash = hashOfName(name as Name)
    const octets = readU32(node.bytes, node.at + HEAD.octets)
    const at = table.allocate(octets)
    table.arena.set(node.bytes.subarray(node.at, node.at + octets), at)
    // The copy is as long as the room it got, and it lives, even if what it was made from does not.
    writeU32(table.arena, at + HEAD.octets, table.end - at)
    table.arena[at + HEAD.flags]! &= ~DEAD
    table.replace(at, hash)
    this.#recent[hash & (RECENT_NODES - 1)] = undefined
  }

  delete(name: string): boolean {
    this.#recent[hashOfName(name as Name) & (RECENT_NODES - 1)] = undefined
    return this.table.remove(name as Name)
  }

  *entries(): IterableIterator<[string, ZoneNode]> {
    const { table } = this
    const { arena } = table
    for (const at of table.records()) {
      const name = table.nameAt(at)
      yield [name, new ZoneNode(name, arena, at)]
    }
  }

  /** Names as they are at the first step; those that are set anew meanwhile may be left out. */
  *owners(): Generator<Name> {
    const { arena, end, first } = this.table
    for (let at = first; at < end; at += readU32(arena, at + HEAD.octets))
      if ((arena[at + HEAD.flags]! & DEAD) === 0) yield nameOf(arena, at)
  }

  /** All of them without an object each: `visit` is told where one is encoded (zone-node.ts). */
  visit(visit: (bytes: Uint8Array, at: RecordAt) => void): void {
    const { table } = this
    for (let at = table.first; at < table.end; at = table.nextOf(at))
      if (!table.isDead(at)) visit(table.arena, at)
  }

  #forget(): void {
    this.#recent.length = 0
    this.#recentArena = this.table.arena
  }
}

/** Numbers by name, from 0 to 2³² - 1. */
export class CountStore implements MapStore<number> {
  readonly table: NameTable

  /** Takes `table` over, whose records are heads with a number. */
  constructor(table: NameTable) {
    this.table = table
  }

  get size(): number {
    return this.table.size
  }

  get(name: string): number | undefined {
    const at = this.table.find(name as Name)
    return at === 0 ? undefined : readU32(this.table.arena, at + HEAD.number)
  }

  set(name: string, count: number): void {
    const table = this.table
    const hash = hashOfName(name as Name)
    const known = table.findHashed(name as Name, hash)
    const at = known === 0 ? table.allocate(HEAD.name + name.length) : known
    writeU32(table.arena, at + HEAD.number, count)
    if (known !== 0) return
    table.arena[at + HEAD.nameOctets] = name.length
    for (let i = 0; i < name.length; i++) table.arena[at + HEAD.name + i] = name.charCodeAt(i)
    table.insert(at, hash)
  }

  delete(name: string): boolean {
    return this.table.remove(name as Name)
  }

  *entries(): IterableIterator<[string, number]> {
    const table = this.table
    for (const at of table.records())
      yield [table.nameAt(at), readU32(table.arena, at + HEAD.number)]
  }
}
