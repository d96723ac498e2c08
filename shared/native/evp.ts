// AEAD ciphers of the OpenSSL inside the Node binary (EVP_EncryptInit(3)), called without node:crypto between: one context
// for a key, reused for every message, which it seals or opens where it stands.
import type * as Ffi from 'node:ffi'
import { openFfi } from './ffi.ts'

const NONCE_OCTETS = 12
const TAG_OCTETS = 16
const AAD_LIMIT_OCTETS = 32
/** OSSL_PARAM(3) of 64-bit machines: name, type, address, octets, octets returned. One, and one of nothing behind it. */
const PARAM = { octets: 40, type: 8, data: 16, size: 24 } as const
const OSSL_PARAM_OCTET_STRING = 5
/** In the scratch memory of a key. */
const AT = {
  tag: 16,
  aad: 32,
  length: 64,
  name: 72,
  params: 80,
  end: 80 + 2 * PARAM.octets,
} as const

/** Undefined where FFI is refused, this is no Linux we know, or the binary does not export what it takes. */
export async function openEvp(): Promise<Evp | undefined> {
  const ffi = await openFfi()
  if (ffi === undefined) return undefined
  try {
    return new Evp(ffi)
  } catch (cause) {
    // A Node that was linked against another library, or that keeps its symbols to itself.
    if (cause instanceof Error && cause.message.includes('dlsym failed')) return undefined
    throw cause
  }
}

export class Evp {
  readonly #ffi: typeof Ffi
  readonly #libcrypto: Libcrypto
  /** A context, which holds its key, goes when nobody can use it any more. */
  readonly #contexts: FinalizationRegistry<bigint>

  constructor(ffi: typeof Ffi) {
    this.#ffi = ffi
    const { functions } = ffi.dlopen(null, LIBCRYPTO)
    this.#libcrypto = functions
    this.#contexts = new FinalizationRegistry((context) => functions.EVP_CIPHER_CTX_free(context))
  }

  /** Nonces of 12 octets and tags of 16; `name` as OpenSSL spells it, `AES-256-GCM`. Undefined when it has none such. */
  aead(name: string, key: Uint8Array, use: 'seal' | 'open'): EvpAead | undefined {
    const { EVP_CIPHER_fetch, EVP_CIPHER_CTX_new, EVP_CipherInit_ex } = this.#libcrypto
    const cipher = EVP_CIPHER_fetch(null, name, null)
    if (cipher === 0n) return undefined
    const context = EVP_CIPHER_CTX_new()
    const isSealing = use === 'seal'
    if (context === 0n) throw new Error('EVP_CIPHER_CTX_new: no memory')
    const isSet = EVP_CipherInit_ex(context, cipher, null, key, null, isSealing ? 1 : 0) === 1
    this.#libcrypto.EVP_CIPHER_free(cipher)
    if (!isSet) {
      this.#libcrypto.EVP_CIPHER_CTX_free(context)
      return undefined
    }
    const aead = new EvpAead(this.#ffi, this.#libcrypto, context, isSealing)
    this.#contexts.register(aead, context)
    return aead
  }
}

/**
 * One key, for sealing or for opening. A message is octets from `at` to `end`. A call costs by the number of its
 * arguments: of the functions that do the same these are the ones with the fewest.
 */
export class EvpAead {
  /** To be written before each call, never twice the same for `seal`. */
  readonly nonce: Uint8Array
  readonly #ffi: typeof Ffi
  readonly #libcrypto: Libcrypto
  readonly #context: bigint
  readonly #isSealing: boolean
  /** Outside of V8's heap, so that it stays where it is: nonce, tag, associated data, a length that nobody reads, a parameter. */
  readonly #scratch = new Uint8Array(new ArrayBuffer(AT.end))
  readonly #nonceAt: bigint
  readonly #tagAt: bigint
  readonly #aadAt: bigint
  readonly #lengthAt: bigint
  readonly #paramsAt: bigint
  /** Of the last message: most come from the same memory as the one before. Held, since its address went out. */
  #memory: ArrayBufferLike
  #memoryAt: bigint

