// Two lines of history to one tree, path by path: what one side changed is taken, what both changed goes to the merge
// function of the path. Subtrees that one side left alone are not looked into.
import { Bug } from '../../shared/result/result.ts'
import type { MergeRules } from '../api.ts'
import { mergeBases } from '../history/ancestry.ts'
import { commitTree } from '../object/commit.ts'
import { EMPTY_TREE, oidOf, type GitObject, type ObjectType, type Oid } from '../object/oid.ts'
import { Tree, TREE_MODE, type TreeEntry } from '../object/tree.ts'
import type { ObjectReader } from '../repository.ts'
import { changedEntries, TreeScan } from '../history/tree-changes.ts'
import { mergeFor } from './merge-rules.ts'
import { lineObstacle, markConflicts, mergeLines, mergeText } from './text.ts'

export type MergeConflict = {
  readonly path: string
  readonly reason: string
  readonly kept: 'ours'
}

export type MergedObject = GitObject & {
  readonly oid: Oid
  /** For a tree: our old one and the delta from it. */
  readonly base?: { readonly oid: Oid; readonly delta: Uint8Array }
}

export type MergeOutcome = {
  readonly tree: Oid
  /** What the tree needs and the reader does not have. */
  readonly objects: readonly MergedObject[]
  /** Paths where ours stands unchanged because the two could not be put together. */
  readonly conflicts: readonly MergeConflict[]
  /** What was decided for the user, a line each: `zones/a: deleted by them, but changed by us: kept`. */
  readonly notes: readonly string[]
}

export type MergeInput = {
  readonly reader: ObjectReader
  readonly ours: Oid
  readonly theirs: Oid
  readonly rules: MergeRules
  /** Merge bases of the two, when they are known already. */
  readonly bases?: readonly Oid[]
}

/** Merges of merge bases, for histories that cross each other again and again; beyond that a base counts as empty. */
export const BASE_MERGE_LIMIT = 32
/** Folders nested deeper are not merged but a conflict. */
export const FOLDER_DEPTH_LIMIT = 256

/**
 * A change wins over a deletion. Histories without a common ancestor merge as if all had been added by both. Throws
 * `Bug` when an object of either side is missing or malformed: that is checked before it is stored.
 */
export function mergeCommits({ reader, ours, theirs, rules, bases }: MergeInput): MergeOutcome {
  const common = new CommonTree(reader, rules)
  const base = common.of(bases ?? mergeBases(reader, ours, theirs))
  const merge = new TreeMerge(common, rules, 'sides')
  const tree = merge.run(base, treeOf(reader, ours), treeOf(reader, theirs))
  const notes = common.isCutShort ? [...merge.notes, CUT_SHORT] : merge.notes
  const made = new Map(merge.objects.map((object) => [object.oid, object]))
  const objects = [...made.values()].filter(({ oid }) => !reader.has(oid))
  return { tree, objects, conflicts: merge.conflicts, notes }
}

/** The tree both sides come from. Of several merge bases a merge is made, which exists only while this does. */
class CommonTree implements ObjectReader {
  /** Blobs that say "here the bases disagree": equal to no side, and never shown to a merge function. */
  readonly unsettled: Set<Oid> = new Set<Oid>()
  isCutShort = false
  readonly #reader: ObjectReader
  readonly #rules: MergeRules
  readonly #made = new Map<Oid, GitObject>()
  #mergesLeft = BASE_MERGE_LIMIT

  constructor(reader: ObjectReader, rules: MergeRules) {
    this.#reader = reader
    this.#rules = rules
  }

  read(oid: Oid): GitObject | undefined {
    return this.#made.get(oid) ?? this.#reader.read(oid)
  }

  has(oid: Oid): boolean {
    return this.#made.has(oid) || this.#reader.has(oid)
  }

