// The policy that holds: lists that the configuration names, and those of the branch. A wrong line changes nothing.
import { randomInt } from 'node:crypto'
import type { Log } from '../../shared/log/log.ts'
import { formatProblem, type Problem } from '../../shared/result/problem.ts'
import { Fatal } from '../../shared/result/result.ts'
import type { Accept, Snapshot } from '../../store/index.ts'
import { lineMatcher } from './core/policy/mention-line.ts'
import { Policy, type Mention } from './core/policy/policy.ts'
import { PolicyAnswers } from './core/policy/policy-answers.ts'
import { PolicyBranch, type BranchPolicy } from './core/policy/policy-branch.ts'
import { PolicyTransfers, type PolicyTransfersParts } from './policy-transfers.ts'
import { findIn, findLine, readLists, type FilePolicy, type PolicyConfig } from './policy-table.ts'

export class PolicyKeeper {
  readonly answers: PolicyAnswers = new PolicyAnswers(new Policy([]))
  readonly #config: PolicyConfig
  readonly #seed = randomInt(2 ** 32)
  readonly #branch = new PolicyBranch(this.#seed)
  #files: FilePolicy = { lists: [], zones: [] }
  #published: BranchPolicy | undefined
  #head: Snapshot | undefined
  #transfers: PolicyTransfers | undefined

  private constructor(config: PolicyConfig) {
    this.#config = config
  }

  /** Throws `Fatal` with everything that is wrong in the files. */
  static async open(config: PolicyConfig): Promise<PolicyKeeper> {
    const keeper = new PolicyKeeper(config)
    const problems = await keeper.#readFiles()
    if (problems.length > 0) throw new Fatal(problems.map(formatProblem).join('\n'))
    return keeper
  }

  /** Policy zones by transfer, when there are any; their rules hold from now on. Throws `Fatal` for files that cannot be read. */
  async follow(
    parts: Pick<PolicyTransfersParts, 'ring' | 'clock' | 'log'>,
  ): Promise<PolicyTransfers | undefined> {
    const { transfer: zones, kept: folder } = this.#config
    if (folder === undefined || zones.length === 0) return undefined
    const changed = (): void => this.#use()
    const seed = this.#seed
    this.#transfers = await PolicyTransfers.open({ ...parts, zones, folder, seed, changed })
    this.#use()
    return this.#transfers
  }

  /** For the store: whether a push may become the head. */
  get accept(): Accept {
    return this.#branch.accept
  }

  /** `head` holds from now on; lines of it that cannot be read are left out, and said in the log. */
  publish(head: Snapshot, log: Log): void {
    this.#published = this.#branch.at(head)
    this.#head = head
    for (const wrong of this.#published.problems)
      log.error('policy-problem', { problem: formatProblem(wrong) })
    this.#use()
    log.info('policy', { names: this.answers.policy.size })
  }

  /** The line of a list that says it; undefined when the list was changed since it was read. */
  async lineOf(
    mention: Mention,
  ): Promise<{ readonly text: string; readonly line: number } | undefined> {
    const { list } = mention
    const isMeant = lineMatcher(mention)
    const found = this.#files.lists.includes(list)
      ? await findLine(list.file, isMeant)
      : await this.#findInBranch(list.file, isMeant)
    return found && { text: found[0].trim(), line: found[1] }
  }

  async #findInBranch(
    path: string,
    isMeant: (line: string) => boolean,
  ): Promise<readonly [string, number] | undefined> {
    const bytes = this.#head?.get(path)
    return bytes && (await findIn(bytes, isMeant))
  }

  /** Files of which one is wrong change nothing: what was blocked stays so. */
  async reload(log: Log): Promise<void> {
    const problems = await this.#readFiles()
    for (const wrong of problems) log.error('policy-refused', { why: formatProblem(wrong) })
    if (problems.length === 0) log.info('policy', { names: this.answers.policy.size })
  }

  async #readFiles(): Promise<readonly Problem[]> {
    const read = await readLists(this.#config, this.#seed)
    if (!read.ok) return read.error
    this.#files = read.value
    this.#use()
    return []
  }

  #use(): void {
    const { lists = [], zones = [], house } = this.#published ?? {}
    const { lists: more, zones: moreZones } = this.#files
    const copies = this.#transfers?.zones ?? []
    this.answers.use(new Policy([...lists, ...more], house, [...zones, ...moreZones, ...copies]))
  }
}
