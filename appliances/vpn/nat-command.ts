// The command `nat`: the rules that nat = "nftables" would set, for nft(8).
import type { Command } from '../../shared/appliance/appliance.ts'
import { EXIT } from '../../shared/cli/cli.ts'
import { decodeConfig } from '../../shared/config/decode.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { Fatal } from '../../shared/result/result.ts'
import { readTextFile } from '../../shared/files/text-file.ts'
import { gatewayConfig, vpnConfig } from './config.ts'
import { gatewayTable } from './core/filter/gateway-table.ts'
import { formatTable } from './core/filter/nft-table.ts'

const USAGE = `Usage: cairn-vpn nat show vpn.toml | nft -f -

Prints the rules of nftables by which clients of this gateway go on to other networks, to be read, changed, or set by hand.
With nat = "nftables" in [tunnel] the gateway sets them itself when it starts, and takes them away when it stops.
`

export const natCommand: Command = {
  summary: 'show FILE: print the rules for what clients send on: see "nat --help"',
  help: USAGE,
  run([word, file, ...rest]) {
    if (word !== 'show' || file === undefined || rest.length > 0) {
      process.stderr.write(USAGE)
      return Promise.resolve(EXIT.USAGE)
    }
    const text = readTextFile(file)
    if (!text.ok) throw new Fatal(`${file}: ${text.error}`)
    const config = decodeConfig(text.value, file, vpnConfig)
    if (!config.ok) {
      process.stderr.write(config.error.map((each) => `${formatProblem(each)}\n`).join(''))
      return Promise.resolve(EXIT.CONFIG)
    }
    if (config.value.client !== undefined)
      throw new Fatal(`${file} is of a client, which passes nothing on`)
    const { tunnel } = gatewayConfig(config.value)
    const switches = ['net.ipv4.ip_forward=1']
    if (tunnel.ipv6 !== undefined) switches.push('net.ipv6.conf.all.forwarding=1')
    process.stdout.write(
      `# And: sysctl -w ${switches.join(' ')}\n${formatTable(gatewayTable(tunnel))}`,
    )
    return Promise.resolve(EXIT.OK)
  },
}