  of(bases: readonly Oid[]): Oid {
    // Oldest first, as git does.
    const [first, ...others] = bases.toReversed()
    if (first === undefined) return EMPTY_TREE
    const merged = [first]
    let tree = treeOf(this.#reader, first)
    for (const other of others) {
      const base = this.#takeOne() ? this.of(mergeBases(this.#reader, merged, other)) : EMPTY_TREE
      const merge = new TreeMerge(this, this.#rules, 'bases')
      tree = merge.run(base, tree, treeOf(this.#reader, other))
      for (const object of merge.objects) this.#made.set(object.oid, object)
      merged.push(other)
    }
    return tree
  }

  #takeOne(): boolean {
    if (this.#mergesLeft === 0) this.isCutShort = true
    else this.#mergesLeft--
    return !this.isCutShort
  }
}

type File = { readonly mode: number; readonly oid: Oid }

/** A name in one version: a file or a folder, or neither. */
type Version = TreeEntry | undefined

/** One merge of three trees. */
class TreeMerge {
  readonly conflicts: MergeConflict[] = []
  readonly notes: string[] = []
  readonly objects: MergedObject[] = []
  readonly #common: CommonTree
  readonly #rules: MergeRules
  /** Between merge bases nothing is decided: where they disagree, the result is to be like neither. */
  readonly #between: 'sides' | 'bases'

  constructor(common: CommonTree, rules: MergeRules, between: 'sides' | 'bases') {
    this.#common = common
    this.#rules = rules
    this.#between = between
  }

  run(base: Oid, ours: Oid, theirs: Oid): Oid {
    const tree = this.#folder('', 0, base, ours, theirs)
    if (tree !== undefined) return tree
    this.objects.push({ oid: EMPTY_TREE, type: 'tree', bytes: Tree.EMPTY.raw })
    return EMPTY_TREE
  }

  /** undefined stands for a folder that is not there; an empty one becomes that. */
  #folder(
    path: string,
    depth: number,
    base: Oid | undefined,
    ours: Oid | undefined,
    theirs: Oid | undefined,
  ): Oid | undefined {
    if (theirs === base || theirs === ours) return ours
    if (ours === base) return theirs
    if (depth > FOLDER_DEPTH_LIMIT) {
      this.#conflict(path, 'folders are nested too deeply to merge')
      return ours
    }
    const baseTree = this.#tree(base)
    const ourTree = this.#tree(ours)
    const theirTree = this.#tree(theirs)
    const changes = new Map<string, File | undefined>()
    // Only what they changed can change ours.
    for (const name of differingNames(baseTree, theirTree)) {
      const childPath = path === '' ? name : `${path}/${name}`
      if (name.includes(UNDECODABLE)) {
        this.#conflict(childPath, 'the name is not UTF-8')
        continue
      }
      const our = ourTree.find(name)
      const entry = this.#entry(childPath, depth, baseTree.find(name), our, theirTree.find(name))
      if (entry?.oid !== our?.oid || entry?.mode !== our?.mode) changes.set(name, entry)
    }
    if (changes.size === 0) return ours
    const { tree, delta } = ourTree.change(changes)
    if (tree.count === 0) return undefined
    const object = { oid: tree.oid, type: 'tree', bytes: tree.raw } as const
    this.objects.push(ours === undefined ? object : { ...object, base: { oid: ours, delta } })
    return tree.oid
  }

  /** Files and folders of the same name are merged apart; if both are left, they are in each other's way. */
  #entry(
    path: string,
    depth: number,
    base: Version,
    ours: Version,
    theirs: Version,
  ): File | undefined {
    const before = [this.conflicts.length, this.notes.length, this.objects.length] as const
    const file = this.#file(path, fileIn(base), fileIn(ours), fileIn(theirs))
    const folder = this.#folder(path, depth + 1, folderIn(base), folderIn(ours), folderIn(theirs))
    if (folder === undefined) return file
    // Between bases the folder stands for itself, and of the file it is as if no base had it.
    if (file === undefined || this.#between === 'bases') return { mode: TREE_MODE, oid: folder }
    // Of two that exclude each other ours stays as it was, so what was made or said for the two of them is void.
    this.conflicts.length = before[0]
    this.notes.length = before[1]
    this.objects.length = before[2]
    this.#conflict(path, 'a file on one side, a folder on the other')
    return ours
  }

  #file(
    path: string,
    base: File | undefined,
    ours: File | undefined,
    theirs: File | undefined,
  ): File | undefined {
    if (isSame(theirs, base) || isSame(theirs, ours)) return ours
    if (isSame(ours, base)) return theirs
    if (ours === undefined || theirs === undefined) {
      if (this.#between === 'bases') return base
      const [deleter, changer] = ours === undefined ? ['us', 'them'] : ['them', 'us']
      this.notes.push(`${path}: deleted by ${deleter}, but changed by ${changer}: kept`)
      return ours ?? theirs
    }
    if (!isRegular(ours) || !isRegular(theirs)) {
      this.#conflict(path, 'not a regular file, and changed on both sides')
      return this.#between === 'sides'
        ? ours
        : { mode: FILE_MODE, oid: this.#disagree(ours, theirs) }
    }
    const common = base !== undefined && isRegular(base) ? base : undefined
    const mode = this.#mode(path, common, ours, theirs)
    return { mode, oid: this.#content(path, common?.oid, ours.oid, theirs.oid) }
  }

  #mode(path: string, base: File | undefined, ours: File, theirs: File): number {
    if (theirs.mode === ours.mode || theirs.mode === base?.mode) return ours.mode
    if (ours.mode === base?.mode) return theirs.mode
    this.notes.push(`${path}: ours has mode ${octal(ours)}, theirs ${octal(theirs)}: ours kept`)
    return ours.mode
  }

  #content(path: string, base: Oid | undefined, ours: Oid, theirs: Oid): Oid {
    if (theirs === base || theirs === ours) return ours
    if (ours === base) return theirs
    const known = base !== undefined && !this.#common.unsettled.has(base) ? base : undefined
    const versions = {
      path,
      base: known && this.#blob(known),
      ours: this.#blob(ours),
      theirs: this.#blob(theirs),
    }
    const merge = mergeFor(this.#rules, path)
    const merged = merge(versions)
    if (merged.kind === 'merged') {
      if (merged.note !== undefined) this.notes.push(`${path}: ${merged.note}`)
      return this.#put('blob', merged.bytes)
    }
    this.#conflict(path, merged.reason)
    if (this.#between === 'sides') return ours
    if (merge === mergeText && isText(versions)) {
      const chunks = mergeLines(versions.base ?? EMPTY, versions.ours, versions.theirs)
      return this.#put('blob', markConflicts(chunks))
    }
    return this.#disagree({ oid: ours }, { oid: theirs })
  }

  #conflict(path: string, reason: string): void {
    this.conflicts.push({ path, reason, kept: 'ours' })
  }

  #disagree(ours: { readonly oid: Oid }, theirs: { readonly oid: Oid }): Oid {
    const text = `The merge bases disagree: ${ours.oid} or ${theirs.oid}
`
    const oid = this.#put('blob', Buffer.from(text))
    this.#common.unsettled.add(oid)
    return oid
  }

  #put(type: ObjectType, bytes: Uint8Array): Oid {
    const oid = oidOf(type, bytes)
    this.objects.push({ oid, type, bytes })
    return oid
  }

  #blob(oid: Oid): Uint8Array {
    const object = this.#common.read(oid)
    if (object?.type !== 'blob') throw new Bug(`merge: blob ${oid} is ${object?.type ?? 'missing'}`)
    return object.bytes
  }

  #tree(oid: Oid | undefined): Tree {
    if (oid === undefined || oid === EMPTY_TREE) return Tree.EMPTY
    const object = this.#common.read(oid)
    const tree = object?.type === 'tree' ? Tree.decode(object.bytes, oid) : undefined
    if (tree?.ok !== true) throw new Bug(`merge: tree ${oid} is ${tree?.error.kind ?? 'missing'}`)
    return tree.value
  }
}

