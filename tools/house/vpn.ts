// What `npm start` runs of cairn-vpn: a simulated gateway with an authority of its own, and the file of one client.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeControlBody, HEADER_OCTETS } from '../../appliances/vpn/core/control/control-body.ts'
import { OPCODE, opcodeOf } from '../../appliances/vpn/core/control/opcode.ts'
import { clientProfile } from '../../appliances/vpn/core/pki/client-profile.ts'
import { CryptWrap } from '../../appliances/vpn/core/wrap/control-wrap.ts'
import { PkiFolder } from '../../appliances/vpn/pki/pki-folder.ts'
import type { HouseAppliance } from '../house.ts'
import { seedStore } from './seed.ts'

const CLIENT = 'laptop'

export const vpn: HouseAppliance = {
  name: 'vpn',
  configuration: (folder) => {
    const pki = (file: string): string => JSON.stringify(join(folder, 'vpn-pki', file))
    return `# Written by the first npm start; change it as you like, it stays. configs/vpn.toml explains every key.
listen = ["udp://127.0.0.1:1194"]
# Without root there is no tunnel device: the gateway itself is all that clients reach.
simulate = true

[keys]
ca = ${pki('ca.crt')}
cert = ${pki('server.crt')}
key = ${pki('server.key')}
tls_crypt_v2 = ${pki('tls-crypt-v2.key')}

[tunnel]
ipv4 = "10.8.0.0/24"
ipv6 = "fd00:8::/64"

[store]
path = ${JSON.stringify(join(folder, 'vpn.git'))}

[store.serve]
listen = "127.0.0.1:5448"

[observe]
listen = "127.0.0.1:9156"
`
  },
  async seed(folder) {
    const path = join(folder, 'vpn-pki')
    if (!existsSync(path)) {
      const pki = new PkiFolder(path)
      pki.init('127.0.0.1 1194 udp', Date.now())
      const profile = clientProfile(pki.addClient(CLIENT, Date.now()))
      writeFileSync(profileFile(folder), profile, { mode: 0o600 })
    }
    const sample = '# What this client is given: ifconfig-push, iroute, push "..."; or: disable\n'
    await seedStore(join(folder, 'vpn.git'), async () => ({ [`ccd/${CLIENT}`]: sample }))
  },
  describe(at, folder) {
    return `VPN     ${at.own} by UDP, simulated: with root and simulate = false it has a tunnel device
git     http://${at.git}/vpn.git
status  http://${at.observe}/status

  sudo openvpn --config ${profileFile(folder)}      then: ping 10.8.0.1
  git clone http://${at.git}/vpn.git
  cd vpn && echo disable >> ccd/${CLIENT} && git commit -am 'The laptop is lost' && git push
`
  },
  /** The opening packet of the client, whose answer only the gateway can make. */
  async probe(port, folder) {
    const base64 = /<tls-crypt-v2>[^<]*key-----([^-<]*)-----END/.exec(
      readFileSync(profileFile(folder), 'utf8'),
    )
    const key = Buffer.from(base64![1]!.replaceAll(/\s/g, ''), 'base64')
    const wrap = new CryptWrap(key.subarray(0, 256), 'client')
    const header = new Uint8Array(HEADER_OCTETS).fill(1)
    header[0] = OPCODE.hardResetClientV3 << 3
    const nothing = {
      acks: [],
      remoteSessionId: undefined,
      messageId: 0,
      payload: new Uint8Array(0),
    }
    const seconds = Math.floor(Date.now() / 1000)
    const packet = wrap.seal(header, encodeControlBody(nothing), 0x0f00_0001, seconds)
    const socket = createSocket('udp4')
    try {
      socket.send(Buffer.concat([packet, key.subarray(256)]), port, '127.0.0.1')
      const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(5_000) })) as [
        Buffer,
      ]
      const isReset = opcodeOf(answer) === OPCODE.hardResetServerV2
      return isReset && wrap.open(answer) !== undefined
        ? undefined
        : 'it answers something else than a reset'
    } finally {
      socket.close()
    }
  },
}

function profileFile(folder: string): string {
  return join(folder, `${CLIENT}.ovpn`)
}
