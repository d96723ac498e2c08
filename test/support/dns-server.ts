// cairn-dns whole, in this process and on loopback, for tests that ask it over the network.
import { dnsConfig } from '../../appliances/dns/config.ts'
import { serve } from '../../appliances/dns/serve.ts'
import type { Running } from '../../shared/appliance/appliance.ts'
import { RecordedLog } from './house.ts'
import { runHere } from './running-appliance.ts'

export type DnsServer = {
  readonly running: Running
  readonly port: number
  /** Of its repository. */
  readonly url: string
  readonly log: RecordedLog
}

/** `more` is added to a configuration of one address and a served store at `path`. */
export async function startDns(
  path: string,
  more: string,
  store = '',
  listenPort = 0,
): Promise<DnsServer> {
  const text = `listen = ["127.0.0.1:${listenPort}"]
[store]
path = ${JSON.stringify(path)}
${store}
[store.serve]
listen = "127.0.0.1:0"
[observe]
${more}`
  const log = new RecordedLog()
  const { running } = await runHere(text, dnsConfig, serve, { log })
  const port = Number(/:(\d+)$/.exec(running.addresses[0] ?? '')?.[1])
  return { running, port, url: running.addresses.at(-1)!, log }
}
