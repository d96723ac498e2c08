// The first octet of every OpenVPN packet: an opcode in its high 5 bits, a key id in its low 3.

export const OPCODE = {
  softReset: 3,
  control: 4,
  ack: 5,
  dataV1: 6,
  hardResetClientV2: 7,
  hardResetServerV2: 8,
  dataV2: 9,
  hardResetClientV3: 10,
  controlWrappedKey: 11,
} as const

export function opcodeOf(packet: Uint8Array): number {
  return packet[0]! >>> 3
}

export function keyIdOf(packet: Uint8Array): number {
  return packet[0]! & 7
}

export function isData(opcode: number): boolean {
  return opcode === OPCODE.dataV1 || opcode === OPCODE.dataV2
}

/** The key id of the next renegotiation: 0 is the first handshake's and never comes again. */
export function keyIdAfter(keyId: number): number {
  return keyId === 7 ? 1 : keyId + 1
}
