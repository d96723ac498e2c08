// Makes updates commits of the branch (RFC 2136): evaluated where the commit is made, so that many at once are each
// right and share a write to the disk; answered when durable, and never before.
import { createHash } from 'node:crypto'
import type { Clock } from '../../shared/clock/clock.ts'
import { EXTENDED_ERROR, type ExtendedError } from '../../shared/dns/edns.ts'
import { RCODE } from '../../shared/dns/message.ts'
import { formatName, ROOT } from '../../shared/dns/name.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Metrics } from '../../shared/metrics/metrics.ts'
import type { PrefixSet } from '../../shared/net/prefix.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import type { Branch, CommitError, Edit, Person } from '../../store/index.ts'
import { explainedAnswer } from '../../shared/dns-server/core/bare-answer.ts'
import type { ZoneKeeper } from './core/branch/zone-keeper.ts'
import type { BranchZones } from './core/branch/branch-zones.ts'
import { grantsFor, type Grant } from '../../shared/tsig/key.ts'
import { outlineMessage } from '../../shared/dns-server/core/message-outline.ts'
import type { Request, RequestHandler } from './core/request.ts'
import { planUpdate, type UpdatePlan } from './core/update/update-plan.ts'
import { decodeUpdate, type UpdateMessage } from './core/update/update-message.ts'
import type { View, Views } from './core/views.ts'
import { UpdateMemory } from './core/update/update-memory.ts'

export type UpdaterParts = {
  readonly branch: Branch
  readonly keeper: ZoneKeeper
  readonly views: Views
  /** Whose updates are taken without a signature. */
  readonly unsigned: PrefixSet
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
}

/** How often an update waits for what others have under way, and how long each time. */
const WAITS_LIMIT = 400
const WAIT_MS = 5

export class Updater {
  readonly #parts: UpdaterParts
  readonly #memory = new UpdateMemory<Promise<Outcome>>()
  readonly #count: (rcode: number) => void

  constructor(parts: UpdaterParts) {
    this.#parts = parts
    const updates = parts.metrics.counter('cairn_dns_updates', 'Updates, by response code')
    const names = new Map<number, string>(Object.entries(RCODE).map(([name, code]) => [code, name]))
    this.#count = (rcode) => updates.inc({ rcode: names.get(rcode) ?? `RCODE${rcode}` })
  }

  readonly handler: RequestHandler = (request) => this.#answer(request)

