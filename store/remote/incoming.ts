// What a remote sent, before any of it is stored: the same checks a push has to pass.
import { formatProblem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { findDisconnected } from '../check/connectivity.ts'
import { NewObjects } from '../check/new-objects.ts'
import { checkObjects, type ObjectRules } from '../check/objects.ts'
import type { Oid } from '../object/oid.ts'
import { parsePack, type PackLimits } from '../pack/parse.ts'
import type { EntryReader, StoredEntry } from '../repository.ts'
import type { RemoteError } from './transport.ts'

export type IncomingRules = ObjectRules & { readonly pack: PackLimits }

/** The objects of `pack` that are new here, when they and all they lead to make sense and `tip` is a commit of them. */
export function unpackIncoming(
  repository: EntryReader,
  pack: Uint8Array,
  tip: Oid,
  rules: IncomingRules,
): Result<readonly StoredEntry[], RemoteError> {
  const bad = (why: string): { ok: false; error: RemoteError } => err({ kind: 'bad-pack', why })
  if (pack.length === 0) return bad('nothing')
  const parsed = parsePack(pack, {
    resolve: (oid) => (repository.has(oid) ? repository.read(oid) : undefined),
    limits: rules.pack,
  })
  if (!parsed.ok) return bad(parsed.error.kind)
  const over = NewObjects.over(repository, parsed.value)
  if (!over.ok) return bad(`object ${over.error.oid} exists here with other content`)
  const fresh = over.value
  const [problem] = checkObjects(fresh, rules)
  if (problem !== undefined) return bad(formatProblem(problem))
  const hole = findDisconnected(repository, fresh)
  if (hole !== undefined) return bad(`object ${hole.from} needs ${hole.expected} ${hole.to}`)
  if (fresh.read(tip)?.type !== 'commit') return bad(`${tip} is no commit`)
  return ok(fresh.entries)
}
