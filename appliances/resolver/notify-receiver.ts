// Takes NOTIFY of the policy zones that are copies (RFC 1996): from a primary of the zone, signed where it has a key.
import type { Clock } from '../../shared/clock/clock.ts'
import { readNotify } from '../../shared/dns-transfer/core/transfer-query.ts'
import { bareAnswer } from '../../shared/dns-server/core/bare-answer.ts'
import type { Client } from '../../shared/dns-server/core/client.ts'
import { outlineMessage } from '../../shared/dns-server/core/message-outline.ts'
import { FLAG, HEADER_OCTETS, OPCODE, RCODE } from '../../shared/dns/message.ts'
import type { Key, KeyRing } from '../../shared/tsig/key.ts'
import { verifyRequest } from '../../shared/tsig/tsig-request.ts'
import { TsigSigner } from '../../shared/tsig/tsig-signer.ts'
import type { PolicyTransfers } from './policy-transfers.ts'

export function isNotify(packet: Uint8Array): boolean {
  if (packet.length < HEADER_OCTETS) return false
  const isQuery = (packet[2]! & (FLAG.QR >>> 8)) === 0
  return isQuery && ((packet[2]! >>> 3) & 0xf) === OPCODE.NOTIFY
}

export class NotifyReceiver {
  readonly #transfers: PolicyTransfers
  readonly #ring: KeyRing
  readonly #clock: Clock

  constructor(transfers: PolicyTransfers, ring: KeyRing, clock: Clock) {
    this.#transfers = transfers
    this.#ring = ring
    this.#clock = clock
  }

  /** The answer to a NOTIFY, and what it leads to. */
  handle(packet: Uint8Array, client: Client): Uint8Array {
    const outline = outlineMessage(packet)
    if (outline === undefined) return bareAnswer(packet, undefined, RCODE.FORMERR)
    const { tsigAt } = outline
    if (tsigAt === undefined) return this.#take(packet, client, undefined)
    const nowSeconds = Math.floor(this.#clock.wallMs() / 1000)
    const checks = { nowSeconds, policy: { truncated: false, sha1: true } }
    const verified = verifyRequest(packet, { ...outline, tsigAt }, this.#ring, checks)
    if (!verified.ok) return verified.error.answer
    const { key, plain, mac } = verified.value
    return new TsigSigner(key, mac).sign(this.#take(plain, client, key), nowSeconds)
  }

  #take(packet: Uint8Array, { address }: Client, key: Key | undefined): Uint8Array {
    const outline = outlineMessage(packet)
    const notify = readNotify(packet)
    if (notify === undefined) return bareAnswer(packet, outline, RCODE.FORMERR)
    const { zone, serial } = notify
    const peers = this.#transfers.peersOf(zone)
    if (peers === undefined) return bareAnswer(packet, outline, RCODE.NOTAUTH)
    // Whose key it is may send from anywhere; without one the address is all there is.
    const isPrimary = peers.some(({ endpoint, key: wanted }) =>
      wanted === undefined ? endpoint.host === address : wanted === key?.name,
    )
    if (!isPrimary) return bareAnswer(packet, outline, RCODE.REFUSED)
    this.#transfers.notify(zone, address, serial)
    return bareAnswer(packet, outline, RCODE.NOERROR, FLAG.AA)
  }
}
