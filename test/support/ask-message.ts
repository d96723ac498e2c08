// One question by UDP to a server on loopback, and its answer as a message.
import { decodeMessage, encodeMessage, FLAG, type Message } from '../../shared/dns/message.ts'
import { CLASS, TYPE } from '../../shared/dns/record-types.ts'
import { askUdp } from './name-servers.ts'
import { name } from './zones.ts'

/** With EDNS, so that extended errors come back. Fails when no message does. */
export async function askMessage(
  port: number,
  qname: string,
  qtype: number = TYPE.A,
): Promise<Message> {
  const query = encodeMessage({
    id: 7,
    opcode: 0,
    flags: FLAG.RD,
    rcode: 0,
    questions: [{ qname: name(qname), qtype, qclass: CLASS.IN }],
    answers: [],
    authorities: [],
    additionals: [],
    edns: { udpOctets: 1232, extendedRcode: 0, version: 0, dnssecOk: false, options: [] },
  })
  const octets = await askUdp(port, query)
  const answer = octets && decodeMessage(octets)
  if (answer?.ok !== true) throw new Error(`No answer for ${qname}`)
  return answer.value
}
