// What a gateway or a client needs of the machine, for the sandbox.
import { existsSync, writeFileSync } from 'node:fs'
import { ROUTES_PATH, TUN_PATH } from '../../shared/native/tun.ts'
import { joinNeeds, NO_NEEDS, type SandboxNeeds } from '../../shared/sandbox/needs.ts'
import { storeNeeds } from '../../store/index.ts'
import { profileFiles } from './client/profile-file.ts'
import { DEVICES_PATH, RESOLV_CONF } from './client/resolved-settings.ts'
import { gatewayConfig, type VpnConfig } from './config.ts'
import { forwardingFiles } from './tunnel/forwarding.ts'

export function vpnNeeds(config: VpnConfig): SandboxNeeds {
  const device = config.simulate
    ? NO_NEEDS
    : { ...NO_NEEDS, devices: [TUN_PATH], networkAdmin: true }
  if (config.client !== undefined) {
    // Gateways may be at any port.
    const { resolvConf, totp } = config.client
    const read = [...profileFiles(config.client.profile), ROUTES_PATH]
    if (totp !== undefined) read.push(totp)
    if (resolvConf === undefined) read.push(DEVICES_PATH, RESOLV_CONF)
    // One that is not there is made before the sandbox closes: a folder is no file.
    if (resolvConf !== undefined && !existsSync(resolvConf)) writeFileSync(resolvConf, '')
    const write = resolvConf === undefined ? [] : [resolvConf]
    return joinNeeds(device, { read, write, connect: 'any' })
  }
  const { keys, logins, management, store, tunnel } = gatewayConfig(config)
  const files = [
    keys.ca,
    keys.cert,
    keys.key,
    keys.tlsAuth,
    keys.tlsCrypt,
    keys.tlsCryptV2,
    logins?.tokenKey,
    logins?.totpKey,
  ]
  const read = files.filter((file) => file !== undefined)
  const listen = management?.listen
  const sockets = listen !== undefined && 'path' in listen ? [listen.path] : []
  const write = tunnel.nat === 'nftables' ? forwardingFiles() : []
  return joinNeeds(device, storeNeeds(store), { read, write, connect: [], sockets })
}
