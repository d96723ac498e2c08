// The file in which the keys of trust anchors are kept from one start to the next: TOML that a person can read and mend.
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  checked,
  decodeConfig,
  list,
  object,
  oneOf,
  optional,
  parsed,
  type Decoder,
} from '../../shared/config/decode.ts'
import { formatName, ROOT, type Name } from '../../shared/dns/name.ts'
import { formatRdata, parseRdata } from '../../shared/dns/rdata.ts'
import { TYPE } from '../../shared/dns/record-types.ts'
import { replaceFile } from '../../shared/files/replace-file.ts'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { ANCHOR_STATES, type AnchorKey } from './core/validate/anchor-point.ts'
import { zoneName } from './upstream-tables.ts'

export type AnchorKeys = ReadonlyMap<Name, readonly AnchorKey[]>

/** Undefined when there is no such file yet. A file that is damaged is a problem: what it knew of revoked keys is missing. */
export function readAnchorState(path: string): Result<AnchorKeys | undefined, readonly Problem[]> {
  let text
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return ok(undefined)
    return err([problem(`Cannot be read (${code})`, { file: path })])
  }
  const decoded = decodeConfig(text, path, stateTable)
  if (!decoded.ok) return decoded
  const zones = new Map<Name, AnchorKey[]>()
  for (const { zone, ds, state, since, until } of decoded.value.key) {
    const held = until === undefined ? {} : { untilSeconds: until }
    const key = { ds, state, sinceSeconds: since, ...held }
    zones.set(zone, [...(zones.get(zone) ?? []), key])
  }
  return ok(zones)
}

/** See `replaceFile`. */
export function writeAnchorState(path: string, zones: AnchorKeys): void {
  mkdirSync(dirname(path), { recursive: true })
  replaceFile(path, formatAnchorState(zones), 0o644)
}

export function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000', '')
}

function formatAnchorState(zones: AnchorKeys): string {
  const tables = [HEAD]
  for (const [zone, keys] of zones)
    for (const { ds, state, sinceSeconds, untilSeconds } of keys) {
      const lines = [
        '[[key]]',
        `zone = ${JSON.stringify(formatName(zone))}`,
        `ds = "${formatRdata(TYPE.DS, ds)}"`,
        `state = "${state}"`,
        `since = "${formatTime(sinceSeconds)}"`,
      ]
      if (untilSeconds !== undefined) lines.push(`until = "${formatTime(untilSeconds)}"`)
      tables.push(`${lines.join('\n')}\n`)
    }
  return tables.join('\n')
}

const time: Decoder<number> = parsed('a time such as "2026-01-31T12:00:00Z"', (text) => {
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(ms) ? undefined : ms / 1000
})

const dsText: Decoder<Uint8Array> = parsed("a DS record's data", (text) => {
  const rdata = parseRdata(TYPE.DS, text.trim().split(/\s+/), ROOT)
  return rdata.ok ? rdata.value : undefined
})

const keyTable = checked(
  object({
    zone: zoneName,
    ds: dsText,
    state: oneOf(...ANCHOR_STATES),
    since: time,
    until: optional(time),
  }),
  ({ state, until }, at) => {
    const isHeld = state === 'add-pending' || state === 'revoked'
    if (isHeld !== (until !== undefined))
      at.report(
        isHeld
          ? `A key that is ${state} has to have "until"`
          : `A key that is ${state} has no "until"`,
      )
  },
)

const stateTable = object({
  key: checked(list(keyTable), (keys, at) => {
    if (keys.length === 0) at.report('Expected at least one key')
    const known = new Set<string>()
    for (const [i, { zone, ds }] of keys.entries()) {
      const key = `${Buffer.from(ds).toString('hex')} ${zone}`
      if (known.has(key)) at.inside(i).report('This key is there twice')
      known.add(key)
    }
  }),
})

const HEAD = `# The keys of cairn-resolver's trust anchors (RFC 5011), written by it whenever one changes its state.
# valid and missing keys are trusted; add-pending ones will be from the next look after "until" on; revoked and removed
# ones never again. Without this file trust begins at the configured anchors again.
`
