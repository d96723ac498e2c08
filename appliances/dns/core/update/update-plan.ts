// What becomes of an update where the branch stands: the files that change and the words for it, or why nothing does.
import { RCODE } from '../../../../shared/dns/message.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { TYPE } from '../../../../shared/dns/record-types.ts'
import { formatProblem } from '../../../../shared/result/problem.ts'
import type { ZoneSet } from '../branch/zone-set.ts'
import { zoneFileName } from '../branch/zone-files.ts'
import type { Grant } from '../../../../shared/tsig/key.ts'
import { editZoneText } from '../text/zone-text-edit.ts'
import { rrsetOf, type Zone } from '../zone/zone.ts'
import { zoneOfRecords } from '../zone/zone-change.ts'
import { newZonePath, newZoneText } from './new-zone.ts'
import type { UpdateMessage } from './update-message.ts'
import { beyondGrants, mayCreate } from './update-policy.ts'
import { updateWords } from './update-words.ts'
import { updateZone } from './update-zone.ts'

export type UpdatePlan =
  | {
      readonly kind: 'change'
      /** New octets by path. */
      readonly files: ReadonlyMap<string, Uint8Array>
      readonly words: string
    }
  /** All is as the update wants it. */
  | { readonly kind: 'nothing' }
  /** `why` where the client's rcode does not say it all. */
  | { readonly kind: 'refused'; readonly rcode: number; readonly why?: string }

export type UpdateSurroundings = {
  /** Of the sender, for the zone of the update; not empty. */
  readonly grants: readonly Grant[]
  /** The zone as it is answered from, which may be signed; `isPublished` when it is broken, too. */
  readonly published: Zone | undefined
  readonly isPublished: boolean
  readonly wallMs: number
  /** The zones of other views, which may include the same files. */
  readonly others?: Iterable<ZoneSet>
}

/** `zones` are those of the view that the update is for. */
export function planUpdate(
  zones: ZoneSet,
  update: UpdateMessage,
  around: UpdateSurroundings,
): UpdatePlan {
  const { grants, wallMs } = around
  const served = zones.get(update.zone)
  if (served === undefined) return planNewZone(zones.view, update, around)
  const { zone } = served
  if (zone?.text === undefined)
    return { kind: 'refused', rcode: RCODE.SERVFAIL, why: 'the zone has errors' }
  if (isSigned(zone))
    return { kind: 'refused', rcode: RCODE.REFUSED, why: 'the zone is signed elsewhere' }
  const updated = updateZone(zone, update, { grants, isSigned: isSigned(around.published), wallMs })
  if (!updated.ok) {
    const rcode = updated.error
    if (rcode !== RCODE.REFUSED) return { kind: 'refused', rcode }
    const why = beyondGrants(grants, update.updates) ?? 'the signer of the zone makes these records'
    return { kind: 'refused', rcode, why }
  }
  const change = updated.value
  if (change.added.length + change.removed.length === 0) return { kind: 'nothing' }
  const all = [zones, ...(around.others ?? [])]
  const isShared = (file: string): boolean => {
    const named = zoneFileName(file)
    if (named.kind === 'zone' && (named.origin !== zone.origin || named.view !== zones.view)) {
      const others = all.find(({ view }) => view === named.view)
      if (others?.get(named.origin) !== undefined) return true
    }
    return all.reduce((sum, set) => sum + set.includersOf(file).size, 0) > 1
  }
  const mayHave = (owner: Name): boolean =>
    zone.nodes.get(owner) !== undefined || zone.hashed.get(owner) !== undefined
  const edited = editZoneText(zone.text, change, isShared, mayHave)
  if (!edited.ok)
    return { kind: 'refused', rcode: RCODE.SERVFAIL, why: formatProblem(edited.error) }
  return { kind: 'change', files: edited.value, words: updateWords(zone.origin, change) }
}

/** An update that brings a SOA makes the zone, where the sender may do anything to it. */
function planNewZone(view: string, update: UpdateMessage, around: UpdateSurroundings): UpdatePlan {
  const { grants, wallMs } = around
  // One that is answered from, but not in the branch, is a secondary's: updates go to its primary.
  if (around.isPublished)
    return { kind: 'refused', rcode: RCODE.NOTAUTH, why: 'this server is a secondary of the zone' }
  if (!mayCreate(grants)) return { kind: 'refused', rcode: RCODE.NOTAUTH, why: 'no such zone' }
  const none = zoneOfRecords(update.zone, [])
  const updated = updateZone(none, update, { grants, isSigned: false, wallMs })
  const records = updated.ok ? updated.value.added : []
  if (!records.some(({ type }) => type === TYPE.SOA))
    return { kind: 'refused', rcode: updated.ok ? RCODE.NOTAUTH : updated.error }
  const path = newZonePath(update.zone, view)
  if (path === undefined)
    return { kind: 'refused', rcode: RCODE.REFUSED, why: 'no file can be named like the zone' }
  const words = updateWords(update.zone, { added: records, removed: [] })
  return {
    kind: 'change',
    files: new Map([[path, Buffer.from(newZoneText(records), 'latin1')]]),
    words,
  }
}

function isSigned(zone: Zone | undefined): boolean {
  return zone?.apex !== undefined && rrsetOf(zone.apex, TYPE.RRSIG) !== undefined
}
