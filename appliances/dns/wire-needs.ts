// Files that answering needs beside the store, for the sandbox.
import { NO_NEEDS, type SandboxNeeds } from '../../shared/sandbox/needs.ts'
import type { DnsConfig } from './config.ts'

export function wireNeeds(config: DnsConfig): SandboxNeeds {
  const { tls, https, cookies } = config
  const files = [tls?.cert, tls?.key, https?.cert, https?.key, cookies.secretFile]
  return { ...NO_NEEDS, read: files.filter((file) => file !== undefined) }
}
