#!/usr/bin/env node
// cairn-dns: answers DNS queries from zones that live in a git branch.
import { runAppliance } from '../../shared/appliance/appliance.ts'
import { hashPasswordCommand } from '../../shared/appliance/hash-password.ts'
import { joinNeeds } from '../../shared/sandbox/needs.ts'
import { checkStore, storeNeeds } from '../../store/index.ts'
import { certificateProblems } from '../../shared/dns-server/certificates.ts'
import { zoneCommand } from './cli/zone-command.ts'
import { dnsConfig } from './config.ts'
import { dnssecCommand } from './dnssec-command.ts'
import { dnssecNeeds } from './dnssec-table.ts'
import { keyNeeds, readKeys } from './keys-table.ts'
import { keeperOf, serve } from './serve.ts'
import { transferNeeds } from './transfer-table.ts'
import { wireNeeds } from './wire-needs.ts'

await runAppliance({
  name: 'cairn-dns',
  version: process.env.CAIRN_VERSION ?? 'from source',
  decode: dnsConfig,
  check: async (config) => {
    readKeys(config.keys)
    const problems = checkStore(config.store, keeperOf(config).accept)
    return [...certificateProblems(config), ...problems]
  },
  needs: (config) =>
    joinNeeds(
      storeNeeds(config.store),
      keyNeeds(config.keys),
      wireNeeds(config),
      transferNeeds(config.secondary),
      dnssecNeeds(config.dnssec),
    ),
  start: serve,
  commands: { zone: zoneCommand, dnssec: dnssecCommand, 'hash-password': hashPasswordCommand },
  help: {
    summary: 'Answers DNS queries from zones that live in a git branch.',
    example: `
listen = ["127.0.0.1:5300"]
[store]
path = "var/zones.git"
[store.serve]
listen = "127.0.0.1:5418"
`,
    tryIt: `
git clone http://127.0.0.1:5418/zones.git && cd zones && mkdir -p zones
printf '$TTL 300\\n@ SOA ns h 1 7200 3600 1209600 300\\n@ NS ns\\nns A 192.0.2.1\\n' > zones/example.org
git add . && git commit -m 'A zone' && git push       pushed is served
dig @127.0.0.1 -p 5300 ns.example.org
`,
    readOn: 'appliances/dns/README.md, and configs/dns.toml with every key explained',
  },
})
