// Commit signatures as configured: ours made with a key file, incoming ones held against the allowed signers.
import type { Clock } from '../shared/clock/clock.ts'
import type { StoreConfig } from '../shared/config/store-table.ts'
import { formatProblem, type Problem } from '../shared/result/problem.ts'
import { Fatal } from '../shared/result/result.ts'
import { readConfigured } from './configured-file.ts'
import { walkCommits } from './history/ancestry.ts'
import { parseAllowedSigners, type AllowedSigner } from './object/allowed-signers.ts'
import type { Oid } from './object/oid.ts'
import { judgeSignatures, signCommit } from './object/signed-commit.ts'
import { explainSshKeyError, parsePrivateKey } from './object/ssh-key.ts'
import type { ObjectReader } from './repository.ts'

export type Signing = {
  /** Adds our signature to an encoded commit, or leaves it as it is. */
  readonly sign: (commit: Uint8Array) => Uint8Array
  /** What speaks against the commits that `tip` brings over `known`, those of ours left out. */
  readonly vouch: (
    tip: Oid,
    known: Oid | undefined,
    reader: ObjectReader,
    ours: ReadonlySet<Oid>,
  ) => readonly Problem[]
}

export function openSigning(config: StoreConfig, clock: Clock): Signing {
  const signers = readSigners(config)
  return {
    sign: openSigner(config),
    vouch: (tip, known, reader, ours) =>
      judgeSignatures({
        policy: config.verify,
        commits: newCommits(reader, tip, known, ours),
        signers,
        nowSeconds: Math.floor(clock.wallMs() / 1000),
      }),
  }
}

export function openSigner(config: StoreConfig): Signing['sign'] {
  if (config.sign === undefined) return (commit) => commit
  const { keyFile } = config.sign
  const key = parsePrivateKey(readConfigured(keyFile, 'sign.key_file'))
  if (!key.ok) {
    throw new Fatal(`store.sign.key_file: ${keyFile} ${explainSshKeyError(key.error)}`)
  }
  return (commit) => signCommit(commit, key.value)
}

export function readSigners(config: StoreConfig): readonly AllowedSigner[] {
  if (config.allowedSigners === undefined) return []
  const text = readConfigured(config.allowedSigners, 'allowed_signers')
  const signers = parseAllowedSigners(text, config.allowedSigners)
  if (!signers.ok) throw new Fatal(signers.error.map(formatProblem).join('\n'))
  return signers.value
}

/** Lazily: the policy `head` looks at the first alone. */
function* newCommits(
  reader: ObjectReader,
  tip: Oid,
  known: Oid | undefined,
  ours: ReadonlySet<Oid>,
): Generator<{ oid: Oid; bytes: Uint8Array }> {
  for (const { oid } of walkCommits(reader, [tip], known === undefined ? [] : [known])) {
    const object = ours.has(oid) ? undefined : reader.read(oid)
    if (object !== undefined) yield { oid, bytes: object.bytes }
  }
}
