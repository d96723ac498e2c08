// The [policy] table, and the lists it names: read at the start, looked at by --check, read again on SIGHUP.
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  checked,
  list,
  object,
  optional,
  record,
  section,
  string,
  withDefault,
  type Decoder,
} from '../../shared/config/decode.ts'
import {
  readSecret,
  secretFault,
  secretFields,
  type SecretEntry,
} from '../../shared/dns-transfer/secret-table.ts'
import {
  caFilesOf,
  primaryList,
  type PrimaryConfig,
} from '../../shared/dns-transfer/primaries-table.ts'
import { canonicalName, parseName, type Name } from '../../shared/dns/name.ts'
import type { Key, KeyRing } from '../../shared/tsig/key.ts'
import type { SandboxNeeds } from '../../shared/sandbox/needs.ts'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, Fatal, ok, type Result } from '../../shared/result/result.ts'
import { eachLine } from './core/policy/list-lines.ts'
import { PolicyZone, ZONE_ORIGIN } from './core/rpz/policy-zone.ts'
import { listSteps, type PolicyList } from './core/policy/policy-list.ts'
import { STEP_LINES } from './core/policy/steps.ts'
import { inTurns } from './in-turns.ts'
import { zoneName } from './upstream-tables.ts'

export type PolicyConfig = {
  /** Files of names that are not resolved. */
  readonly block: readonly string[]
  /** Files of names that are, whatever blocks them. */
  readonly allow: readonly string[]
  /** Files with response policy zones. */
  readonly rpz: readonly string[]
  /** Response policy zones that primaries have. */
  readonly transfer: readonly TransferredZone[]
  /** The folder for copies of them; there when there are any. */
  readonly kept?: string
}

export type TransferredZone = {
  /** Canonical. */
  readonly zone: Name
  readonly primaries: readonly PrimaryConfig[]
}

export const policyTable: Decoder<PolicyConfig> = section(
  checked(
    object({
      block: withDefault(list(string), []),
      allow: withDefault(list(string), []),
      rpz: withDefault(list(string), []),
      transfer: withDefault(
        checked(list(object({ zone: zoneName, primaries: primaryList })), (zones, at) => {
          if (zones.length > TRANSFERS_LIMIT) at.report(`More than ${TRANSFERS_LIMIT} zones`)
          const seen = new Set<Name>()
          for (const [i, { zone }] of zones.entries()) {
            if (seen.has(zone)) at.inside(i).report('This zone is there twice')
            seen.add(zone)
          }
        }),
        [],
      ),
      kept: optional(string),
    }),
    ({ transfer, kept }, at) => {
      if (transfer.length > 0 && kept === undefined)
        at.report('Expected kept, the folder for copies of the zones in transfer')
    },
  ),
)

/** The TSIG keys of their primaries. */
export type KeysConfig = { readonly [name: string]: SecretEntry }

export const keysTable: Decoder<KeysConfig> = checked(
  withDefault(
    record(
      checked(object(secretFields), (key, at) => {
        const fault = secretFault(key)
        if (fault !== undefined) at.report(fault)
      }),
    ),
    {},
  ),
  (keys, at) => {
    for (const text of Object.keys(keys)) {
      const name = parseName(text)
      if (!name.ok) at.inside(text).report(`Expected the key's name: ${name.error}`)
    }
  },
)

/** Canonical. */
export function keyNames(keys: KeysConfig): ReadonlySet<Name> {
  return new Set(
    Object.keys(keys).flatMap((text) => {
      const name = parseName(text)
      return name.ok ? [canonicalName(name.value)] : []
    }),
  )
}

/** For `--check`. */
export function keyProblems(keys: KeysConfig): readonly Problem[] {
  try {
    keyRing(keys)
    return []
  } catch (cause) {
    if (cause instanceof Fatal) return [problem(cause.message, {})]
    throw cause
  }
}

/** Throws `Fatal` when a file with a secret cannot be read. */
export function keyRing(keys: KeysConfig): KeyRing {
  const ring = new Map<Name, Key>()
  for (const [text, entry] of Object.entries(keys)) {
    const name = parseName(text)
    if (!name.ok) throw new Fatal(`keys.${text}: ${name.error}`)
    const key = canonicalName(name.value)
    const { algorithm } = entry
    ring.set(key, { name: key, algorithm, secret: readSecret(text, entry), grants: [] })
  }
  return { find: (name) => ring.get(name), all: () => ring.values() }
}

/** What the sandbox has to let through for policy zones by transfer. */
export function transferNeeds({ transfer, kept }: PolicyConfig, keys: KeysConfig): SandboxNeeds {
  const primaries = transfer.flatMap((each) => each.primaries)
  const secrets = Object.values(keys).flatMap(({ secretFile }) => secretFile ?? [])
  return {
    read: [...caFilesOf(primaries), ...secrets],
    write: kept === undefined ? [] : [kept],
    connect: primaries.map(({ address }) => address.port),
  }
}

/** Each has timers and sockets of its own. */
const TRANSFERS_LIMIT = 32
/** Ten times what the largest public lists have. */
const FILE_LIMIT_OCTETS = 256_000_000

export type FilePolicy = {
  readonly lists: readonly PolicyList[]
  readonly zones: readonly PolicyZone[]
}

/** For `--check`. */
export async function policyProblems(config: PolicyConfig): Promise<readonly Problem[]> {
  const read = await readLists(config, 0)
  return read.ok ? [] : read.error
}

/** `seed` as `PolicyList` has it. */
export async function readLists(
  config: PolicyConfig,
  seed: number,
): Promise<Result<FilePolicy, readonly Problem[]>> {
  const lists: PolicyList[] = []
  const problems: Problem[] = []
  for (const kind of ['allow', 'block'] as const)
    for (const file of config[kind]) {
      const text = await readList(file)
      if (!text.ok) {
        problems.push(problem(text.error, { file }))
        continue
      }
      const source = { kind, name: basename(file), file, text: text.value }
      const list = await inTurns(listSteps(source, seed))
      problems.push(...list.problems)
      lists.push(list)
    }
  const zones: PolicyZone[] = []
  for (const file of config.rpz) {
    const text = await readList(file)
    if (!text.ok) {
      problems.push(problem(text.error, { file }))
      continue
    }
    const source = { name: basename(file), file, text: text.value, origin: ZONE_ORIGIN, seed }
    const zone = await inTurns(PolicyZone.read(source))
    problems.push(...zone.problems)
    zones.push(zone)
  }
  return problems.length > 0 ? err(problems) : ok({ lists, zones })
}

/** The first line of the file for which `isMeant` says so, with its number; undefined when there is none, or no such file. */
export async function findLine(
  file: string,
  isMeant: (line: string) => boolean,
): Promise<readonly [text: string, line: number] | undefined> {
  const read = await readList(file)
  return read.ok ? await findIn(read.value, isMeant) : undefined
}

/** As `findLine`, in a text. */
export async function findIn(
  text: Uint8Array,
  isMeant: (line: string) => boolean,
): Promise<readonly [text: string, line: number] | undefined> {
  for (const [line, number] of eachLine(text)) {
    if (isMeant(line)) return [line, number]
    if (number % STEP_LINES === 0) await setImmediate()
  }
  return undefined
}

async function readList(file: string): Promise<Result<Uint8Array, string>> {
  try {
    if ((await stat(file)).size > FILE_LIMIT_OCTETS)
      return err(`Is larger than ${FILE_LIMIT_OCTETS} bytes`)
    return ok(await readFile(file))
  } catch (cause) {
    return err(`Cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`)
  }
}