  constructor(ffi: typeof Ffi, libcrypto: Libcrypto, context: bigint, isSealing: boolean) {
    this.#ffi = ffi
    this.#libcrypto = libcrypto
    this.#context = context
    this.#isSealing = isSealing
    const base = ffi.getRawPointer(this.#scratch)
    this.nonce = this.#scratch.subarray(0, NONCE_OCTETS)
    this.#nonceAt = base
    this.#tagAt = base + BigInt(AT.tag)
    this.#aadAt = base + BigInt(AT.aad)
    this.#lengthAt = base + BigInt(AT.length)
    this.#paramsAt = base + BigInt(AT.params)
    this.#scratch.set(Buffer.from('tag\0'), AT.name)
    const view = new DataView(this.#scratch.buffer)
    view.setBigUint64(AT.params, base + BigInt(AT.name), true)
    view.setUint32(AT.params + PARAM.type, OSSL_PARAM_OCTET_STRING, true)
    view.setBigUint64(AT.params + PARAM.data, this.#tagAt, true)
    view.setUint32(AT.params + PARAM.size, TAG_OCTETS, true)
    this.#memory = this.#scratch.buffer
    this.#memoryAt = base
  }

  /** Puts the tag of the message, and of the associated data from `aadAt` to `aadEnd`, at `tagAt`. */
  seal(
    packet: Uint8Array,
    aadAt: number,
    aadEnd: number,
    tagAt: number,
    at: number,
    end: number,
  ): void {
    const scratch = this.#scratch
    const { EVP_CIPHER_CTX_get_params } = this.#libcrypto
    if (
      !this.#apply(packet, aadAt, aadEnd, at, end) ||
      EVP_CIPHER_CTX_get_params(this.#context, this.#paramsAt) !== 1
    )
      throw new Error('OpenSSL refused to encrypt')
    for (let i = 0; i < TAG_OCTETS; i++) packet[tagAt + i] = scratch[AT.tag + i]!
  }

  /** False when it is not genuine: what stands there then is nothing. */
  open(
    packet: Uint8Array,
    aadAt: number,
    aadEnd: number,
    tagAt: number,
    at: number,
    end: number,
  ): boolean {
    const scratch = this.#scratch
    for (let i = 0; i < TAG_OCTETS; i++) scratch[AT.tag + i] = packet[tagAt + i]!
    const isGenuine = this.#apply(packet, aadAt, aadEnd, at, end)
    // What OpenSSL notes about a failure would be taken for one of the next TLS connection.
    if (!isGenuine) this.#libcrypto.ERR_clear_error()
    return isGenuine
  }

  #apply(packet: Uint8Array, aadAt: number, aadEnd: number, at: number, end: number): boolean {
    const libcrypto = this.#libcrypto
    const [context, scratch, lengthAt] = [this.#context, this.#scratch, this.#lengthAt]
    if (
      aadEnd - aadAt > AAD_LIMIT_OCTETS ||
      aadEnd > packet.length ||
      at > end ||
      end > packet.length
    )
      throw new RangeError('A message that is not inside its packet')
    for (let i = aadAt; i < aadEnd; i++) scratch[AT.aad + i - aadAt] = packet[i]!
    if (packet.buffer !== this.#memory) {
      this.#memoryAt = this.#ffi.getRawPointer(packet) - BigInt(packet.byteOffset)
      this.#memory = packet.buffer
    }
    const message = this.#memoryAt + BigInt(packet.byteOffset + at)
    const isBegun = this.#isSealing
      ? libcrypto.EVP_EncryptInit(context, null, null, this.#nonceAt) === 1
      : libcrypto.EVP_DecryptInit(context, null, null, this.#nonceAt) === 1 &&
        libcrypto.EVP_CIPHER_CTX_set_params(context, this.#paramsAt) === 1
    return (
      isBegun &&
      libcrypto.EVP_CipherUpdate(context, null, lengthAt, this.#aadAt, aadEnd - aadAt) === 1 &&
      libcrypto.EVP_CipherUpdate(context, message, lengthAt, message, end - at) === 1 &&
      libcrypto.EVP_CipherFinal_ex(context, this.#tagAt, lengthAt) === 1
    )
  }
}

const LIBCRYPTO = {
  ERR_clear_error: { arguments: [], return: 'void' },
  EVP_CIPHER_fetch: { arguments: ['pointer', 'string', 'pointer'], return: 'pointer' },
  EVP_CIPHER_free: { arguments: ['pointer'], return: 'void' },
  EVP_CIPHER_CTX_new: { arguments: [], return: 'pointer' },
  EVP_CIPHER_CTX_free: { arguments: ['pointer'], return: 'void' },
  EVP_CIPHER_CTX_get_params: { arguments: ['pointer', 'pointer'], return: 'i32' },
  EVP_CIPHER_CTX_set_params: { arguments: ['pointer', 'pointer'], return: 'i32' },
  EVP_CipherInit_ex: {
    arguments: ['pointer', 'pointer', 'pointer', 'pointer', 'pointer', 'i32'],
    return: 'i32',
  },
  EVP_EncryptInit: { arguments: ['pointer', 'pointer', 'pointer', 'pointer'], return: 'i32' },
  EVP_DecryptInit: { arguments: ['pointer', 'pointer', 'pointer', 'pointer'], return: 'i32' },
  EVP_CipherUpdate: {
    arguments: ['pointer', 'pointer', 'pointer', 'pointer', 'i32'],
    return: 'i32',
  },
  EVP_CipherFinal_ex: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
} as const

type Libcrypto = ReturnType<typeof Ffi.dlopen<typeof LIBCRYPTO>>['functions']
