// Asks the servers of a parent zone for DS records (RFC 7344 §6.1 from the child's side): what all of them say alike,
// over TCP where it is too much for a datagram.
import { randomInt } from 'node:crypto'
import {
  decodeMessage,
  encodeMessage,
  FLAG,
  OPCODE,
  RCODE,
  type Message,
} from '../../shared/dns/message.ts'
import { canonicalName, type Name } from '../../shared/dns/name.ts'
import { CLASS, TYPE } from '../../shared/dns/record-types.ts'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import type { PeerClient } from '../../shared/dns-transfer/peer-client.ts'
import type { ParentDs } from './signing/rolling-keys.ts'

/** DS records that every one of `servers` has; undefined when one did not answer, or not with authority. */
export async function askParents(
  origin: Name,
  servers: readonly Endpoint[],
  by: { readonly client: PeerClient; readonly signal: AbortSignal },
): Promise<ParentDs | undefined> {
  const answers = await Promise.all(servers.map((server) => askOne(origin, server, by)))
  let common: ParentDs | undefined
  for (const answer of answers) {
    if (answer === undefined) return undefined
    const known = new Set(answer.rdatas.map(hexOf))
    common =
      common === undefined
        ? answer
        : {
            rdatas: common.rdatas.filter((rdata) => known.has(hexOf(rdata))),
            ttlSeconds: Math.max(common.ttlSeconds, answer.ttlSeconds),
          }
    // One that still has a DS is enough for the zone not to be without.
    if (common.rdatas.length === 0 && answers.some((a) => (a?.rdatas.length ?? 0) > 0)) {
      return undefined
    }
  }
  return common
}

async function askOne(
  origin: Name,
  endpoint: Endpoint,
  by: { readonly client: PeerClient; readonly signal: AbortSignal },
): Promise<ParentDs | undefined> {
  const query = encodeMessage({
    id: randomInt(0x10000),
    opcode: OPCODE.QUERY,
    flags: 0,
    rcode: RCODE.NOERROR,
    questions: [{ qname: origin, qtype: TYPE.DS, qclass: CLASS.IN }],
    answers: [],
    authorities: [],
    additionals: [],
  })
  const answer = await by.client.ask({ endpoint }, query, by.signal)
  const message = answer.ok ? decodeMessage(answer.value) : undefined
  return message?.ok === true ? dsIn(message.value, origin) : undefined
}

function dsIn(message: Message, origin: Name): ParentDs | undefined {
  const { flags, rcode, answers } = message
  if (rcode !== RCODE.NOERROR || (flags & FLAG.AA) === 0 || (flags & FLAG.TC) !== 0)
    return undefined
  const ds = answers.filter(
    ({ owner, type }) => type === TYPE.DS && canonicalName(owner) === origin,
  )
  return {
    rdatas: ds.map(({ rdata }) => rdata),
    ttlSeconds: ds.reduce((highest, { ttlSeconds }) => Math.max(highest, ttlSeconds), 0),
  }
}

function hexOf(rdata: Uint8Array): string {
  return Buffer.from(rdata).toString('hex')
}
