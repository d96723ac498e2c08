// Random packets at a running server, in the sandbox and with its packet workers: it goes on answering, and does not grow.
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { floodServer } from '../../tools/bench/dns-flood.ts'
import { killDns, spawnDns } from '../support/dns-child.ts'
import { askUdp } from '../support/name-servers.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { firstPush } from '../support/working-copy.ts'
import { queryOf } from '../support/zones.ts'

const PACKETS = 200_000
const SLICE = 50_000
const GROWTH_LIMIT_MEGABYTES = 100
const ZONE = '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\nh12 A 192.0.2.2\n'

peerTest(
  'git',
  `${PACKETS} random packets`,
  async () => {
    const child = await spawnDns(tempDir('flood'), '')
    try {
      await firstPush(child.url, { 'zones/bench.test': ZONE })
      // The first slice warms it up.
      let before = 0
      for (let sent = 0; sent < PACKETS; sent += SLICE) {
        await floodServer(child.port, SLICE, 1 + sent)
        let answer: Buffer | undefined
        // A full receive buffer drops ours as well.
        for (let tries = 0; answer === undefined && tries < 5; tries++)
          answer = await askUdp(child.port, queryOf('h12.bench.test. A'))
        expect(answer?.readUInt16BE(6)).toBe(1)
        if (before === 0) before = residentMegabytes(child.process.pid!)
      }
      expect(residentMegabytes(child.process.pid!) - before).toBeLessThan(GROWTH_LIMIT_MEGABYTES)
    } finally {
      await killDns(child, 'SIGTERM')
    }
  },
  120_000,
)

function residentMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1000
}
