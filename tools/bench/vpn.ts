// cairn-vpn beside stock OpenVPN in turns: one TCP stream each way through a tunnel between two network namespaces, what it
// costs in CPU, and the round trip. Both ends and the load share the machine: the ratios hold, the rates are of the day.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleAppliance } from '../bundle.ts'
import { formatFigures, median, saveFigures, type Figure } from './report.ts'
import { VpnLab, type Side } from './vpn-lab.ts'

const PINGS = 100
/** Not measured: Node compiles what runs often, and TCP finds its pace. */
const WARM_UP_SECONDS = 2

type Pairing = { readonly shape: string; readonly gateway: Side; readonly client: Side }

/** What stands on the two ends when it is ours, and what it is compared with: stock on both. */
const OURS: { readonly [shape: string]: Pairing } = {
  both: { shape: 'both ends', gateway: 'cairn', client: 'cairn' },
  gateway: { shape: 'gateway of stock client', gateway: 'cairn', client: 'OpenVPN' },
  client: { shape: 'client of stock gateway', gateway: 'OpenVPN', client: 'cairn' },
}
const STOCK: Pairing = { shape: 'stock', gateway: 'OpenVPN', client: 'OpenVPN' }

type Row = { readonly what: string; readonly unit: string; readonly better: Figure['better'] }

const ROWS: readonly Row[] = [
  { what: 'TCP up', unit: 'Mbit/s', better: 'more' },
  { what: 'TCP down', unit: 'Mbit/s', better: 'more' },
  { what: 'CPU of the gateway, up', unit: 's/GB', better: 'less' },
  { what: 'CPU of the client, up', unit: 's/GB', better: 'less' },
  { what: 'CPU of the gateway, down', unit: 's/GB', better: 'less' },
  { what: 'CPU of the client, down', unit: 's/GB', better: 'less' },
  { what: 'ping', unit: 'ms', better: 'less' },
]

export async function benchVpn(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      pairs: { type: 'string', default: 'both,gateway,client' },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '2' },
      cipher: { type: 'string', default: 'AES-256-GCM' },
      program: { type: 'string' },
    },
  })
  if (process.getuid?.() !== 0) throw new Error('Network namespaces and tunnel devices need root')
  const pairings = [STOCK, ...values.pairs.split(',').map((name) => OURS[name]!)]
  const folder = mkdtempSync(join(tmpdir(), 'cairn-bench-vpn-'))
  const lab = new VpnLab(folder, values.program ?? (await bundled(folder)), values.cipher)
  const measured = new Map<Pairing, (readonly number[])[]>(pairings.map((each) => [each, []]))
  try {
    for (let round = 0; round < Number(values.rounds); round++)
      for (const pairing of pairings)
        measured.get(pairing)!.push(await measure(lab, pairing, Number(values.seconds)))
  } finally {
    lab.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const middle = (pairing: Pairing, row: number): number =>
    median(measured.get(pairing)!.map((values) => values[row]!))
  const figures = pairings
    .filter((pairing) => pairing !== STOCK)
    .flatMap((pairing) =>
      ROWS.map((row, n) => ({
        ...row,
        shape: `${pairing.shape}, ${values.cipher}`,
        ours: middle(pairing, n),
        peers: { OpenVPN: middle(STOCK, n) },
      })),
    )
  console.log(formatFigures(figures))
  console.log(`written to ${saveFigures('vpn', figures)}`)
}

/** What a user runs, not the sources. */
async function bundled(folder: string): Promise<string> {
  const file = join(folder, 'cairn-vpn.mjs')
  writeFileSync(file, (await bundleAppliance('vpn', true)).code)
  return file
}

/** In the order of ROWS. */
async function measure(lab: VpnLab, pairing: Pairing, seconds: number): Promise<readonly number[]> {
  console.error(`bench vpn: ${pairing.gateway} gateway, ${pairing.client} client`)
  const tunnel = await lab.tunnel(pairing.gateway, pairing.client)
  try {
    for (const direction of ['up', 'down'] as const) tunnel.carry(direction, WARM_UP_SECONDS)
    const [up, down] = (['up', 'down'] as const).map((direction) => {
      const before = tunnel.cpu()
      const { megabitsPerSecond, gigabytes } = tunnel.carry(direction, seconds)
      const after = tunnel.cpu()
      return {
        megabitsPerSecond,
        gateway: (after.gateway - before.gateway) / gigabytes,
        client: (after.client - before.client) / gigabytes,
      }
    })
    return [
      up!.megabitsPerSecond,
      down!.megabitsPerSecond,
      up!.gateway,
      up!.client,
      down!.gateway,
      down!.client,
      tunnel.pingMs(PINGS),
    ]
  } finally {
    await tunnel.stop()
  }
}