/** Names of entries that are not the same in both. */
function differingNames(base: Tree, theirs: Tree): Set<string> {
  const before = scan(base)
  const after = scan(theirs, before)
  const names = new Set<string>()
  for (const [tree, other] of [
    [before, after],
    [after, before],
  ] as const) {
    for (const { entry } of changedEntries(tree, [other])) {
      names.add(Buffer.from(entry.name, 'latin1').toString('utf8'))
    }
  }
  return names
}

function scan(tree: Tree, like?: TreeScan): TreeScan {
  const found = TreeScan.of(tree.raw, like)
  if (found === undefined) throw new Bug(`merge: tree ${tree.oid} cannot be scanned`)
  return found
}

function treeOf(reader: ObjectReader, commit: Oid): Oid {
  const object = reader.read(commit)
  if (object?.type !== 'commit') {
    throw new Bug(`merge: commit ${commit} is ${object?.type ?? 'missing'}`)
  }
  return commitTree(object.bytes)
}

function fileIn(version: Version): File | undefined {
  return version?.mode === TREE_MODE ? undefined : version
}

function folderIn(version: Version): Oid | undefined {
  return version?.mode === TREE_MODE ? version.oid : undefined
}

function isSame(a: File | undefined, b: File | undefined): boolean {
  return a?.oid === b?.oid && a?.mode === b?.mode
}

function isRegular({ mode }: File): boolean {
  return mode >> 12 === REGULAR_TYPE
}

function isText(versions: {
  readonly base: Uint8Array | undefined
  readonly ours: Uint8Array
  readonly theirs: Uint8Array
}): boolean {
  return [versions.base ?? EMPTY, versions.ours, versions.theirs].every(
    (bytes) => lineObstacle(bytes) === undefined,
  )
}

function octal({ mode }: File): string {
  return mode.toString(8)
}

const FILE_MODE = 0o100644
const REGULAR_TYPE = 0o10
/** What decoding puts in the place of bytes that are not UTF-8. */
const UNDECODABLE = '\ufffd'
const EMPTY = new Uint8Array()
const CUT_SHORT =
  'the two histories cross each other too often to find where they last agreed; check the result'
