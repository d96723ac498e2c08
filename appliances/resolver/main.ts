#!/usr/bin/env node
// cairn-resolver: finds the answers to DNS queries, from the root down, and remembers them.
import { dirname } from 'node:path'
import { runAppliance } from '../../shared/appliance/appliance.ts'
import { hashPasswordCommand } from '../../shared/appliance/hash-password.ts'
import { certificateProblems } from '../../shared/dns-server/certificates.ts'
import { joinNeeds, NO_NEEDS } from '../../shared/sandbox/needs.ts'
import { checkStore, storeNeeds } from '../../store/index.ts'
import { resolverConfig } from './config.ts'
import { PolicyBranch } from './core/policy/policy-branch.ts'
import { anchorProblems } from './dnssec-table.ts'
import { explainCommand } from './explain-command.ts'
import { upstreamPorts } from './machine-options.ts'
import { keyProblems, policyProblems, transferNeeds } from './policy-table.ts'
import { serve } from './serve.ts'
import { pageProblems } from './status-page.ts'

await runAppliance({
  name: 'cairn-resolver',
  version: process.env.CAIRN_VERSION ?? 'from source',
  decode: resolverConfig,
  check: async (config) => [
    ...certificateProblems(config),
    ...anchorProblems(config.dnssec),
    ...(await policyProblems(config.policy)),
    ...keyProblems(config.keys),
    ...pageProblems(config.page),
    ...(config.store === undefined ? [] : checkStore(config.store, new PolicyBranch(0).accept)),
  ],
  needs: (config) => {
    const { tls, https, page, cache, cookies, dnssec, policy, keys, store } = config
    const certificates = [tls, https, page?.tls].flatMap((each) => [each?.cert, each?.key])
    const files = [...certificates, cookies.secretFile]
    const ofStore = store === undefined ? NO_NEEDS : storeNeeds(store)
    return joinNeeds(ofStore, transferNeeds(policy, keys), {
      read: dnssec.anchors === undefined ? [] : [dnssec.anchors],
      reread: [
        ...files.filter((file) => file !== undefined),
        ...policy.allow,
        ...policy.block,
        ...policy.rpz,
      ],
      write: [dnssec.anchorState, cache.file].flatMap((file) =>
        file === undefined ? [] : [dirname(file)],
      ),
      connect: upstreamPorts(config),
    })
  },
  start: serve,
  commands: { explain: explainCommand, 'hash-password': hashPasswordCommand },
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
