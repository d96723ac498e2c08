// Signs large zones in a thread of its own, one after the other, so that answers go on meanwhile.
import { availableParallelism } from 'node:os'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { isPermitted } from '../../../shared/native/permission.ts'
import { Bug } from '../../../shared/result/result.ts'
import type { ZoneKey } from '../core/dnssec/key-file.ts'
import type { SignerSettings, SigningRound } from '../core/dnssec/signing-plan.ts'
import { changeZone } from '../core/zone/zone-change.ts'
import { copiedParts, memoryOf, zoneOfParts, type ZoneParts } from '../core/zone/zone-parts.ts'
import type { Zone } from '../core/zone/zone.ts'
import { sentRound, type SignJob, type SignResult } from './sign-job.ts'

/** The worker's own bundle, put here by the build (tools/bundle.ts); from source it is a file. */
declare const SIGN_WORKER_CODE: string | undefined

/** With so many, signatures are made by several threads at once. */
const CORES_TO_SPARE = 3

export type ThreadResult = Omit<SignResult, 'signed'> & { readonly signed: Zone }

export class SignThread {
  readonly #stopping = new AbortController()
  #last: Promise<unknown> = Promise.resolve()

  /** Undefined where threads are refused. */
  static open(): SignThread | undefined {
    return isPermitted('worker') ? new SignThread() : undefined
  }

  /** `before` must not be signed further until it is done. Undefined when it was stopped. */
  sign(job: {
    readonly settings: SignerSettings
    readonly unsigned: Zone
    readonly before: Zone | undefined
    readonly isChange: boolean
    readonly round: SigningRound<ZoneKey>
    readonly file: string
  }): Promise<ThreadResult | undefined> {
    const signed = this.#last.then(async () => {
      const unsigned = await copied(job.unsigned)
      const before = job.before && (await copied(job.before))
      if (this.#stopping.signal.aborted) return undefined
      const onPool = availableParallelism() >= CORES_TO_SPARE
      const round = sentRound(job.round)
      const result = await this.#run({ ...job, round, unsigned, before, onPool })
      if (result === undefined) return undefined
      const { signed } = result
      const zone =
        signed.kind === 'whole' ? zoneOfParts(signed.parts) : changeZone(job.before!, signed)
      return { ...result, signed: zone }
    })
    this.#last = signed.catch(() => {})
    return signed
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#last
  }

  #run(job: SignJob): Promise<SignResult | undefined> {
    const { signal } = this.#stopping
    return new Promise((done, fail) => {
      const worker = new Worker(workerFile(), {
        workerData: job,
        transferList: [...memoryOf(job.unsigned), ...(job.before ? memoryOf(job.before) : [])],
        name: 'signing',
        execArgv: ['--disable-warning=ExperimentalWarning'],
      })
      const end = (): void => void worker.terminate()
      signal.addEventListener('abort', end, { once: true })
      let result: SignResult | undefined
      worker.on('message', (message: SignResult) => (result = message))
      worker.on('error', (cause) => fail(cause instanceof Error ? cause : new Bug(String(cause))))
      worker.on('exit', () => {
        signal.removeEventListener('abort', end)
        if (result !== undefined || signal.aborted) done(result)
        else fail(new Bug('The thread that signs ended without a result'))
      })
    })
  }
}

async function copied(zone: Zone): Promise<ZoneParts> {
  const work = copiedParts(zone)
  let step = work.next()
  for (; step.done !== true; step = work.next()) await nextTurn()
  return step.value
}

function workerFile(): URL {
  if (typeof SIGN_WORKER_CODE === 'undefined') return new URL('./sign-worker.ts', import.meta.url)
  return new URL(`data:text/javascript,${encodeURIComponent(SIGN_WORKER_CODE)}`)
}
