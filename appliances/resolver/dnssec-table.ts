// The [dnssec] table: whether answers are validated, and where trust begins.
import { readFileSync } from 'node:fs'
import {
  boolean,
  list,
  object,
  optional,
  section,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import type { Name } from '../../shared/dns/name.ts'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { Fatal } from '../../shared/result/result.ts'
import type { Validator } from './core/validator.ts'
import { ChainValidator } from './core/validate/chain-validator.ts'
import { DEFAULT_POLICY } from './core/validate/check-limits.ts'
import { parseAnchors, ROOT_ANCHORS, type Anchors } from './core/validate/trust-anchors.ts'
import { TrustMemory } from './core/validate/trust-memory.ts'
import { zoneName } from './upstream-tables.ts'

export type DnssecConfig = {
  readonly validate: boolean
  /** A file of DS or DNSKEY records instead of the root's that are shipped. */
  readonly anchors?: string
  /** Zones below which nothing is checked (RFC 7646). */
  readonly negative: readonly Name[]
  /** Whether signatures that rest on SHA-1 are verified; otherwise their zones count as unsigned. */
  readonly sha1: boolean
}

export const dnssecTable: Decoder<DnssecConfig> = section(
  object({
    validate: withDefault(boolean, true),
    anchors: optional(string),
    negative: withDefault(list(zoneName), []),
    sha1: withDefault(boolean, false),
  }),
)

/** Undefined where nothing is to be validated. Throws `Fatal` with what is wrong with the anchors. */
export function validatorOf(config: DnssecConfig): Validator | undefined {
  if (!config.validate) return undefined
  const { anchors, problems } = readAnchors(config)
  const [first] = problems
  if (first !== undefined) throw new Fatal(`${first.file}:${first.line}: ${first.message}`)
  return new ChainValidator({
    trust: { anchors, negative: new Set(config.negative) },
    memory: new TrustMemory(),
    policy: { ...DEFAULT_POLICY, acceptsSha1: config.sha1 },
  })
}

/** For `--check`. */
export function anchorProblems(config: DnssecConfig): readonly Problem[] {
  try {
    return readAnchors(config).problems
  } catch (cause) {
    if (!(cause instanceof Fatal)) throw cause
    return [problem(cause.message)]
  }
}

function readAnchors({ anchors: file }: DnssecConfig): {
  readonly anchors: Anchors
  readonly problems: readonly Problem[]
} {
  if (file === undefined) return parseAnchors(ROOT_ANCHORS, 'root anchors')
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Fatal(`${file}: Cannot be read (${(cause as NodeJS.ErrnoException).code})`)
  }
  return parseAnchors(text, file)
}
