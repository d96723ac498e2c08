// May these bytes become that member? The preconditions of PUT, COPY and MOVE on calendars (RFC 4791 §5.3.2.1) and
// address books (RFC 6352 §6.3.2.1). Bytes are stored as they came.
import { hasErrors } from '../../../../shared/result/problem.ts'
import { readObject } from '../library/library.ts'
import type { ObjectReading } from '../library/object-facts.ts'
import { fileNameOf } from '../xml/path.ts'
import { SETTINGS_FILES, type CollectionKind } from '../library/settings.ts'
import type { Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { memberName, type CollectionResource } from '../resource/resource.ts'
import { errorReply, hrefElement } from '../xml/multistatus.ts'
import type { WriteRequest } from './written.ts'

export type Storable = {
  readonly kind: 'storable'
  /** In the branch. */
  readonly file: string
  readonly reading: ObjectReading | undefined
}

/** Its prefix in error elements. */
const PREFIX = { calendar: 'cal', addressbook: 'card' } as const
const DATA = { calendar: 'calendar', addressbook: 'address' } as const

/** `leaving` is a file that goes away in the same change: its UID is free. */
export function checkStorable(
  { view }: Pick<WriteRequest, 'view'>,
  parent: CollectionResource,
  name: string,
  bytes: Uint8Array,
  leaving?: string,
): Reply | Storable {
  const { collection } = parent
  const { kind } = collection
  const file = fileNameOf(name, SETTINGS_FILES[kind])
  if (file === undefined) return errorReply(403, '<d:name-allowed/>', 'The name is too long')
  const limit = kind === 'folder' ? view.limits.fileBytes : view.limits.objectBytes
  if (bytes.length > limit) return tooLarge(kind, limit)
  if (kind === 'folder') return { kind: 'storable', file, reading: undefined }
  const path = `${collection.path}/${file}`
  const reading = readObject(kind, bytes, path)
  const { facts, problems } = reading
  if (facts === undefined || hasErrors(problems)) {
    const first = problems.find(({ severity }) => severity === 'error')
    const why = first === undefined ? '' : `line ${first.line ?? 1}: ${first.message}`
    const condition =
      kind === 'calendar' && reading.isMalformed !== true
        ? '<cal:valid-calendar-object-resource/>'
        : `<${PREFIX[kind]}:valid-${DATA[kind]}-data/>`
    return errorReply(403, condition, why)
  }
  if (collection.settings.components?.includes(facts.component) === false)
    return errorReply(
      403,
      '<cal:supported-calendar-component/>',
      `This calendar takes ${collection.settings.components.join(', ')}`,
    )
  const holder = collection.uids.get(facts.uid)
  const replaced = collection.members.get(file)?.facts?.uid
  const isTaken = holder !== undefined && holder !== file && holder !== leaving
  if (isTaken || (replaced !== undefined && replaced !== facts.uid)) {
    const member = collection.members.get(isTaken ? holder : file)!
    const href = hrefOf([...parent.path, memberName(member, collection)], false, view)
    const condition = `${PREFIX[kind]}:no-uid-conflict`
    return errorReply(403, `<${condition}>${hrefElement(href)}</${condition}>`)
  }
  return { kind: 'storable', file, reading }
}

function tooLarge(kind: CollectionKind, limit: number): Reply {
  const why = `At most ${limit} bytes`
  return kind === 'folder'
    ? { status: 413, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${why}\n` }
    : errorReply(403, `<${PREFIX[kind]}:max-resource-size/>`, why)
}
