// What a store needs of files and the network, for the sandbox.
import { resolve } from 'node:path'
import type { StoreConfig } from '../shared/config/store-table.ts'
import type { SandboxNeeds } from '../shared/sandbox/needs.ts'

export function storeNeeds(config: StoreConfig): SandboxNeeds {
  const { path, remote, serve } = config
  const url = remote === undefined ? undefined : (URL.parse(remote) ?? undefined)
  const files = [
    config.remoteTokenFile,
    config.sshKeyFile,
    config.sign?.keyFile,
    config.allowedSigners,
    config.hookSecretFile,
    serve?.tls?.cert,
    serve?.tls?.key,
  ].filter((file) => file !== undefined)
  return {
    read: [],
    reread: files,
    write: [path, ...(remote !== undefined && url === undefined ? [remote] : [])].map((each) =>
      resolve(each),
    ),
    connect: url === undefined ? [] : [portOf(url)],
  }
}

function portOf(url: URL): number {
  return url.port === '' ? DEFAULT_PORTS[url.protocol]! : Number(url.port)
}

const DEFAULT_PORTS: { readonly [protocol: string]: number } = {
  'http:': 80,
  'https:': 443,
  'ssh:': 22,
}
