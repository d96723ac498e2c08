// Takes NOTIFY (RFC 1996): for a copy from its primary, or signed by who may; for a zone of ours only signed, and then the
// remote of the branch is looked at. What it says is a hint: nothing is believed but that it is time to look.
import { FLAG, RCODE } from '../../../../shared/dns/message.ts'
import type { Name } from '../../../../shared/dns/name.ts'
import { bareAnswer } from '../../../../shared/dns-server/core/bare-answer.ts'
import { grantsFor } from '../../../../shared/tsig/key.ts'
import { outlineMessage } from '../../../../shared/dns-server/core/message-outline.ts'
import type { Request, RequestHandler } from '../request.ts'
import { readNotify } from '../../../../shared/dns-transfer/core/transfer-query.ts'

export type NotifyResult = 'refresh' | 'pull' | 'refused' | 'not-auth' | 'malformed'

export type NotifyReceiver = {
  /** Whether it comes from a primary of the copy; undefined when the zone is no copy. */
  isPrimary(zone: Name, request: Request): boolean | undefined
  refresh(zone: Name, request: Request, serial: number | undefined): void
  /** Whether it is a zone of ours, or may become one with the next pull. */
  readonly isOwn: (zone: Name) => boolean
  /** Looks at the remote; undefined when there is none. */
  readonly pull: (() => void) | undefined
  readonly received: (zone: Name | undefined, result: NotifyResult, request: Request) => void
}

export function notifyHandler(receiver: NotifyReceiver): RequestHandler {
  return async function* (request) {
    const notify = readNotify(request.packet)
    const result = notify === undefined ? 'malformed' : take(receiver, request, notify.zone)
    receiver.received(notify?.zone, result, request)
    const outline = outlineMessage(request.packet)
    yield bareAnswer(request.packet, outline, RCODES[result], FLAG.AA)
    // Answered first: the refresh may take its time.
    if (result === 'refresh') receiver.refresh(notify!.zone, request, notify!.serial)
    if (result === 'pull') receiver.pull?.()
  }
}

function take(receiver: NotifyReceiver, request: Request, zone: Name): NotifyResult {
  const { key } = request
  const maySign = key !== undefined && grantsFor(key, 'notify', zone).length > 0
  const isPrimary = receiver.isPrimary(zone, request)
  if (isPrimary !== undefined)
    return maySign || (key === undefined && isPrimary) ? 'refresh' : 'refused'
  if (maySign && (receiver.isOwn(zone) || receiver.pull !== undefined)) return 'pull'
  return receiver.isOwn(zone) ? 'refused' : 'not-auth'
}

const RCODES: { readonly [result in NotifyResult]: number } = {
  refresh: RCODE.NOERROR,
  pull: RCODE.NOERROR,
  refused: RCODE.REFUSED,
  'not-auth': RCODE.NOTAUTH,
  malformed: RCODE.FORMERR,
}
