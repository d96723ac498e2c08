#!/usr/bin/env node
// cairn-vpn: an OpenVPN-compatible gateway whose clients, passwords and revocations live in a git branch; and a client.
import { runAppliance } from '../../shared/appliance/appliance.ts'
import { hashPasswordCommand } from '../../shared/appliance/hash-password.ts'
import { checkStore } from '../../store/index.ts'
import { loadProfile } from './client/profile-file.ts'
import { profileCommand } from './client/profile-command.ts'
import { serveClient } from './client/serve-client.ts'
import { gatewayConfig, vpnConfig } from './config.ts'
import { acceptContent } from './core/content/gateway-content.ts'
import { importCommand } from './import-command.ts'
import { readGatewayKeys } from './key-files.ts'
import { natCommand } from './nat-command.ts'
import { caCommand, clientCommand } from './pki/pki-commands.ts'
import { totpCommand } from './pki/totp-command.ts'
import { serve } from './serve.ts'
import { VERSION } from './version.ts'
import { vpnNeeds } from './vpn-needs.ts'

await runAppliance({
  name: 'cairn-vpn',
  version: VERSION,
  decode: vpnConfig,
  check: async (config) => {
    if (config.client !== undefined) return loadProfile(config.client.profile).problems
    const gateway = gatewayConfig(config)
    const keys = readGatewayKeys(gateway)
    return [...(keys.ok ? [] : keys.error), ...checkStore(gateway.store, acceptContent)]
  },
  needs: vpnNeeds,
  start: (context) => (context.config.client === undefined ? serve(context) : serveClient(context)),
  commands: {
    profile: profileCommand,
    import: importCommand,
    ca: caCommand,
    client: clientCommand,
    totp: totpCommand,
    nat: natCommand,
    'hash-password': hashPasswordCommand,
  },
  help: {
    summary: 'An OpenVPN gateway whose clients, passwords and revocations live in a git branch.',
    example: `
listen = ["udp://0.0.0.0:1194"]
[keys]
ca = "ca.crt"
cert = "server.crt"
key = "server.key"
tls_crypt = "tls-crypt.key"
[tunnel]
ipv4 = "10.8.0.0/24"
[store]
path = "var/vpn.git"
[store.serve]
listen = "127.0.0.1:5448"
`,
    tryIt: `
openvpn --config laptop.ovpn                          any OpenVPN client
git clone http://127.0.0.1:5448/vpn.git && cd vpn
mkdir -p ccd && echo disable > ccd/laptop
git add . && git commit -m 'Laptop is lost' && git push     it is out at once
`,
    readOn: 'appliances/vpn/README.md, and configs/vpn.toml with every key explained',
  },
})
