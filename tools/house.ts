// What `npm start` runs: each appliance with a configuration on loopback, sample content, and what to try with it.
import { join } from 'node:path'
import { askAddress } from './ask.ts'
import { caldav } from './house/caldav.ts'
import { seedStore } from './house/seed.ts'
import { resolver } from './house/resolver.ts'
import { vpn } from './house/vpn.ts'

/** Addresses as the configuration file has them now; a person may have changed them. */
export type Addresses = {
  readonly own: string
  /** Of the served store, where there is one. */
  readonly git?: string
  /** Of a page for people, where it has one of its own. */
  readonly page?: string
  readonly observe: string
}

export type HouseAppliance = {
  readonly name: string
  /** The text of a configuration whose state lives below `folder`. */
  readonly configuration: (folder: string) => string
  /** Puts sample content into a store that has none. */
  readonly seed: (folder: string) => Promise<void>
  readonly describe: (at: Addresses, folder: string) => string
  /** Asks the running appliance for what `seed` put there; a sentence when the answer is another. */
  readonly probe: (port: number, folder: string) => Promise<string | undefined>
}

const SAMPLE_ZONE = `; The sample zone. Change it in a clone and push: the new answer is there when git push returns.
$TTL 300
@       SOA   ns1 hostmaster 1 7200 3600 1209600 300
        NS    ns1
        NS    ns2
        MX    10 mail
        TXT   "v=spf1 mx -all"
ns1     A     192.0.2.1
        AAAA  2001:db8::1
ns2     A     192.0.2.2
mail    A     192.0.2.25
www     A     192.0.2.80
        AAAA  2001:db8::80
ftp     CNAME www
*.apps  A     192.0.2.100
`

const dns: HouseAppliance = {
  name: 'dns',
  configuration: (
    folder,
  ) => `# Written by the first npm start; change it as you like, it stays. configs/dns.toml explains every key.
listen = ["127.0.0.1:5300"]

[store]
path = ${JSON.stringify(join(folder, 'zones.git'))}

[store.serve]
listen = "127.0.0.1:5418"

[observe]
listen = "127.0.0.1:9153"
`,
  seed: (folder) =>
    seedStore(join(folder, 'zones.git'), () =>
      Promise.resolve({ 'zones/example.org': SAMPLE_ZONE }),
    ),
  describe(at, folder) {
    const [host, port] = hostAndPort(at.own)
    const dig = `dig @${host} -p ${port} +short`
    return `DNS     ${at.own} by UDP and TCP, from ${join(folder, 'zones.git')}
git     http://${at.git}/zones.git
status  http://${at.observe}/status

  ${dig} www.example.org
  git clone http://${at.git}/zones.git
  cd zones && echo 'hello A 192.0.2.7' >> zones/example.org && git commit -am 'hello' && git push
  ${dig} hello.example.org
`
  },
  async probe(port) {
    const address = await askAddress(port, 'www.example.org')
    return address === '192.0.2.80' ? undefined : `www.example.org is ${address}`
  },
}

function hostAndPort(endpoint: string): [string, string] {
  const colon = endpoint.lastIndexOf(':')
  return [endpoint.slice(0, colon).replaceAll(/[[\]]/g, ''), endpoint.slice(colon + 1)]
}

/** In the order in which they start. */
export const HOUSE: readonly HouseAppliance[] = [dns, resolver, caldav, vpn]
