// Questions put to a real name server and to ours, and where the two do not say the same.
import type { Nameserver } from '../../appliances/dns/core/answer/nameserver.ts'
import type { Transport } from '../../shared/dns-server/core/client.ts'
import { differences, readAnswer, type Answer } from './answer-compare.ts'
import { askTcp, askUdp } from './name-servers.ts'
import { clientOf, queryOf } from './zones.ts'

/** One question, and how it is asked. */
export type Case = {
  readonly question: string
  readonly transport: Transport
  readonly edns?: number
  readonly dnssecOk?: boolean
}

/** A difference that an RFC leaves to the server. */
export type Allowed = {
  readonly because: string
  /** Whether a line of `differences` is this one. */
  allows(line: string, at: Case, ours: Answer, theirs: Answer): boolean
}

/** What two servers say differently, one line each, but for what is allowed. */
export async function disagreements(
  cases: readonly Case[],
  server: Nameserver,
  port: number,
  allowed: readonly Allowed[],
): Promise<string[]> {
  const tcp = cases.filter((c) => c.transport === 'tcp')
  const theirs = new Map<Case, Uint8Array | undefined>()
  const overTcp = await askTcp(
    port,
    tcp.map((c) => queryOf(c.question, c)),
  )
  for (const [i, c] of tcp.entries()) theirs.set(c, overTcp[i])
  for (const c of cases)
    if (c.transport === 'udp') theirs.set(c, await askUdp(port, queryOf(c.question, c)))
  const lines: string[] = []
  const out = new Uint8Array(65_535)
  for (const [at, answer] of theirs) {
    const query = queryOf(at.question, at)
    const ours = readAnswer(out.slice(0, server.handle(query, clientOf(at.transport), out)), query)
    if (answer === undefined) {
      lines.push(`${at.question} over ${at.transport}: they said nothing`)
      continue
    }
    const other = readAnswer(answer, query)
    for (const line of differences(ours, other))
      if (!allowed.some(({ allows }) => allows(line, at, ours, other)))
        lines.push(`${at.question} over ${at.transport}, EDNS ${ednsText(at)}: ${line}`)
  }
  return lines
}

function ednsText({ edns, dnssecOk }: Case): string {
  return `${edns ?? 'none'}${dnssecOk === true ? ' with DO' : ''}`
}
