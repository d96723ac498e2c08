// May these bytes become that member? The preconditions of PUT, COPY and MOVE on calendars (RFC 4791 §5.3.2.1) and
// address books (RFC 6352 §6.3.2.1). Bytes are stored as they came.
import { isThereFor } from '../attach/attachment-access.ts'
import { hasErrors } from '../../../../shared/result/problem.ts'
import { readObject, type ObjectReading } from '../library/object-facts.ts'
import { fileNameOf } from '../xml/path.ts'
import { SETTINGS_FILES } from '../library/settings.ts'
import { textReply, type Reply } from '../request.ts'
import { hrefOf } from '../resource/href.ts'
import { inside, mayWrite, memberName, type CollectionResource } from '../resource/resource.ts'
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

/** Why not, for the answer. */
export type Refused = {
  readonly status: number
  /** As an element of an error. */
  readonly condition?: string
  readonly why: string
  /** Of the object, 1-based. */
  readonly line?: number
}

/** `leaving` is a file that goes away in the same change: its UID is free. */
export function checkStorable(
  write: Pick<WriteRequest, 'view'>,
  parent: CollectionResource,
  name: string,
  bytes: Uint8Array,
  leaving?: string,
): Reply | Storable {
  const storable = storableOf(write, parent, name, bytes, leaving)
  if (storable.kind !== 'refused') return storable
  const { status, condition, why, line } = storable
  const text = line === undefined ? why : `line ${line}: ${why}`
  return condition === undefined ? textReply(status, text) : errorReply(status, condition, text)
}

/** The same as a value. */
export function storableOf(
  { view, comeBack }: Pick<WriteRequest, 'view' | 'comeBack'>,
  parent: CollectionResource,
  name: string,
  bytes: Uint8Array,
  leaving?: string,
): Storable | (Refused & { readonly kind: 'refused' }) {
  const { collection } = parent
  const { kind } = collection
  const refuse = (
    condition: string,
    why: string,
    line?: number,
  ): ReturnType<typeof storableOf> => ({
    kind: 'refused',
    status: 403,
    condition,
    why,
    ...(line !== undefined && { line }),
  })
  if (kind === 'inbox')
    return refuse('<d:need-privileges/>', 'Only this server delivers into an inbox')
  if (!mayWrite(inside(parent)))
    return refuse('<d:need-privileges/>', 'It is kept elsewhere, and only read here')
  const file = fileNameOf(name, SETTINGS_FILES[kind])
  if (file === undefined) return refuse('<d:name-allowed/>', 'The name is too long')
  const limit = kind === 'folder' ? view.limits.fileBytes : view.limits.objectBytes
  if (bytes.length > limit) {
    const why = `At most ${limit} bytes`
    if (kind === 'folder') return { kind: 'refused', status: 413, why }
    return refuse(`<${PREFIX[kind]}:max-resource-size/>`, why)
  }
  if (kind === 'folder') return { kind: 'storable', file, reading: undefined }
  const path = `${collection.path}/${file}`
  const reading = readObject(kind, bytes, path)
  const { facts, problems } = reading
  if (facts === undefined || hasErrors(problems)) {
    const first = problems.find(({ severity }) => severity === 'error')
    const condition =
      kind === 'calendar' && reading.isMalformed !== true
        ? '<cal:valid-calendar-object-resource/>'
        : `<${PREFIX[kind]}:valid-${DATA[kind]}-data/>`
    return refuse(condition, first?.message ?? 'It cannot be read', first?.line ?? 1)
  }
  if (collection.settings.components?.includes(facts.component) === false)
    return refuse(
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
    const why = isTaken ? 'Its UID is there already' : 'What is there has another UID'
    return refuse(`<${condition}>${hrefElement(href)}</${condition}>`, why)
  }
  const had = collection.members.get(file)?.facts?.attachments ?? []
  // RFC 8607: of another object only when the user sees that, too.
  const isKnown = (ref: string): boolean => had.includes(ref) || comeBack?.has(ref) === true
  if (facts.attachments?.some((ref) => !isKnown(ref) && !isThereFor(ref, view)) === true)
    return refuse('<cal:valid-managed-id/>', 'There is no such attachment')
  return { kind: 'storable', file, reading }
}
