// The AEAD ciphers of the data channel: OpenSSL's own where this process may call it, node:crypto elsewhere.
import { openEvp } from '../../shared/native/evp.ts'
import { nodeAead, type OpenAead } from './core/data/aead.ts'

export type Sealing = {
  /** For the log: `openssl` or `node`. */
  readonly by: 'openssl' | 'node'
  readonly openAead: OpenAead
}

export async function openSealing(): Promise<Sealing> {
  const evp = await openEvp()
  if (evp === undefined) return { by: 'node', openAead: nodeAead }
  // A library that lacks one of them has it nowhere.
  return { by: 'openssl', openAead: (...key) => evp.aead(...key) ?? nodeAead(...key) }
}
