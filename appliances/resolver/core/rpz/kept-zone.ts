// A policy zone that came by transfer, as the text that is kept: its SOA first, then one record a line, so that differences
// (RFC 1995) are lines that go and lines that come. All in steps: such zones have millions of records.
import type {
  Received,
  TransferStep,
} from '../../../../shared/dns-transfer/core/transfer-reader.ts'
import { canonicalName, formatName } from '../../../../shared/dns/name.ts'
import { formatRdata } from '../../../../shared/dns/rdata.ts'
import type { Record } from '../../../../shared/dns/record.ts'
import { typeText } from '../../../../shared/dns/record-types.ts'
import { err, ok, type Result } from '../../../../shared/result/result.ts'
import { eachLine } from '../policy/list-lines.ts'
import { STEP_LINES, type Steps } from '../policy/steps.ts'

/** The text that `received` makes of `before`, the one that is kept. The error is a word for the log. */
export function* keptText(
  received: Exclude<Received, { readonly kind: 'current' }>,
  before: Uint8Array | undefined,
): Steps<Result<Buffer, string>> {
  const lines = new LineWriter()
  lines.add(lineOf(received.soa))
  if (received.kind === 'full') {
    for (const [i, record] of received.records.entries()) {
      lines.add(lineOf(record))
      if (i % STEP_LINES === 0) yield
    }
    return ok(lines.text())
  }
  if (before === undefined) return err('differences-to-nothing')
  const { gone, come } = yield* netDifference(received.steps)
  let isSoa = true
  for (const [line, number] of eachLine(before)) {
    if (!isSoa && !gone.delete(line)) {
      lines.add(line)
      // What is there already does not come again.
      come.delete(line)
    }
    isSoa = false
    if (number % STEP_LINES === 0) yield
  }
  // Then they are differences to another zone than ours.
  if (gone.size > 0) return err('differences-that-do-not-apply')
  for (const line of come) lines.add(line)
  return ok(lines.text())
}

function* netDifference(
  steps: readonly TransferStep[],
): Steps<{ readonly gone: Set<string>; readonly come: Set<string> }> {
  const gone = new Set<string>()
  const come = new Set<string>()
  let count = 0
  for (const { removed, added } of steps) {
    for (const record of removed) {
      const line = lineOf(record)
      if (!come.delete(line)) gone.add(line)
      if (++count % STEP_LINES === 0) yield
    }
    for (const record of added) {
      const line = lineOf(record)
      if (!gone.delete(line)) come.add(line)
      if (++count % STEP_LINES === 0) yield
    }
  }
  return { gone, come }
}

/** In one spelling: names of policy zones are no one's property. */
function lineOf({ owner, type, ttlSeconds, rdata }: Record): string {
  return `${formatName(canonicalName(owner))}\t${ttlSeconds}\t${typeText(type)}\t${formatRdata(type, rdata)}`
}

/** Joins lines piece by piece: one join of millions would stop the process. */
class LineWriter {
  readonly #pieces: Buffer[] = []
  #lines: string[] = []

  add(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length === STEP_LINES) this.#flush()
  }

  text(): Buffer {
    this.#flush()
    return Buffer.concat(this.#pieces)
  }

  #flush(): void {
    if (this.#lines.length > 0)
      this.#pieces.push(Buffer.from(`${this.#lines.join('\n')}\n`, 'latin1'))
    this.#lines = []
  }
}
