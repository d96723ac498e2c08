// A signed zone from push to validator, on loopback: pushed with git, transferred and judged by dnssec-verify.
import { execFile } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect } from 'vitest'
import type { Running } from '../../shared/appliance/appliance.ts'
import { startDns } from '../support/dns-server.ts'
import { git } from '../support/git.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'
import { commit, firstPush } from '../support/working-copy.ts'

const run = promisify(execFile)
const ZONE =
  '$TTL 300\n@ SOA ns hostmaster 1 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\n*.w TXT "wild"\n'

const running: Running[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

async function start(
  folder: string,
  views = '',
): Promise<{ port: string; url: string; running: Running }> {
  const more = `${views}[transfer]
allow = ["127.0.0.0/8"]
[dnssec]
key_folder = ${JSON.stringify(join(folder, 'keys'))}
zones = ["example.org"]
`
  const { running: started, port, url } = await startDns(join(folder, 'zones.git'), more)
  running.push(started)
  return { port: String(port), url, running: started }
}

async function dig(port: string, ...args: readonly string[]): Promise<string> {
  return (await run('dig', ['@127.0.0.1', '-p', port, '+tries=1', ...args])).stdout
}

peerTest(['git', 'dig', 'dnssec-verify'], 'a pushed change is served signed', async () => {
  const folder = tempDir('dnssec')
  const server = await start(folder)
  const copy = await firstPush(server.url, { 'zones/example.org': ZONE })
  const verify = async (): Promise<string> => {
    const file = join(folder, 'transferred')
    writeFileSync(file, await dig(server.port, '+onesoa', 'example.org', 'AXFR'))
    return (
      await run(peerPath('dnssec-verify')!, ['-z', '-o', 'example.org', file]).catch(
        (e: { stderr: string; stdout: string }) => ({ stdout: e.stdout + e.stderr }),
      )
    ).stdout
  }
  // On a busy machine the first signatures may take longer than a push waits for them.
  await expect.poll(verify, { timeout: 10_000 }).toContain('Zone fully signed')
  await commit(copy, { 'zones/example.org': `${ZONE}new A 192.0.2.9\n` })
  await git(['push'], { cwd: copy })
  await expect.poll(verify, { timeout: 10_000 }).toContain('Zone fully signed')
  await expect.poll(() => dig(server.port, '+short', 'new.example.org', 'A')).toBe('192.0.2.9\n')
  expect(await dig(server.port, '+short', 'example.org', 'SOA')).toContain(' 2 7200')
})

peerTest(['git', 'dig', 'dnssec-verify'], 'a view has its zone signed by the same key', async () => {
  const folder = tempDir('dnssec')
  const server = await start(folder, '[[view]]\nname = "office"\nclients = ["127.0.0.2"]\n')
  const inside = `${ZONE}inside A 10.0.0.1\n`
  await firstPush(server.url, {
    'zones/example.org': ZONE,
    'views/office/zones/example.org': inside,
  })
  const keyOf = async (client: string): Promise<string> =>
    await dig(server.port, '-b', client, '+short', 'example.org', 'DNSKEY')
  const verify = async (client: string): Promise<string> => {
    const file = join(folder, 'transferred')
    writeFileSync(file, await dig(server.port, '-b', client, '+onesoa', 'example.org', 'AXFR'))
    return await run(peerPath('dnssec-verify')!, ['-z', '-o', 'example.org', file]).then(
      ({ stdout }) => stdout,
      (e: { stderr: string; stdout: string }) => e.stdout + e.stderr,
    )
  }
  for (const client of ['127.0.0.1', '127.0.0.2'])
    await expect.poll(() => verify(client), { timeout: 10_000 }).toContain('Zone fully signed')
  expect(await keyOf('127.0.0.2')).toBe(await keyOf('127.0.0.1'))
  const command = ['appliances/dns/main.ts', 'dnssec', 'status', join(folder, 'keys'), 'example.org']
  const { stdout: status } = await run(process.execPath, command)
  expect(status).toMatch(/^example\.org\. serial 1, view office 1\n/)
  // By the packet workers, each client the answer of its view, and the proof.
  const said = (client: string): Promise<string> =>
    dig(server.port, '-b', client, '+dnssec', 'inside.example.org', 'A')
  expect(await said('127.0.0.2')).toMatch(/\sRRSIG\s+A 13 3 300 /)
  expect(await said('127.0.0.1')).toMatch(/status: NXDOMAIN[^]*\sRRSIG\s+NSEC 13 /)
  // The next run begins with the same signatures in both.
  const before = [await said('127.0.0.2'), await said('127.0.0.1')].map(signaturesIn)
  await running.pop()!.stop()
  const { port } = await start(folder, '[[view]]\nname = "office"\nclients = ["127.0.0.2"]\n')
  const again = [
    await dig(port, '-b', '127.0.0.2', '+dnssec', 'inside.example.org', 'A'),
    await dig(port, '-b', '127.0.0.1', '+dnssec', 'inside.example.org', 'A'),
  ]
  expect(again.map(signaturesIn)).toEqual(before)
}) // prettier-ignore

function signaturesIn(said: string): readonly string[] {
  return (said.match(/^.*\sRRSIG\s.*$/gm) ?? []).sort()
}

peerTest(['git', 'dig'], 'a private key in clear is refused with its line', async () => {
  const folder = tempDir('dnssec')
  const server = await start(folder)
  const copy = await firstPush(server.url, { 'zones/example.org': ZONE })
  const text = 'ours:\nPrivate-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\n'
  await commit(copy, { 'keys/Kexample.org.private': text })
  const refused = await git(['push'], { cwd: copy })
  expect(refused.stderr).toContain('remote: keys/Kexample.org.private:2: A private key in clear')
})

peerTest(['git', 'dig'], 'a restart serves the same signatures', async () => {
  const folder = tempDir('dnssec')
  const first = await start(folder)
  await firstPush(first.url, { 'zones/example.org': ZONE })
  const before = await dig(first.port, '+short', 'ns.example.org', 'RRSIG')
  expect(before).toMatch(/A 13 3 300/)
  await running.pop()!.stop()
  const second = await start(folder)
  expect(await dig(second.port, '+short', 'ns.example.org', 'RRSIG')).toBe(before)
  const command = [process.execPath, 'appliances/dns/main.ts', 'dnssec'] as const
  const tell = async (word: string): Promise<string> =>
    (await run(command[0], [command[1], command[2], word, join(folder, 'keys'), 'example.org']))
      .stdout
  expect(await tell('ds')).toMatch(/^example\.org\. IN DS \d+ 13 2 [0-9A-F]{64}$/im)
  expect(await tell('status')).toMatch(
    /^example\.org\. serial 1\n\d+ ECDSAP256SHA256 entry: created/,
  )
  await tell('insecure')
  await second.running.reload()
  expect(await dig(second.port, '+short', 'example.org', 'CDS')).toBe('0 0 0 00\n')
  expect(
    readdirSync(join(folder, 'keys')).filter((file) => file.endsWith('.private')),
  ).toHaveLength(1)
})
