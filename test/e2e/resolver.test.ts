// cairn-resolver as a process of its own, with a signed hierarchy on loopback: NSD serves the root and org., Knot what lies
// below; zones are signed by BIND's signer; dig, kdig, drill and delv ask.
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { freePort, runProgram, type Running } from '../../tools/running.ts'
import { startKnot, startNsd, type NameServer, type ZoneFile } from '../support/name-servers.ts'
import { hasPeer, peerPath, peerTest } from '../support/peers.ts'
import { signZone } from '../support/sign-zone.ts'
import { ROOT } from '../support/source-tree.ts'
import { tempDir } from '../support/temp.ts'

const PEERS = ['nsd', 'knotd', 'dnssec-signzone', 'dnssec-keygen', 'dnssec-dsfromkey']
const ROOT_HOST = '127.53.0.1'
const ORG_HOST = '127.53.0.2'
const LEAF_HOST = '127.53.0.3'
const START_LIMIT_MS = 90_000

const folder = tempDir('resolver')
const servers: NameServer[] = []
let resolver: Running | undefined
let port: number
let anchors: string

beforeAll(async () => {
  if (!PEERS.every(hasPeer)) return
  const leaf = signed('example.org.', `ns A ${LEAF_HOST}\nwww A 192.0.2.80\nftp CNAME www\n`)
  const broken = signed('broken.org.', `ns A ${LEAF_HOST}\nwww A 192.0.2.81\n`)
  const plain = zone(
    'plain.org.',
    `ns A ${LEAF_HOST}\nwww A 192.0.2.82\nmany TXT ${'"x" '.repeat(900)}\n`,
  )
  const glue = (name: string) => `${name} NS ns.${name}\nns.${name} A ${LEAF_HOST}\n`
  const org = signed(
    'org.',
    `ns A ${ORG_HOST}\n${glue('example.org.')}${glue('broken.org.')}${glue('plain.org.')}${leaf.ds}
broken.org. DS 1 13 2 ${'00'.repeat(32)}\n`,
  )
  const root = signed('.', `ns A ${ROOT_HOST}\norg. NS ns.org.\nns.org. A ${ORG_HOST}\n${org.ds}\n`)
  const upstreamPort = await freePort()
  servers.push(
    await startNsd(made('nsd-root'), [file('.', root.text)], {
      host: ROOT_HOST,
      port: upstreamPort,
    }),
    await startNsd(made('nsd-org'), [file('org', org.text)], {
      host: ORG_HOST,
      port: upstreamPort,
    }),
    await startKnot(
      made('knot'),
      [file('example.org', leaf.text), file('broken.org', broken.text), file('plain.org', plain)],
      { host: LEAF_HOST, port: upstreamPort },
    ),
  )
  port = await freePort()
  const observed = await freePort()
  const key = /DNSKEY\s+(\d+ \d+ \d+) (.*)$/m.exec(root.dnskey)!
  anchors = join(folder, 'delv.anchors')
  writeFileSync(
    anchors,
    `trust-anchors { . static-key ${key[1]} "${key[2]!.replaceAll(' ', '')}"; };\n`,
  )
  writeFileSync(join(folder, 'root.anchors'), `${root.ds}\n`)
  const config = join(folder, 'resolver.toml')
  writeFileSync(
    config,
    `listen = ["127.0.0.1:${port}"]
[upstream]
port = ${upstreamPort}
ipv6 = false
never_ask = []
[root]
hints = ["${ROOT_HOST}:${upstreamPort}"]
[dnssec]
anchors = "${join(folder, 'root.anchors')}"
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
}, START_LIMIT_MS)

afterAll(async () => {
  if (resolver !== undefined) expect(await resolver.stop(), resolver.log()).toBe(0)
  for (const server of servers) await server.stop()
})

describe('a signed hierarchy', () => {
  peerTest([...PEERS, 'dig'], 'is answered with AD, an alias too', async () => {
    const said = await dig('ftp.example.org', '+dnssec')
    expect(said).toMatch(/status: NOERROR/)
    expect(said).toMatch(/flags: qr rd ra ad;/)
    expect(said).toMatch(/www\.example\.org\.\s+\d+\s+IN\s+A\s+192\.0\.2\.80/)
    expect(said).toMatch(/IN\s+RRSIG\s+A 13/)
  })

  peerTest([...PEERS, 'dig'], 'what does not exist is proven', async () => {
    const said = await dig('no.example.org', '+dnssec')
    expect(said).toMatch(/status: NXDOMAIN/)
    expect(said).toMatch(/flags: qr rd ra ad;/)
    expect(said).toMatch(/IN\s+NSEC\s/)
  })

  peerTest([...PEERS, 'dig'], 'an unsigned zone is answered without AD', async () => {
    const said = await dig('www.plain.org', '+dnssec')
    expect(said).toMatch(/flags: qr rd ra;/)
    expect(said).toMatch(/192\.0\.2\.82/)
  })

  peerTest(
    [...PEERS, 'dig'],
    'a broken chain is SERVFAIL with a reason, and CD sees through',
    async () => {
      const said = await dig('www.broken.org')
      expect(said).toMatch(/status: SERVFAIL/)
      expect(said).toMatch(/EDE: \d+/)
      expect(await dig('www.broken.org', '+cd')).toMatch(/192\.0\.2\.81/)
    },
  )

  peerTest([...PEERS, 'dig'], 'what is long comes by TCP', async () => {
    expect(await dig('many.plain.org', 'TXT', '+ignore')).toMatch(/flags: qr tc rd ra;/)
    expect(await dig('many.plain.org', 'TXT')).toMatch(/\(TCP\)/)
  })

  peerTest([...PEERS, 'delv'], 'delv comes to the same end with our answers', async () => {
    const args = ['@127.0.0.1', '-p', String(port), '-a', anchors, '+root=.']
    const secure = await run('delv', [...args, 'www.example.org'])
    expect(secure).toContain('; fully validated')
    expect(await run('delv', [...args, 'www.plain.org'])).toContain('; unsigned answer')
  })

  peerTest([...PEERS, 'kdig', 'drill'], 'kdig and drill read the same', async () => {
    const kdig = await run('kdig', ['@127.0.0.1', '-p', String(port), '+short', 'www.example.org'])
    expect(kdig.trim()).toBe('192.0.2.80')
    const drill = await run('drill', ['-p', String(port), 'www.example.org', '@127.0.0.1'])
    expect(drill).toMatch(/www\.example\.org\.\s+\d+\s+IN\s+A\s+192\.0\.2\.80/)
  })

  peerTest(PEERS, 'explain prints the way', async () => {
    const main = join(ROOT, 'appliances/resolver/main.ts')
    const args = [main, 'explain', '--config', join(folder, 'resolver.toml'), 'www.example.org']
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout).toContain(`delegates org. to ns.org. (${ORG_HOST}), signed`)
    expect(stdout).toContain('www.example.org. 300 A 192.0.2.80')
    expect(stdout).toContain('; NOERROR, secure')
  })
})

function dig(name: string, ...args: readonly string[]): Promise<string> {
  return run('dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=10', name, ...args])
}

async function run(program: string, args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(peerPath(program)!, args)).stdout
}

function zone(origin: string, text: string): string {
  const server = origin === '.' ? 'ns.' : 'ns'
  return `$ORIGIN ${origin}\n$TTL 300\n@ SOA ${server} host 1 7200 3600 1209600 60\n@ NS ${server}\n${text}`
}

function signed(origin: string, text: string): ReturnType<typeof signZone> {
  return signZone(folder, origin, zone(origin, text), { tool: 'dnssec-signzone' })
}

function file(name: string, text: string): ZoneFile {
  const path = join(folder, `${name === '.' ? 'root' : name}.zone`)
  writeFileSync(path, text)
  return { name, file: path }
}

function made(name: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  return path
}
