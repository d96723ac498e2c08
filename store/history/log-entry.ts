// A commit as those who read a log want it.
import type { LogEntry } from '../api.ts'
import type { Commit } from '../object/commit.ts'
import type { Oid } from '../object/oid.ts'

export function toLogEntry(oid: Oid, { parents, author, committer, message }: Commit): LogEntry {
  return {
    oid,
    parents,
    author: { name: author.name, email: author.email },
    timeSeconds: author.timeSeconds,
    committedSeconds: committer.timeSeconds,
    message: Buffer.from(message).toString('utf8'),
  }
}
