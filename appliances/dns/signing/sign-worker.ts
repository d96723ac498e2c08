// The first file of a thread that signs one zone, keeps it in a file, and ends. See sign-thread.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../../shared/clock/clock.ts'
import { Bug } from '../../../shared/result/result.ts'
import { ZoneSigner } from '../core/dnssec/zone-signer.ts'
import { memoryOf, zoneOfParts, zoneParts } from '../core/zone/zone-parts.ts'
import { zoneDifference } from '../core/zone/zone-difference.ts'
import type { Zone } from '../core/zone/zone.ts'
import { writeKeptZone } from './kept-zone-file.ts'
import { receivedRound, type SignJob, type SignResult } from './sign-job.ts'
import { runAtOnce, runInSlices } from './signing-run.ts'

/** A larger difference is sent as the whole zone, which costs nothing. */
const CHANGE_LIMIT_RECORDS = 4000

if (parentPort === null) throw new Bug('A thread that signs for nobody')
const { settings, before, unsigned, round, ...job } = workerData as SignJob
const zone = zoneOfParts(unsigned)
const signer = new ZoneSigner(zone.origin, settings)
const old = before && zoneOfParts(before)
if (old !== undefined) signer.adopt(old, { unsigned: undefined, maximumTtlSeconds: 0 })
const work = signer.sign(zone, receivedRound(round))
const finished = job.onPool ? (await runInSlices(work, systemClock, () => false))! : runAtOnce(work)
const fileOctets = writeKeptZone(job.file, finished.value)
const signed = (job.isChange && old && changeFrom(old, finished.value)) || {
  kind: 'whole' as const,
  parts: zoneParts(finished.value),
}
const { signatures } = finished
const { maximumTtlSeconds } = signer
const result: SignResult = { signed, signatures, maximumTtlSeconds, fileOctets }
parentPort.postMessage(result, signed.kind === 'whole' ? memoryOf(signed.parts) : [])

function changeFrom(old: Zone, after: Zone): SignResult['signed'] | undefined {
  const { added, removed } = zoneDifference(old, after)
  if (added.length + removed.length > CHANGE_LIMIT_RECORDS) return undefined
  // Octets that lie in the zone's memory would take all of it along.
  const own = (records: typeof added): typeof added =>
    records.map((record) => ({ ...record, rdata: record.rdata.slice() }))
  return { kind: 'change', added: own(added), removed: own(removed) }
}
