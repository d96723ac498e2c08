// The 256 octets from which the keys of the data channel are cut, and the two ways to agree on them.
import { createHmac } from 'node:crypto'
import type { KeySource } from '../control/key-method.ts'

export const KEY_MATERIAL_OCTETS = 256
/** RFC 5705 exporter labels. */
export const EXPORTER_LABEL = {
  dataKeys: 'EXPORTER-OpenVPN-datakeys',
  dynamicTlsCrypt: 'EXPORTER-OpenVPN-dynamic-tls-crypt',
} as const
const MASTER_OCTETS = 48

/** 64 octets each, cut to what cipher and digest need. */
export type DirectionKeys = { readonly cipher: Uint8Array; readonly hmac: Uint8Array }

export type DataKeys = { readonly send: DirectionKeys; readonly receive: DirectionKeys }

export function dataKeysOf(material: Uint8Array, role: 'server' | 'client'): DataKeys {
  const fromClient = { cipher: material.subarray(0, 64), hmac: material.subarray(64, 128) }
  const fromServer = { cipher: material.subarray(128, 192), hmac: material.subarray(192, 256) }
  return role === 'server'
    ? { send: fromServer, receive: fromClient }
    : { send: fromClient, receive: fromServer }
}

/** For peers without the TLS exporter: the PRF of TLS 1.0 over both sides' random octets and session ids. */
export function prfMaterial(
  client: KeySource,
  server: KeySource,
  clientSessionId: Uint8Array,
  serverSessionId: Uint8Array,
): Uint8Array {
  const master = prf(
    client.preMaster!,
    [Buffer.from('OpenVPN master secret'), client.random1, server.random1],
    MASTER_OCTETS,
  )
  const seed = [client.random2, server.random2, clientSessionId, serverSessionId]
  return prf(master, [Buffer.from('OpenVPN key expansion'), ...seed], KEY_MATERIAL_OCTETS)
}

/** RFC 2246 §5: P_MD5 of one half of the secret xor P_SHA1 of the other. */
export function prf(secret: Uint8Array, seeds: readonly Uint8Array[], octets: number): Uint8Array {
  const seed = Buffer.concat(seeds)
  const half = Math.ceil(secret.length / 2)
  const md5 = expand('md5', secret.subarray(0, half), seed, octets)
  const sha1 = expand('sha1', secret.subarray(secret.length - half), seed, octets)
  return md5.map((octet, i) => octet ^ sha1[i]!)
}

function expand(hash: string, secret: Uint8Array, seed: Uint8Array, octets: number): Uint8Array {
  const out: Uint8Array[] = []
  let length = 0
  for (let a = seed; length < octets;) {
    a = createHmac(hash, secret).update(a).digest()
    const block = createHmac(hash, secret).update(a).update(seed).digest()
    out.push(block)
    length += block.length
  }
  return Buffer.concat(out).subarray(0, octets)
}
