// A response policy zone by transfer: BIND as the primary with a TSIG key, cairn-resolver as a process of its own in its sandbox;
// AXFR, then IXFR after a NOTIFY, and the copy when the primary is gone.
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { freePort, runProgram, type Running } from '../../tools/running.ts'
import { startUpdatedBind, type NameServer } from '../support/name-servers.ts'
import { hasPeer, peerPath, peerTest } from '../support/peers.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const PEERS = ['named', 'dig', 'nsupdate']
const KEY = { name: 'rpz-key', secret: 'c2VjcmV0IG9mIHRoZSBwb2xpY3kgem9uZQ==' }
const folder = tempDir('rpz-transfer')
const kept = join(folder, 'kept')
const config = join(folder, 'resolver.toml')
let primary: NameServer | undefined
let port: number
let observed: string
let resolver: Running | undefined

beforeAll(async () => {
  if (!PEERS.every(hasPeer)) return
  const zone = join(folder, 'rpz.zone')
  writeFileSync(
    zone,
    `$TTL 60
@ SOA ns.invalid. nobody.invalid. 1 3600 600 86400 60
@ NS ns.invalid.
bad.org CNAME .
walled.org A 192.0.2.66
odd.org CNAME rpz-nobody-knows.
`,
  )
  port = await freePort()
  const observe = await freePort()
  observed = `http://127.0.0.1:${observe}`
  primary = await startUpdatedBind(
    folder,
    { name: 'rpz.example', file: zone },
    { ...KEY, notify: port },
  )
  writeFileSync(
    config,
    `listen = ["127.0.0.1:${port}"]
[upstream]
ipv6 = false
[root]
hints = ["127.0.0.1:1"]
[policy]
kept = "${kept}"
[[policy.transfer]]
zone = "rpz.example"
primaries = [{ address = "127.0.0.1:${primary.port}", key = "${KEY.name}" }]
[keys."${KEY.name}"]
secret = "${KEY.secret}"
[observe]
listen = "127.0.0.1:${observe}"
`,
  )
  resolver = await start()
})

afterAll(async () => {
  await primary?.stop()
  if (resolver !== undefined) expect(await resolver.stop(), resolver.log()).toBe(0)
})

peerTest(PEERS, 'the zone comes whole, and its rules hold', async () => {
  await vi.waitFor(async () => expect(await dig('bad.org')).toMatch(/NXDOMAIN/), PATIENCE)
  expect(await dig('bad.org')).toMatch(/EDE: 15 \(Blocked\): \(blocked by rpz\.example\)/)
  expect(await dig('walled.org')).toMatch(/192\.0\.2\.66/)
  expect(resolver!.log()).toMatch(/policy-rule-left-out.*rpz-nobody-knows/)
  expect(resolver!.log()).toMatch(/policy-transfer\b.*full/)
})

peerTest(PEERS, 'what changes comes after a NOTIFY, as differences', async () => {
  await update(
    'update add worse.org.rpz.example 60 CNAME .',
    'update delete bad.org.rpz.example CNAME',
  )
  await vi.waitFor(async () => expect(await dig('worse.org')).toMatch(/EDE: 15/), PATIENCE)
  expect(await dig('bad.org')).not.toMatch(/EDE: 15/)
  expect(resolver!.log()).toMatch(/policy-transfer\b.*incremental/)
  expect(readFileSync(join(kept, 'rpz.example.rpz'), 'latin1')).toMatch(
    /^worse\.org\.rpz\.example\.\t60\tCNAME\t\.$/m,
  )
})

peerTest(PEERS, 'NOTIFY without the key of the primary is refused', async () => {
  const notify = ['+opcode=NOTIFY', '+noedns', 'SOA']
  expect(await dig('rpz.example', ...notify)).toMatch(/status: REFUSED/)
  expect(await dig('other.example', ...notify)).toMatch(/status: NOTAUTH/)
})

peerTest(PEERS, 'the next start blocks before its primary is there', async () => {
  await primary!.stop()
  expect(await resolver!.stop(), resolver!.log()).toBe(0)
  resolver = await start()
  expect(await dig('worse.org')).toMatch(/EDE: 15/)
  const status = (await (
    await fetch(`${observed}/status`, { headers: { accept: 'application/json' } })
  ).json()) as {
    detail: { policy: { transfers: readonly { zone: string; rules: number }[] } }
  }
  expect(status.detail.policy.transfers).toMatchObject([{ zone: 'rpz.example.', rules: 2 }])
})

const PATIENCE = { timeout: 20_000, interval: 100 }

async function start(): Promise<Running> {
  return await runProgram({
    command: [process.execPath, join(ROOT, 'appliances/resolver/main.ts')],
    config,
    observed,
    output: 'keep',
  })
}

async function update(...lines: readonly string[]): Promise<void> {
  const file = join(folder, 'update.txt')
  writeFileSync(
    file,
    `server 127.0.0.1 ${primary!.port}\nzone rpz.example\n${lines.join('\n')}\nsend\n`,
  )
  const key = `hmac-sha256:${KEY.name}:${KEY.secret}`
  await promisify(execFile)(peerPath('nsupdate')!, ['-y', key, file])
}

async function dig(name: string, ...more: readonly string[]): Promise<string> {
  const args = ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=15', name, ...more]
  return (await promisify(execFile)(peerPath('dig')!, args)).stdout
}
