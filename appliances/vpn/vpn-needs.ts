// What a gateway or a client needs of the machine, for the sandbox.
import { ROUTES_PATH, TUN_PATH } from '../../shared/native/tun.ts'
import { joinNeeds, NO_NEEDS, type SandboxNeeds } from '../../shared/sandbox/needs.ts'
import { storeNeeds } from '../../store/index.ts'
import { profileFiles } from './client/profile-file.ts'
import { gatewayConfig, type VpnConfig } from './config.ts'

export function vpnNeeds(config: VpnConfig): SandboxNeeds {
  const device = config.simulate
    ? NO_NEEDS
    : { ...NO_NEEDS, devices: [TUN_PATH], networkAdmin: true }
  if (config.client !== undefined) {
    // Gateways may be at any port.
    const read = [...profileFiles(config.client.profile), ROUTES_PATH]
    return joinNeeds(device, { read, write: [], connect: 'any' })
  }
  const { keys, store } = gatewayConfig(config)
  const files = [keys.ca, keys.cert, keys.key, keys.tlsAuth, keys.tlsCrypt, keys.tlsCryptV2]
  const read = files.filter((file) => file !== undefined)
  return joinNeeds(device, storeNeeds(store), { read, write: [], connect: [] })
}
