// Policy in a branch: policy/block/ and policy/allow/ hold lists, policy/rpz/ policy zones, policy/hosts/ names of the house. A push with a wrong line is
// refused with its place; only lists that changed are read.
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import type { Accept, Entry, Oid, Snapshot } from '../../../../store/index.ts'
import { PolicyZone, ZONE_ORIGIN } from '../rpz/policy-zone.ts'
import { HouseNames } from './house-names.ts'
import { eachLine } from './list-lines.ts'
import { LIST_LIMITS, listSteps, PolicyList, type ListKind } from './policy-list.ts'
import { atOnce } from './steps.ts'

export const POLICY_FOLDER = 'policy'
/** Read in one go, some two seconds; larger ones are named in the configuration, which reads them beside the answering. */
const FILE_LIMIT_OCTETS = 16_000_000

export type BranchPolicy = {
  readonly lists: readonly PolicyList[]
  readonly house: HouseNames
  readonly zones: readonly PolicyZone[]
  readonly problems: readonly Problem[]
}

export class PolicyBranch {
  readonly #seed: number
  /** Of what was read last, by kind, path and content. */
  #known = new Map<string, PolicyList | PolicyZone>()
  #read: { readonly tree: Oid; readonly policy: BranchPolicy } | undefined

  /** As `PolicyList` has it. */
  constructor(seed: number) {
    this.#seed = seed
  }

  readonly accept: Accept = (candidate) => ({ problems: this.at(candidate).problems })

  at(snapshot: Snapshot): BranchPolicy {
    if (this.#read?.tree !== snapshot.tree)
      this.#read = { tree: snapshot.tree, policy: this.#compile(snapshot) }
    return this.#read.policy
  }

  #compile(snapshot: Snapshot): BranchPolicy {
    const lists: PolicyList[] = []
    const zones: PolicyZone[] = []
    const house = new HouseNames()
    const problems: Problem[] = []
    const known = this.#known
    this.#known = new Map()
    for (const file of snapshot.files(POLICY_FOLDER)) {
      const [, kind, ...rest] = file.path.split('/')
      if (/^(?:\.|README)/.test(rest.at(-1) ?? kind!)) continue
      const bytes = snapshot.get(file.path)!
      if (rest.length === 0 || !/^(?:block|allow|hosts|rpz)$/.test(kind!))
        problems.push(problem(WHERE, { file: file.path }))
      else if (bytes.length > FILE_LIMIT_OCTETS)
        problems.push(problem(TOO_LARGE, { file: file.path }))
      else if (kind === 'hosts') problems.push(...addHosts(house, file.path, bytes))
      else if (kind === 'rpz') {
        const zone = this.#zone(known, file, bytes)
        zones.push(zone)
        problems.push(...zone.problems)
      } else {
        const list = this.#list(known, file, kind as ListKind, bytes)
        lists.push(list)
        problems.push(...list.problems)
      }
    }
    return { lists, house, zones, problems }
  }

  #list(known: Known, { path, oid }: Entry, kind: ListKind, bytes: Uint8Array): PolicyList {
    const key = `${oid} ${path}`
    const before = known.get(key)
    const list =
      before instanceof PolicyList
        ? before
        : atOnce(listSteps({ kind, name: nameIn(path), file: path, text: bytes }, this.#seed))
    this.#known.set(key, list)
    return list
  }

  #zone(known: Known, { path, oid }: Entry, text: Uint8Array): PolicyZone {
    const key = `${oid} ${path}`
    const before = known.get(key)
    const name = nameIn(path)
    const source = { name, file: path, text, origin: ZONE_ORIGIN, seed: this.#seed }
    const zone = before instanceof PolicyZone ? before : atOnce(PolicyZone.read(source))
    this.#known.set(key, zone)
    return zone
  }
}

type Known = ReadonlyMap<string, PolicyList | PolicyZone>

function nameIn(path: string): string {
  return path.split('/').slice(2).join('/')
}

function addHosts(house: HouseNames, file: string, bytes: Uint8Array): readonly Problem[] {
  const problems: Problem[] = []
  for (const [text, line] of eachLine(bytes)) {
    const added = house.addLine(text)
    if (!added.ok) problems.push(problem(added.error, { file, line }))
    if (problems.length === LIST_LIMITS.problems) break
  }
  return problems
}

const WHERE = 'Expected a list in policy/block, policy/allow, policy/hosts or policy/rpz'
const TOO_LARGE = `Is larger than ${FILE_LIMIT_OCTETS} bytes: name it in [policy] of the configuration instead`
