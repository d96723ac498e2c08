// Updates under load: many at once are commits of their own and share writes, kills lose none that was acknowledged, and
// a remote that is gone holds nobody up.
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Key } from '../../shared/tsig/key.ts'
import { RCODE } from '../../shared/dns/message.ts'
import { killDns, spawnDns } from '../support/dns-child.ts'
import { startDns } from '../support/dns-server.ts'
import { gitOk } from '../support/git.ts'
import { askUdp } from '../support/name-servers.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { updateOf } from '../support/updates.ts'
import { UpdateClient } from '../support/update-client.ts'
import { firstPush, freshPath } from '../support/working-copy.ts'
import { name, queryOf } from '../support/zones.ts'

const SECRET = Buffer.from('0123456789abcdef0123456789abcdef')
const KEYS = `[keys.load]
secret = "${SECRET.toString('base64')}"
update = ["."]
`
const KEY: Key = { name: name('load.'), algorithm: 'hmac-sha256', secret: SECRET, grants: [] }
const ZONE = '; kept\n$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1 ; here\n'
const CONNECTIONS = 4

const packetOf = (host: string) =>
  updateOf('example.org.', [`add ${host}.example.org. 60 A 192.0.2.9`])

/** Adds hosts until the server goes, or all of them are there; gives those that were acknowledged. */
/** `acknowledged` grows while it goes on. */
async function load(
  port: number,
  hosts: readonly string[],
  acknowledged: string[] = [],
): Promise<string[]> {
  const share = Math.ceil(hosts.length / CONNECTIONS)
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, i) => {
      const client = await UpdateClient.open(port, KEY)
      await client.sendAll(hosts.slice(i * share, (i + 1) * share), packetOf, (host, rcode) => {
        if (rcode === RCODE.NOERROR) acknowledged.push(host)
      })
      client.close()
    }),
  )
  return acknowledged
}

peerTest(
  'git',
  'many at once are a commit each, and all of them are in a clone',
  async () => {
    const server = await startDns(join(tempDir('many'), 'zones.git'), KEYS)
    try {
      await firstPush(server.url, { 'zones/example.org': ZONE })
      const hosts = Array.from({ length: 400 }, (_, i) => `h${i}`)
      const start = performance.now()
      expect(await load(server.port, hosts)).toHaveLength(hosts.length)
      const seconds = (performance.now() - start) / 1000
      console.info(
        `updates: ${Math.round(hosts.length / seconds)}/s, ${CONNECTIONS * 16} in flight`,
      )
      const clone = freshPath()
      await gitOk(['clone', '-q', server.url, clone])
      const count = await gitOk(['rev-list', '--count', '--author=load', 'HEAD'], { cwd: clone })
      expect(Number(count)).toBe(hosts.length)
      const text = await gitOk(['show', 'HEAD:zones/example.org'], { cwd: clone })
      expect(text.match(/192\.0\.2\.9/g)).toHaveLength(hosts.length)
      expect(text).toContain('; kept')
      expect(text).toContain('ns A 192.0.2.1 ; here')
      await gitOk(['fsck', '--strict'], { cwd: clone })
    } finally {
      await server.running.stop()
    }
  },
  60_000,
)

peerTest(
  'git',
  'with the remote gone updates go on',
  async () => {
    const store = 'remote = "http://127.0.0.1:1/zones.git"'
    const server = await startDns(join(tempDir('gone'), 'zones.git'), KEYS, store)
    try {
      await firstPush(server.url, { 'zones/example.org': ZONE })
      expect(await load(server.port, ['a', 'b', 'c'])).toHaveLength(3)
    } finally {
      await server.running.stop()
    }
  },
  30_000,
)

peerTest(
  'git',
  'kill -9 in the middle of updates loses none that was acknowledged',
  async () => {
    const folder = tempDir('kill')
    const acknowledged: string[] = []
    for (let round = 0; round < 4; round++) {
      const child = await spawnDns(folder, KEYS)
      if (round === 0) await firstPush(child.url, { 'zones/example.org': ZONE })
      const hosts = Array.from({ length: 5000 }, (_, i) => `r${round}-${i}`)
      const before = acknowledged.length
      const loaded = load(child.port, hosts, acknowledged)
      // However fast the machine is: well into it, each time a little further.
      while (acknowledged.length < before + 10 * (round + 1))
        await new Promise((done) => setTimeout(done, 5))
      await killDns(child)
      await loaded
    }
    const child = await spawnDns(folder, KEYS)
    const lost: string[] = []
    for (const host of acknowledged) {
      const answer = await askUdp(child.port, queryOf(`${host}.example.org. A`))
      if (answer === undefined || answer.readUInt16BE(6) !== 1) lost.push(host)
    }
    await killDns(child)
    expect(lost).toEqual([])
    console.info(`kill -9: ${acknowledged.length} updates were acknowledged, and are there`)
    await gitOk(['fsck', '--strict'], { cwd: join(folder, 'zones.git') })
  },
  120_000,
)
