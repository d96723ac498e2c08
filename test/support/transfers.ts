// Asks a transfer server as a secondary does, and applies what comes to the records it has.
import { clientOf, name } from './zones.ts'
import {
  DifferenceJournal,
  recordKey,
} from '../../appliances/dns/core/transfer/difference-journal.ts'
import type { Transport } from '../../shared/dns-server/core/client.ts'
import type { Key } from '../../shared/tsig/key.ts'
import { TransferReader, type Received } from '../../shared/dns-transfer/core/transfer-reader.ts'
import {
  TransferServer,
  type TransferOptions,
} from '../../appliances/dns/core/transfer/transfer-out.ts'
import type { Zone } from '../../appliances/dns/core/zone/zone.ts'
import { encodeMessage, OPCODE, RCODE } from '../../shared/dns/message.ts'
import type { Record } from '../../shared/dns/record.ts'
import { CLASS, TYPE } from '../../shared/dns/record-types.ts'

export const TRANSFER_ID = 0x7171

export type TransferAsk = {
  readonly zone: string
  /** An IXFR from this serial; an AXFR without. */
  readonly serial?: number
  readonly transport?: Transport
  readonly key?: Key
  readonly limitOctets?: number
  readonly qclass?: number
}

/** A SOA's rdata with nothing but a serial, as an IXFR query has it. */
export function bareSoa(serial: number): Uint8Array {
  const rdata = Buffer.alloc(22)
  rdata.writeUInt32BE(serial, 2)
  return rdata
}

export function transferQuery(ask: TransferAsk): Uint8Array {
  const owner = name(ask.zone)
  const soa = { owner, type: TYPE.SOA, class: CLASS.IN, ttlSeconds: 0 }
  return encodeMessage({
    id: TRANSFER_ID,
    opcode: OPCODE.QUERY,
    flags: 0,
    rcode: RCODE.NOERROR,
    questions: [
      {
        qname: owner,
        qtype: ask.serial === undefined ? TYPE.AXFR : TYPE.IXFR,
        qclass: ask.qclass ?? CLASS.IN,
      },
    ],
    answers: [],
    authorities: ask.serial === undefined ? [] : [{ ...soa, rdata: bareSoa(ask.serial) }],
    additionals: [],
  })
}

/** Every message of the answer. */
export async function askTransfer(server: TransferServer, ask: TransferAsk): Promise<Uint8Array[]> {
  const messages: Uint8Array[] = []
  const request = {
    packet: transferQuery(ask),
    client: clientOf(ask.transport ?? 'tcp'),
    key: ask.key,
    mac: undefined,
    limitOctets: ask.limitOctets ?? 65_535,
    signal: new AbortController().signal,
  }
  for await (const message of server.handle(request)) messages.push(message)
  return messages
}

/** What a secondary makes of the messages; throws when it refuses them. */
export function readTransfer(messages: readonly Uint8Array[], ask: TransferAsk): Received {
  const reader = new TransferReader({
    id: TRANSFER_ID,
    zone: name(ask.zone),
    qtype: ask.serial === undefined ? TYPE.AXFR : TYPE.IXFR,
    serial: ask.serial,
  })
  let received: Received | undefined
  for (const message of messages) {
    if (received !== undefined) throw new Error('messages behind the end')
    const taken = reader.take(message)
    if (!taken.ok) throw new Error(JSON.stringify(taken.error))
    received = taken.value
  }
  if (received === undefined) throw new Error('the transfer does not end')
  return received
}

/** Serves the newest of these zones and keeps what changed from one to the next. */
export function transferServerOf(
  versions: readonly Zone[],
  options: Partial<TransferOptions> = {},
): { server: TransferServer; ended: Parameters<TransferOptions['ended']>[0][] } {
  const journal = new DifferenceJournal()
  for (const [i, after] of versions.entries())
    journal.note({ origin: after.origin, before: versions[i - 1], after, isBroken: false })
  const zone = versions.at(-1)!
  const ended: Parameters<TransferOptions['ended']>[0][] = []
  const server = new TransferServer({
    zonesFor: () => ({ get: (origin) => (origin === zone.origin ? { zone } : undefined) }),
    history: { difference: async (to, from) => journal.between(to.origin, from, to.serial!) },
    allows: () => true,
    whyKept: () => undefined,
    pause: async () => {},
    ended: (transfer) => void ended.push(transfer),
    ...options,
  })
  return { server, ended }
}

/** The records of a zone by `recordKey`, the SOA among them. */
export function recordSet(zone: Zone): Map<string, Record> {
  const set = new Map<string, Record>()
  for (const [, { name: owner, rrsets }] of zone.nodes.entries())
    for (const { type, ttlSeconds, rdatas } of rrsets)
      for (const rdata of rdatas) put(set, { owner, type, ttlSeconds, rdata })
  return set
}

/** RFC 1995 §4, as literally as possible: throws when a record to be removed is not there, or one added is. */
export function applyReceived(
  before: Map<string, Record>,
  received: Received,
): Map<string, Record> {
  const set = new Map(before)
  if (received.kind === 'current') return set
  if (received.kind === 'full') {
    set.clear()
    for (const record of [received.soa, ...received.records]) put(set, record)
    return set
  }
  for (const step of received.steps) {
    for (const record of [step.before, ...step.removed])
      if (!set.delete(recordKey(record))) throw new Error('removes what is not there')
    for (const record of [step.after, ...step.added]) put(set, record)
  }
  return set
}

function put(set: Map<string, Record>, record: Record): void {
  const key = recordKey(record)
  if (set.has(key)) throw new Error('adds what is there')
  set.set(key, record)
}
