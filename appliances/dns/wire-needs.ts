// Files and ports that answering needs beside the store, for the sandbox.
import { dirname } from 'node:path'
import type { SandboxNeeds } from '../../shared/sandbox/needs.ts'
import type { DnsConfig } from './config.ts'

export function wireNeeds(config: DnsConfig): SandboxNeeds {
  const { tls, https, cookies, queryLog, dnstap } = config
  const files = [tls?.cert, tls?.key, https?.cert, https?.key, cookies.secretFile]
  const [, port] = /^tcp:.*:(\d+)$/.exec(dnstap?.to ?? '') ?? []
  const written = [
    queryLog?.to === 'stdout' ? undefined : queryLog?.to,
    port === undefined ? dnstap?.to.replace(/^unix:/, '') : undefined,
  ]
  return {
    read: [],
    reread: files.filter((file) => file !== undefined),
    // The folders: a file that was moved away is made anew.
    write: written.filter((file) => file !== undefined).map((file) => dirname(file)),
    connect: port === undefined ? [] : [Number(port)],
  }
}
