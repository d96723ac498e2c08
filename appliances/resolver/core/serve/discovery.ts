// Says to clients that ask by plain DNS where they may ask encrypted: `_dns.resolver.arpa` SVCB (RFC 9462, RFC 9461).
import { isAtOrBelow, parseName, type Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { Bug } from '../../../../shared/result/result.ts'
import type { Answer, Question } from '../answer.ts'
import type { RRset } from '../rrset.ts'
import { localAnswer, type LocalAnswers } from './local-answers.ts'

export type Designation = {
  /** The name in our certificate. */
  readonly target: Name
  /** Of DNS over TLS; none without. */
  readonly tlsPort: number | undefined
  /** Of DNS over HTTPS; none without. */
  readonly https: { readonly port: number; readonly path: string } | undefined
}

const TTL_SECONDS = 300
const KEY = { ALPN: 1, PORT: 3, DOHPATH: 7 } as const

export class Discovery implements LocalAnswers {
  readonly #rdatas: readonly Uint8Array[]

  /** Without a designation the zone is empty: nobody is asked for it either (RFC 9462 §8.2). */
  constructor(designation: Designation | undefined) {
    const rdatas: Uint8Array[] = []
    const { target, https, tlsPort } = designation ?? {}
    if (target !== undefined && https !== undefined)
      rdatas.push(
        svcb(1, target, [
          [KEY.ALPN, alpn('h2', 'http/1.1')],
          [KEY.PORT, octets16(https.port)],
          [KEY.DOHPATH, Buffer.from(`${https.path}{?dns}`)],
        ]),
      )
    if (target !== undefined && tlsPort !== undefined)
      rdatas.push(
        svcb(rdatas.length + 1, target, [
          [KEY.ALPN, alpn('dot')],
          [KEY.PORT, octets16(tlsPort)],
        ]),
      )
    this.#rdatas = rdatas
  }

  find(question: Question, nowMs: number): Answer | undefined {
    const { qname, qtype } = question
    if (!isAtOrBelow(qname, ZONE)) return undefined
    const at = { zone: ZONE, soa: SOA, ttlSeconds: TTL_SECONDS, nowMs }
    if (qname !== OWNER || this.#rdatas.length === 0)
      return localAnswer(question, { ...at, isDenied: qname !== ZONE })
    if (qtype !== TYPE.SVCB) return localAnswer(question, at)
    const rrset: RRset = {
      owner: OWNER,
      type: TYPE.SVCB,
      ttlSeconds: TTL_SECONDS,
      rdatas: this.#rdatas,
      signatures: [],
    }
    return localAnswer(question, { ...at, rrset })
  }
}

/** RFC 9460 §2.2; parameters in the order of their keys. */
function svcb(
  priority: number,
  target: Name,
  parameters: readonly (readonly [number, Uint8Array])[],
): Uint8Array {
  const parts: Uint8Array[] = [octets16(priority), Buffer.from(target, 'latin1')]
  for (const [key, value] of parameters) parts.push(octets16(key), octets16(value.length), value)
  return new Uint8Array(Buffer.concat(parts))
}

function alpn(...ids: readonly string[]): Uint8Array {
  return Buffer.concat(ids.flatMap((id) => [Buffer.of(id.length), Buffer.from(id)]))
}

function octets16(value: number): Buffer {
  return Buffer.of(value >>> 8, value & 0xff)
}

function nameOf(text: string): Name {
  const parsed = parseName(text)
  if (!parsed.ok) throw new Bug(parsed.error)
  return parsed.value
}

const ZONE = nameOf('resolver.arpa')
const OWNER = nameOf('_dns.resolver.arpa')
const SOA: RRset = {
  owner: ZONE,
  type: TYPE.SOA,
  ttlSeconds: TTL_SECONDS,
  rdatas: [
    Buffer.concat([
      Buffer.from(ZONE, 'latin1'),
      Buffer.from(nameOf('nobody.invalid'), 'latin1'),
      Buffer.from('00000001'.concat('00000e10', '000004b0', '00093a80', '0000012c'), 'hex'),
    ]),
  ],
  signatures: [],
}
