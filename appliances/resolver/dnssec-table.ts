// The [dnssec] table: whether answers are validated, and where trust begins.
import {
  boolean,
  checked,
  list,
  object,
  optional,
  section,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import type { Name } from '../../shared/dns/name.ts'
import { readTextFile } from '../../shared/files/text-file.ts'
import { formatProblem, problem, type Problem } from '../../shared/result/problem.ts'
import { Fatal, ok } from '../../shared/result/result.ts'
import { readAnchorState } from './anchor-state-file.ts'
import { anchorsOf, openAnchor, type AnchorPoint } from './core/validate/anchor-point.ts'
import { ChainValidator } from './core/validate/chain-validator.ts'
import { DEFAULT_POLICY, type CheckPolicy } from './core/validate/check-limits.ts'
import { parseAnchors, ROOT_ANCHORS, type Anchors } from './core/validate/trust-anchors.ts'
import { TrustMemory } from './core/validate/trust-memory.ts'
import { zoneName } from './upstream-tables.ts'

export type DnssecConfig = {
  readonly validate: boolean
  /** A file of DS or DNSKEY records instead of the root's that are shipped. */
  readonly anchors?: string
  /** A file in which their keys are kept up to date by RFC 5011; without it they stay as they are configured. */
  readonly anchorState?: string
  /** Zones below which nothing is checked (RFC 7646). */
  readonly negative: readonly Name[]
  /** Whether checked NSEC records deny what else they cover. */
  readonly aggressive: boolean
  /** Whether signatures that rest on SHA-1 are verified; otherwise their zones count as unsigned. */
  readonly sha1: boolean
}

export const dnssecTable: Decoder<DnssecConfig> = section(
  checked(
    object({
      validate: withDefault(boolean, true),
      anchors: optional(string),
      anchorState: optional(string),
      negative: withDefault(list(zoneName), []),
      aggressive: withDefault(boolean, true),
      sha1: withDefault(boolean, false),
    }),
    ({ validate, anchorState }, at) => {
      if (!validate && anchorState !== undefined)
        at.inside('anchor_state').report('Nothing is validated, so no keys are kept')
    },
  ),
)

/** Undefined where nothing is to be validated. */
export function validatorOf(
  config: DnssecConfig,
  points: readonly AnchorPoint[],
): ChainValidator | undefined {
  if (!config.validate) return undefined
  return new ChainValidator({
    trust: { anchors: anchorsOf(points), negative: new Set(config.negative) },
    memory: new TrustMemory(),
    policy: checkPolicy(config),
  })
}

export function checkPolicy({ sha1 }: DnssecConfig): CheckPolicy {
  return { ...DEFAULT_POLICY, acceptsSha1: sha1 }
}

/** What is configured, as the state file knows it. Throws `Fatal` with what is wrong with either. */
export function anchorPoints(config: DnssecConfig, nowSeconds: number): readonly AnchorPoint[] {
  if (!config.validate) return []
  const { anchors, problems } = readAnchors(config)
  if (problems.length > 0) throw new Fatal(problems.map(formatProblem).join('\n'))
  if (anchors.size === 0 && config.anchorState !== undefined)
    throw new Fatal(`${config.anchors}: There is no anchor to keep in ${config.anchorState}`)
  const state = stateOf(config)
  if (!state.ok) throw new Fatal(state.error.map(formatProblem).join('\n'))
  return [...anchors].map(([zone, ds]) =>
    openAnchor(zone, state.value?.get(zone) ?? [], { ds, nowSeconds }),
  )
}

/** For `--check`. */
export function anchorProblems(config: DnssecConfig): readonly Problem[] {
  try {
    const state = stateOf(config)
    return [...readAnchors(config).problems, ...(state.ok ? [] : state.error)]
  } catch (cause) {
    if (!(cause instanceof Fatal)) throw cause
    return [problem(cause.message)]
  }
}

function stateOf({ anchorState }: DnssecConfig): ReturnType<typeof readAnchorState> {
  return anchorState === undefined ? ok(undefined) : readAnchorState(anchorState)
}

function readAnchors({ anchors: file }: DnssecConfig): {
  readonly anchors: Anchors
  readonly problems: readonly Problem[]
} {
  if (file === undefined) return parseAnchors(ROOT_ANCHORS, 'root anchors')
  const text = readTextFile(file)
  if (!text.ok) throw new Fatal(`${file}: ${text.error}`)
  return parseAnchors(text.value, file)
}
