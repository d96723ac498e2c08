#!/usr/bin/env node
// cairn-resolver: finds the answers to DNS queries, from the root down, and remembers them.
import { runAppliance } from '../../shared/appliance/appliance.ts'
import { certificateProblems } from '../../shared/dns-server/certificates.ts'
import { resolverConfig } from './config.ts'
import { anchorProblems } from './dnssec-table.ts'
import { explainCommand } from './explain-command.ts'
import { upstreamPorts } from './machine-options.ts'
import { serve } from './serve.ts'

await runAppliance({
  name: 'cairn-resolver',
  version: process.env.CAIRN_VERSION ?? 'from source',
  decode: resolverConfig,
  check: async (config) => [...certificateProblems(config), ...anchorProblems(config.dnssec)],
  needs: (config) => {
    const { tls, https, cookies, dnssec } = config
    const files = [tls?.cert, tls?.key, https?.cert, https?.key, cookies.secretFile, dnssec.anchors]
    return {
      read: files.filter((file) => file !== undefined),
      write: [],
      connect: upstreamPorts(config),
    }
  },
  start: serve,
  commands: { explain: explainCommand },
  help: {
    summary: 'Finds the answers to DNS queries, from the root down, and remembers them.',
    example: `
listen = ["127.0.0.1:5301"]
[[stub]]
zone = "example.org"
servers = ["127.0.0.1:5300"]
`,
    tryIt: `
dig @127.0.0.1 -p 5301 www.example.org
cairn-resolver explain www.example.org A       prints who was asked, and what came back
`,
    readOn: 'appliances/resolver/README.md, and configs/resolver.toml with every key explained',
  },
})
