// AEAD packets with epoch data keys (OpenVPN 2.7): header(4) || epoch(2) || counter(6) || sealed payload || tag(16). A key that has
// sealed enough is followed by that of the next epoch without a word; the other end follows when it sees the epoch.
import { TAG_OCTETS, type Aead, type OpenAead } from './aead.ts'
import { keyOctets, useLimitOf, useOf, type DataCipher } from './data-cipher.ts'
import { EpochSecret } from './epoch-secret.ts'
import type { DataKeys } from './key-material.ts'
import { ReplayWindow } from './replay-window.ts'
import type { SealedPackets, Unopened } from './sealed-packets.ts'

/** Epoch and counter. */
const ID_OCTETS = 8
/** DATA_V2 alone. */
const HEAD_OCTETS = 4
const ID_END = HEAD_OCTETS + ID_OCTETS
/** Of 16 bits; from `renegotiateAt` on another key id is due. */
const EPOCH = { renegotiateAt: 0xf000, last: 0xffff } as const
/** Epochs ahead of the other end's newest that are taken: it can have moved on in packets that were lost. */
const FUTURE_EPOCHS = 16

export type EpochLimits = {
  /** What a key seals or opens before the next, as `useOf` counts. */
  readonly use: number
  /** Of packets that a key found forged; at half of them a new epoch is asked for. */
  readonly forged: number
  readonly counter: number
}

type Sender = { readonly secret: EpochSecret; readonly aead: Aead; readonly iv: Uint8Array }

type Receiver = {
  readonly epoch: number
  readonly aead: Aead
  readonly iv: Uint8Array
  readonly replay: ReplayWindow
  used: number
  forged: number
}

export class EpochPackets implements SealedPackets {
  readonly overhead: number = ID_END + TAG_OCTETS
  readonly #cipher: DataCipher
  readonly #openAead: OpenAead
  readonly #limits: EpochLimits
  #send: Sender
  #counter = 0
  #used = 0
  #previous: Receiver | undefined
  #receive: Receiver
  /** The epochs after `#receive`, as far as they were asked for. */
  #future: Receiver[] = []
  /** Of the last of them. */
  #receiveSecret: EpochSecret

  constructor(
    cipher: DataCipher,
    { send, receive }: DataKeys,
    openAead: OpenAead,
    limits: EpochLimits = { use: useLimitOf(cipher), forged: 2 ** 36, counter: 2 ** 48 - 1 },
  ) {
    this.#cipher = cipher
    this.#openAead = openAead
    this.#limits = limits
    this.#send = this.#senderOf(EpochSecret.first(send.cipher))
    this.#receiveSecret = EpochSecret.first(receive.cipher)
    this.#receive = this.#receiverOf(this.#receiveSecret)
  }

  get isWorn(): boolean {
    return this.#send.secret.epoch >= EPOCH.renegotiateAt
  }

  get isSpent(): boolean {
    return this.#send.secret.epoch === EPOCH.last && this.#isSendKeyDue()
  }

  payloadAt(headOctets: number): number {
    return headOctets + ID_OCTETS
  }

  seal(packet: Uint8Array, _headOctets: number, payloadOctets: number): number {
    if (this.#isSendKeyDue()) this.#sendIn(this.#send.secret.epoch + 1)
    const { aead, iv, secret } = this.#send
    const counter = ++this.#counter
    this.#used += useOf(payloadOctets)
    const high = (secret.epoch << 16) | (counter / 0x1_0000_0000)
    const { nonce } = aead
    for (let i = 0; i < 4; i++)
      nonce[i] = iv[i]! ^ (packet[HEAD_OCTETS + i] = (high >>> (24 - 8 * i)) & 0xff)
    for (let i = 4; i < ID_OCTETS; i++)
      nonce[i] = iv[i]! ^ (packet[HEAD_OCTETS + i] = (counter >>> (56 - 8 * i)) & 0xff)
    const end = ID_END + payloadOctets
    aead.seal(packet, 0, ID_END, end, ID_END, end)
    return end + TAG_OCTETS
  }

  open(packet: Uint8Array, headOctets: number): Uint8Array | Unopened {
    const end = packet.length - TAG_OCTETS
    if (headOctets !== HEAD_OCTETS || end < ID_END) return 'malformed'
    const receiver = this.#find((packet[4]! << 8) | packet[5]!)
    if (receiver === undefined || receiver.forged >= this.#limits.forged) return 'forged'
    const { aead, iv, replay } = receiver
    const counter = counterOf(packet)
    if (!replay.isNew(counter)) return 'replayed'
    for (let i = 0; i < ID_OCTETS; i++) aead.nonce[i] = iv[i]! ^ packet[HEAD_OCTETS + i]!
    if (!aead.open(packet, 0, ID_END, end, ID_END, end)) {
      receiver.forged++
      return 'forged'
    }
    replay.mark(counter)
    receiver.used += useOf(end - ID_END)
    if (receiver.epoch > this.#receive.epoch) this.#receiveIn(receiver)
    return packet.subarray(ID_END, end)
  }

  /** The other end cannot be told to take a new key but by taking one: it follows. */
  #isSendKeyDue(): boolean {
    const { use, forged, counter } = this.#limits
    if (this.#used > use || this.#counter >= counter) return true
    const { epoch, used, forged: found } = this.#receive
    return epoch === this.#send.secret.epoch && (used > use || found > forged / 2)
  }

  #find(epoch: number): Receiver | undefined {
    if (epoch === this.#receive.epoch) return this.#receive
    if (epoch === this.#previous?.epoch) return this.#previous
    const ahead = epoch - this.#receive.epoch
    if (ahead < 1 || ahead > FUTURE_EPOCHS) return undefined
    while (this.#future.length < ahead) {
      this.#receiveSecret = this.#receiveSecret.next()
      this.#future.push(this.#receiverOf(this.#receiveSecret))
    }
    return this.#future[ahead - 1]
  }

  #receiveIn(receiver: Receiver): void {
    this.#previous = this.#receive
    this.#receive = receiver
    this.#future = this.#future.slice(this.#future.indexOf(receiver) + 1)
    if (this.#send.secret.epoch < receiver.epoch) this.#sendIn(receiver.epoch)
  }

  #sendIn(epoch: number): void {
    let { secret } = this.#send
    while (secret.epoch < epoch) secret = secret.next()
    this.#send = this.#senderOf(secret)
    this.#counter = 0
    this.#used = 0
  }

  #senderOf(secret: EpochSecret): Sender {
    return { secret, ...this.#keyOf(secret, 'seal') }
  }

  #receiverOf(secret: EpochSecret): Receiver {
    const counts = { replay: new ReplayWindow(), used: 0, forged: 0 }
    return { epoch: secret.epoch, ...this.#keyOf(secret, 'open'), ...counts }
  }

  /** The last four octets of the IV are those of every nonce. */
  #keyOf(
    secret: EpochSecret,
    use: 'seal' | 'open',
  ): { readonly aead: Aead; readonly iv: Uint8Array } {
    const aead = this.#openAead(this.#cipher, secret.key(keyOctets(this.#cipher)), use)
    const iv = secret.iv()
    aead.nonce.set(iv)
    return { aead, iv }
  }
}

function counterOf(packet: Uint8Array): number {
  const high = (packet[6]! << 8) | packet[7]!
  const low = ((packet[8]! << 24) | (packet[9]! << 16) | (packet[10]! << 8) | packet[11]!) >>> 0
  return high * 0x1_0000_0000 + low
}
