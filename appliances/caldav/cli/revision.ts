// A state of a clone's branch as a person names it: a revision of git, or a day or time at which it was the state.
import { Fatal } from '../../../shared/result/result.ts'
import { lookAtClone, type CloneLook, type Oid, type Snapshot } from '../../../store/index.ts'
import { commitAt, type HistoryReading } from '../core/history/change-walk.ts'
import { FolderDiffs } from '../core/history/folder-diffs.ts'
import { Misuse } from './misuse.ts'

export type Clone = {
  readonly look: CloneLook
  readonly head: Oid
  readonly reading: HistoryReading
}

export type NamedState = { readonly snapshot: Snapshot; readonly seconds: number }

/** A work tree or a bare repository, also one that is served. */
export function openClone(dir: string): Clone {
  const look = lookAtClone(dir)
  if (look === undefined)
    throw new Fatal(`${dir} is no clone: git clone one, or give it with --dir`)
  const head = look.find('HEAD')
  if (head === undefined) throw new Fatal(`${dir} has no commit yet`)
  const source = {
    log: (from: readonly Oid[]) => look.log(...from),
    snapshot: (at: Oid) => look.snapshot(at),
  }
  return {
    look,
    head,
    reading: { source, diffs: new FolderDiffs(), pause: () => Promise.resolve() },
  }
}

/** `HEAD~3`, `1a2b3c4`; `2026-11-20` is the end of that day, `2026-11-20 14:30` this machine's time, and with Z UTC. */
export async function stateNamed(text: string, clone: Clone): Promise<NamedState> {
  const seconds = secondsOf(text)
  const found =
    seconds === undefined
      ? clone.look.find(text)
      : (await commitAt(seconds, clone.head, clone.reading))?.oid
  if (found === undefined)
    throw new Fatal(
      seconds === undefined
        ? `No commit ${text}; git log shows what there is`
        : `The history begins after ${text}`,
    )
  const [entry] = clone.look.log(found)
  return { snapshot: clone.look.snapshot(found)!, seconds: entry!.committedSeconds }
}

function secondsOf(text: string): number | undefined {
  const [, day, time = '23:59:59', zone = ''] = DATE.exec(text) ?? []
  if (day === undefined) return undefined
  const ms = Date.parse(`${day}T${time}${zone}`)
  if (Number.isNaN(ms)) throw new Misuse(`"${text}" is no date`)
  return Math.floor(ms / 1000)
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:\d\d)?)?$/
