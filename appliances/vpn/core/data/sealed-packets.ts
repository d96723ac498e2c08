// How packets of the data channel are sealed under the keys of one key id: AEAD with 32-bit ids, AEAD with epochs (OpenVPN 2.7),
// or CBC with an HMAC for old peers.
import type { AuthDigest } from '../wrap/control-wrap.ts'
import type { OpenAead } from './aead.ts'
import { AeadPackets } from './aead-packets.ts'
import { CbcPackets } from './cbc-packets.ts'
import { isAead, type DataCipher } from './data-cipher.ts'
import { EpochPackets } from './epoch-packets.ts'
import type { DataKeys } from './key-material.ts'

/** What both ends agreed on. */
export type DataFormat = {
  readonly cipher: DataCipher
  /** Of CBC packets. */
  readonly digest: AuthDigest
  /** Epoch data keys; with an AEAD cipher alone. */
  readonly usesEpochs: boolean
}

export type Unopened = 'malformed' | 'forged' | 'replayed'

/** A packet begins with its header: 1 octet of DATA_V1, or 4 of DATA_V2. */
export interface SealedPackets {
  /** Octets that a packet grows by, at most. */
  readonly overhead: number
  /** Whether these keys have sealed so much that others are due. */
  readonly isWorn: boolean
  /** Whether they may seal nothing any more. */
  readonly isSpent: boolean
  /** Where the payload stands in a packet that is to be sealed. */
  payloadAt(headOctets: number): number
  /**
   * Seals what stands in `packet`, its header and at `payloadAt` the payload, with room behind for all of `overhead`. Gives
   * the octets of the whole.
   */
  seal(packet: Uint8Array, headOctets: number, payloadOctets: number): number
  /** Each once. The packet's octets are written over; the payload may be a view of them. */
  open(packet: Uint8Array, headOctets: number): Uint8Array | Unopened
}

export function sealedPackets(
  { cipher, digest, usesEpochs }: DataFormat,
  keys: DataKeys,
  random: (octets: number) => Uint8Array,
  openAead: OpenAead,
): SealedPackets {
  if (!isAead(cipher)) return new CbcPackets(cipher, keys, digest, random)
  return usesEpochs
    ? new EpochPackets(cipher, keys, openAead)
    : new AeadPackets(cipher, keys, openAead)
}
