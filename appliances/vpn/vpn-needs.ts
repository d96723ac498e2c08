// Files the gateway reads, and the device, for the sandbox.
import { TUN_PATH } from '../../shared/native/tun.ts'
import type { SandboxNeeds } from '../../shared/sandbox/needs.ts'
import type { VpnConfig } from './config.ts'

export function vpnNeeds({ keys, simulate }: VpnConfig): SandboxNeeds {
  const files = [keys.ca, keys.cert, keys.key, keys.tlsAuth, keys.tlsCrypt, keys.tlsCryptV2]
  return {
    read: files.filter((file) => file !== undefined),
    write: [],
    devices: simulate ? [] : [TUN_PATH],
    connect: [],
    networkAdmin: !simulate,
  }
}
