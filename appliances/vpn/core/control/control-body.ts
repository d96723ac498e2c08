// What a control packet carries inside its wrapping: acknowledgements, a message id, octets of TLS.

export const SESSION_ID_OCTETS = 8
/** Opcode with key id, and the sender's session id: in the clear in every wrapping. */
export const HEADER_OCTETS: number = 1 + SESSION_ID_OCTETS
/** A packet of acknowledgements alone holds at most this many. */
export const ACKS_LIMIT = 8

export type ControlBody = {
  /** Message ids, at most `ACKS_LIMIT`. */
  readonly acks: readonly number[]
  /** Whose messages are acknowledged; there if and only if `acks` is not empty. */
  readonly remoteSessionId: Uint8Array | undefined
  /** Undefined in an acknowledgement alone (ACK_V1). */
  readonly messageId: number | undefined
  readonly payload: Uint8Array
}

/** Undefined when it is cut short, or has too many acknowledgements. `payload` is a view. */
export function decodeControlBody(body: Uint8Array, isAck: boolean): ControlBody | undefined {
  if (body.length === 0) return undefined
  const count = body[0]!
  if (count > ACKS_LIMIT || (isAck && count === 0)) return undefined
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  let at = 1
  const end = at + 4 * count + (count > 0 ? SESSION_ID_OCTETS : 0) + (isAck ? 0 : 4)
  if (body.length < end) return undefined
  const acks: number[] = []
  for (; acks.length < count; at += 4) acks.push(view.getUint32(at))
  let remoteSessionId: Uint8Array | undefined
  if (count > 0) {
    remoteSessionId = body.subarray(at, at + SESSION_ID_OCTETS)
    at += SESSION_ID_OCTETS
  }
  if (isAck)
    return { acks, remoteSessionId, messageId: undefined, payload: body.subarray(body.length) }
  return { acks, remoteSessionId, messageId: view.getUint32(at), payload: body.subarray(at + 4) }
}

export function encodeControlBody(body: ControlBody): Uint8Array {
  const { acks, remoteSessionId, messageId, payload } = body
  const sessionOctets = acks.length > 0 ? SESSION_ID_OCTETS : 0
  const idOctets = messageId === undefined ? 0 : 4
  const octets = new Uint8Array(1 + 4 * acks.length + sessionOctets + idOctets + payload.length)
  const view = new DataView(octets.buffer)
  octets[0] = acks.length
  let at = 1
  for (const ack of acks) {
    view.setUint32(at, ack)
    at += 4
  }
  if (sessionOctets > 0) {
    octets.set(remoteSessionId!, at)
    at += sessionOctets
  }
  if (messageId !== undefined) {
    view.setUint32(at, messageId)
    at += 4
  }
  octets.set(payload, at)
  return octets
}
