// Two name servers' answers to one query, compared as RFCs mean them: sections are sets, names have no case.
import { formatName } from '../../shared/dns/name.ts'
import { decodeMessage, FLAG, type Message, type MessageRecord } from '../../shared/dns/message.ts'
import { TYPE, typeText } from '../../shared/dns/record-types.ts'

export type Answer = {
  readonly rcode: number
  readonly aa: boolean
  readonly tc: boolean
  readonly answer: ReadonlySet<string>
  readonly authority: ReadonlySet<string>
  readonly additional: ReadonlySet<string>
}

/** Throws when the message cannot be decoded or is no answer to `query`. */
export function readAnswer(bytes: Uint8Array, query: Uint8Array): Answer {
  const decoded = decodeMessage(bytes)
  if (!decoded.ok) throw new Error(`not a message (${decoded.error.kind}): ${hex(bytes)}`)
  const { value } = decoded
  const isAnswer = value.id === ((query[0]! << 8) | query[1]!) && (value.flags & FLAG.QR) !== 0
  if (!isAnswer) throw new Error(`not an answer to the query: ${hex(bytes)}`)
  return answerOf(value)
}

/** What is different, one line each; empty when they say the same. */
export function differences(ours: Answer, theirs: Answer): string[] {
  const lines: string[] = []
  for (const field of ['rcode', 'aa', 'tc'] as const)
    if (ours[field] !== theirs[field]) lines.push(`${field}: ${ours[field]} not ${theirs[field]}`)
  for (const section of ['answer', 'authority', 'additional'] as const) {
    for (const record of ours[section])
      if (!theirs[section].has(record)) lines.push(`${section}: only ours: ${record}`)
    for (const record of theirs[section])
      if (!ours[section].has(record)) lines.push(`${section}: only theirs: ${record}`)
  }
  return lines
}

function answerOf(message: Message): Answer {
  return {
    rcode: message.rcode,
    aa: (message.flags & FLAG.AA) !== 0,
    tc: (message.flags & FLAG.TC) !== 0,
    answer: asSet(message.answers),
    authority: asSet(message.authorities),
    additional: asSet(message.additionals),
  }
}

function asSet(records: readonly MessageRecord[]): ReadonlySet<string> {
  const texts = records.map(({ owner, type, class: klass, ttlSeconds, rdata }) => {
    const content = Buffer.from(rdata).toString('latin1').toLowerCase()
    const readable = type === TYPE.RRSIG ? signatureText(rdata) : JSON.stringify(content)
    return `${formatName(owner).toLowerCase()} ${ttlSeconds} ${klass} ${typeText(type)} ${readable}`
  })
  return new Set(texts)
}

/** What it signs, its labels, and enough of the signature to know it again. */
function signatureText(rdata: Uint8Array): string {
  const type = typeText((rdata[0]! << 8) | rdata[1]!)
  return `${type} ${rdata[3]} ${hex(rdata.subarray(-6))}`
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
