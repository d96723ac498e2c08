// cairn-dns in this process on loopback ports of its own, with a zone or two pushed to it.
import { join } from 'node:path'
import { dnsConfig } from '../../appliances/dns/config.ts'
import { serve } from '../../appliances/dns/serve.ts'
import type { Running } from '../../shared/appliance/appliance.ts'
import type { Registry } from '../../shared/metrics/registry.ts'
import { runHere } from './running-appliance.ts'
import { tempDir } from './temp.ts'
import { firstPush } from './working-copy.ts'

export type RunningDns = {
  readonly running: Running
  readonly registry: Registry
  readonly events: string[]
  /** By scheme: dns, tls, https, http (the store). */
  port(scheme: string): number
  /** The working copy that was pushed. */
  readonly copy: string
}

/** `more` is TOML put behind the usual keys; `files` are pushed before it returns. */
export async function startDns(
  files: { readonly [path: string]: string },
  more = '',
  top = '',
): Promise<RunningDns> {
  const path = join(tempDir('running-dns'), 'zones.git')
  const text = `listen = ["127.0.0.1:0"]
${top}
[store]
path = ${JSON.stringify(path)}
[store.serve]
listen = "127.0.0.1:0"
[observe]
${more}
`
  const { running, registry, events, address, port } = await runHere(text, dnsConfig, serve)
  const copy = await firstPush(address('http'), files)
  return { running, registry, events, port, copy }
}