  async *#answer(request: Request): AsyncGenerator<Uint8Array> {
    const { packet, limitOctets } = request
    const { rcode, why } = await this.#once(request)
    this.#count(rcode)
    const error = why === undefined ? undefined : explained(rcode, why)
    yield explainedAnswer(packet, outlineMessage(packet), rcode, { error, limitOctets })
  }

  /** An update that comes again gets the answer of the first time. */
  async #once(request: Request): Promise<Outcome> {
    const grants = this.#grantsOf(request)
    if (grants === undefined) {
      // Anyone may send these at any rate: the log is not for them to fill.
      this.#parts.log.debug('update-refused', { client: request.client.address, why: 'unsigned' })
      return { rcode: RCODE.REFUSED, why: 'updates are signed here (TSIG)' }
    }
    const key = identityOf(request)
    const known = this.#memory.find(key, this.#parts.clock.wallMs())
    if (known !== undefined) return await known
    const made = this.#make(request, grants)
    this.#memory.keep(key, made, this.#parts.clock.wallMs())
    const outcome = await made
    if (outcome.rcode !== RCODE.NOERROR) this.#memory.forget(key)
    return outcome
  }

  /** Undefined for who may not update anything. */
  #grantsOf({ key, client }: Request): readonly Grant[] | undefined {
    if (key !== undefined) return key.grants
    return this.#parts.unsigned.has(client.octets) ? EVERYTHING : undefined
  }

  async #make(request: Request, all: readonly Grant[]): Promise<Outcome> {
    const decoded = decodeUpdate(request.packet)
    if (!decoded.ok) return { rcode: decoded.error }
    const update = decoded.value
    const sender = senderOf(request)
    const fields = { zone: formatName(update.zone), by: sender, client: request.client.address }
    const grants = grantsFor({ grants: all }, 'update', update.zone)
    const view = this.#parts.views.of(request.client.octets, request.key)
    if (grants.length === 0) {
      const why = 'no right to this zone'
      this.#parts.log.info('update-refused', { ...fields, why })
      return { rcode: RCODE.REFUSED, why }
    }
    for (let waits = 0; waits < WAITS_LIMIT; waits++) {
      const info = {
        message: '',
        author: personOf(sender),
        trailers: { 'Update-From': request.client.address },
      }
      let plan: UpdatePlan | undefined
      const done = await this.#parts.branch.commit(info, (edit) => {
        const zones = this.#parts.keeper.zonesOf(edit.entry('')!.oid)
        plan = zones && this.#plan(zones, update, { grants, view })
        if (plan?.kind !== 'change') return
        info.message = plan.words
        write(edit, plan.files)
      })
      if (plan === undefined && (done.ok || done.error.kind === 'unchanged')) {
        await this.#wait()
        continue
      }
      if (plan?.kind === 'refused') {
        if (plan.why !== undefined)
          this.#parts.log.info('update-refused', { ...fields, why: plan.why })
        return plan
      }
      if (plan?.kind === 'nothing') {
        if (this.#isSettled(update, { grants, view })) return DONE
        await this.#wait()
        continue
      }
      if (!done.ok) return this.#failed(done.error, fields)
      this.#parts.log.info('zone-updated', { ...fields, change: info.message.split('\n')[0]! })
      return DONE
    }
    this.#parts.log.warn('update-failed', { ...fields, why: 'the branch does not come to rest' })
    return { rcode: RCODE.SERVFAIL }
  }

  /** The zone is the one that the sender sees; one that is not there yet is made in the view itself. */
  #plan(zones: BranchZones, update: UpdateMessage, { grants, view }: UpdateSender): UpdatePlan {
    const { views, clock } = this.#parts
    const isIn = (one: View): boolean =>
      zones.of(one.name).get(update.zone) !== undefined ||
      one.publication.get(update.zone) !== undefined
    const holder = !isIn(view) && isIn(views.default) ? views.default : view
    const published = holder.publication.get(update.zone)
    return planUpdate(zones.of(holder.name), update, {
      grants,
      published: published?.zone,
      isPublished: published !== undefined,
      wallMs: clock.wallMs(),
      others: [...zones].filter((set) => set.view !== holder.name),
    })
  }

  /** Whether what needs no change is durable already, and not just about to be. */
  #isSettled(update: UpdateMessage, sender: UpdateSender): boolean {
    const zones = this.#parts.keeper.zonesOf(this.#parts.branch.head.tree)
    return zones !== undefined && this.#plan(zones, update, sender).kind === 'nothing'
  }

  #failed(error: CommitError, fields: { readonly zone: string; readonly by: string }): Outcome {
    if (error.kind === 'refused') {
      const problem = error.problems.find((p) => p.severity === 'error')
      const why = problem === undefined ? 'the zone would be broken' : formatProblem(problem)
      this.#parts.log.info('update-refused', { ...fields, why })
      return { rcode: RCODE.REFUSED, why }
    }
    const why = error.kind === 'read-only' ? error.reason : error.kind
    this.#parts.log.error('update-failed', { ...fields, why })
    return { rcode: RCODE.SERVFAIL }
  }

  #wait(): Promise<void> {
    return new Promise((done) => void this.#parts.clock.after(WAIT_MS, done))
  }
}

/** `why` in words that the sender may read. */
type Outcome = { readonly rcode: number; readonly why?: string }

const DONE: Outcome = { rcode: RCODE.NOERROR }

type UpdateSender = {
  /** For the zone of the update. */
  readonly grants: readonly Grant[]
  readonly view: View
}

function explained(rcode: number, text: string): ExtendedError {
  const { PROHIBITED, NOT_AUTHORITATIVE, OTHER } = EXTENDED_ERROR
  if (rcode === RCODE.REFUSED) return { code: PROHIBITED, text }
  return { code: rcode === RCODE.NOTAUTH ? NOT_AUTHORITATIVE : OTHER, text }
}

function write(edit: Edit, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, octets] of files) edit.set(path, octets)
}

/** The key's name, or the address of who needs none. */
function senderOf({ key, client }: Request): string {
  return key === undefined ? client.address : formatName(key.name).replace(/\.$/, '')
}

function personOf(sender: string): Person {
  return { name: sender, email: `${sender.replaceAll(/[^\w.:-]/g, '_')}@cairn-dns` }
}

/** A signature is over all of a message and its time; without one, the same client sends the same octets. */
function identityOf({ key, mac, client, packet }: Request): string {
  if (key !== undefined && mac !== undefined)
    return `${key.name}${Buffer.from(mac).toString('latin1')}`
  const hash = createHash('sha256').update(packet).digest('latin1')
  return `${client.address} ${client.port} ${hash}`
}

const EVERYTHING: readonly Grant[] = [{ right: 'update', zone: ROOT }]
