// cairn-resolver with packet workers as a process of its own, in its sandbox: NSD is the authority, dig asks.
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, vi } from 'vitest'
import { freePort, runProgram, type Running } from '../../tools/running.ts'
import { startNsd, type NameServer } from '../support/name-servers.ts'
import { hasPeer, peerPath, peerTest } from '../support/peers.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const NEEDED = ['nsd', 'dig']
const SEEN_MS = 10_000
const ZONE = `$ORIGIN example.org.
$TTL 300
@ SOA ns h 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.1
www A 192.0.2.80
ftp CNAME www
`
const folder = tempDir('resolver-workers')
let authority: NameServer | undefined

beforeAll(async () => {
  if (!NEEDED.every(hasPeer)) return
  const file = join(folder, 'example.org.zone')
  writeFileSync(file, ZONE)
  const dir = join(folder, 'nsd')
  mkdirSync(dir)
  authority = await startNsd(dir, [{ name: 'example.org', file }])
})

afterAll(async () => {
  await authority?.stop()
})

describe.each([0, 2])('%i packet workers', (workers) => {
  let resolver: Running | undefined
  let port: number
  let observed: number
  const lists = join(folder, `lists${workers}.txt`)

  beforeAll(async () => {
    if (authority === undefined) return
    ;[port, observed] = [await freePort(), await freePort()]
    writeFileSync(lists, 'nothing.example\n')
    const config = join(folder, `resolver${workers}.toml`)
    writeFileSync(
      config,
      `listen = ["127.0.0.1:${port}", "[::1]:${port}"]
workers = ${workers}
[access]
allow = ["127.0.0.1"]
[[stub]]
zone = "example.org"
servers = ["127.0.0.1:${authority.port}"]
[dnssec]
negative = ["example.org"]
[policy]
block = ["${lists}"]
[observe]
listen = "127.0.0.1:${observed}"
`,
    )
    resolver = await runProgram({
      command: [process.execPath, join(ROOT, 'appliances/resolver/main.ts')],
      config,
      observed: `http://127.0.0.1:${observed}`,
      output: 'keep',
    })
  })

  afterAll(async () => {
    if (resolver !== undefined) expect(await resolver.stop(), resolver.log()).toBe(0)
  })

  const dig = async (...args: readonly string[]): Promise<string> => {
    const at = ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=10']
    return (await promisify(execFile)(peerPath('dig')!, [...at, ...args])).stdout
  }

  type Status = {
    readonly udp: string
    readonly counts: { readonly cacheHits: number }
    readonly workers?: { readonly threads: number; readonly published: number }
  }
  const status = async (): Promise<Status> => {
    const said = await fetch(`http://127.0.0.1:${observed}/status?format=json`)
    return ((await said.json()) as { detail: Status }).detail
  }
  const metric = async (what: string): Promise<number> => {
    const said = await fetch(`http://127.0.0.1:${observed}/metrics`)
    const line = new RegExp(`^${what} (\\d+)`, 'm').exec(await said.text())
    return Number(line?.[1])
  }

  peerTest(NEEDED, 'say the same again and again, in the letters that were asked', async () => {
    const first = await dig('ftp.example.org')
    expect(first).toMatch(/ftp\.example\.org\.\s+\d+\s+IN\s+CNAME\s+www\.example\.org/)
    for (const spelled of [
      'ftp.example.org',
      'fTp.eXample.ORG',
      'FTP.EXAMPLE.ORG',
      'ftp.EXAMPLE.org',
    ]) {
      const said = await dig(spelled)
      expect(said).toMatch(/status: NOERROR/)
      expect(said).toMatch(/flags: qr rd ra; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 1/)
      expect(said).toContain(`;${spelled}.`)
      expect(said).toMatch(/192\.0\.2\.80/)
      expect(said).toMatch(/COOKIE: [0-9a-f]{48} \(good\)/)
      expect(said).not.toMatch(/WARNING|malformed|mismatch/i)
    }
    for (let i = 0; i < 3; i++) {
      expect(await dig('no.example.org', '+noedns')).toMatch(/status: NXDOMAIN/)
      expect(await dig('www.example.org', '+dnssec')).toMatch(/192\.0\.2\.80/)
    }
    const { workers: said, udp } = await status()
    expect(udp).toBe(workers === 0 ? 'main thread' : 'packet workers')
    expect(said?.threads).toBe(workers === 0 ? undefined : workers)
    if (workers > 0) expect(said!.published).toBeGreaterThan(1)
  })

  peerTest(NEEDED, 'count what they answer from the cache', async () => {
    const before = (await status()).counts.cacheHits
    const counted = await metric('cairn_resolver_cache_hits')
    for (let i = 0; i < 6; i++) await dig('www.example.org', '+noedns')
    await vi.waitFor(
      async () =>
        expect(await metric('cairn_resolver_cache_hits')).toBeGreaterThanOrEqual(counted + 5),
      SEEN_MS,
    )
    // The first is asked of the authority or the cache, the next published: those after it the engine does not see.
    const seen = (await status()).counts.cacheHits - before
    if (workers === 0) expect(seen).toBeGreaterThanOrEqual(5)
    else expect(seen).toBeLessThanOrEqual(2)
  })

  peerTest(NEEDED, 'tell those who may not ask', async () => {
    for (let i = 0; i < 3; i++) await dig('www.example.org')
    const at = ['@127.0.0.1', '-b', '127.0.0.2', '-p', String(port), 'www.example.org']
    const { stdout } = await promisify(execFile)(peerPath('dig')!, at)
    expect(stdout).toMatch(/status: REFUSED/)
  })

  peerTest(NEEDED, 'give nothing that a new list blocks', async () => {
    for (let i = 0; i < 3; i++) expect(await dig('ns.example.org')).toMatch(/192\.0\.2\.1/)
    writeFileSync(lists, 'ns.example.org\n')
    resolver!.child.kill('SIGHUP')
    await vi.waitFor(
      async () => expect(await dig('ns.example.org')).toMatch(/status: NXDOMAIN/),
      SEEN_MS,
    )
    expect(await dig('www.example.org')).toMatch(/192\.0\.2\.80/)
  })
})
