// Compact denial of existence (RFC 9824) on a running server, as dig and kdig see it, and what stock tools may not have.
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, expect } from 'vitest'
import { decodeMessage } from '../../shared/dns/message.ts'
import { formatName } from '../../shared/dns/name.ts'
import { gitOk } from '../support/git.ts'
import { until } from '../support/house.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import { startDns, type RunningDns } from '../support/running-dns.ts'
import { tempDir } from '../support/temp.ts'
import { commit } from '../support/working-copy.ts'

const run = promisify(execFile)
const ORIGIN = 'example.org'
const ZONE = `$TTL 300
@ SOA ns hostmaster 1 7200 3600 1209600 60
@ NS ns
ns A 192.0.2.1
*.wild TXT "a text"
`

const running: RunningDns[] = []
afterEach(async () => {
  for (const { running: one } of running.splice(0)) await one.stop()
})

async function start(
  more = '',
  files: { readonly [path: string]: string } = {},
): Promise<RunningDns> {
  const config = `[transfer]
allow = ["127.0.0.1"]
[dnssec]
key_folder = ${JSON.stringify(join(tempDir('compact'), 'keys'))}
zones = ["${ORIGIN}"]
denial = "compact"
${more}`
  const server = await startDns({ [`zones/${ORIGIN}`]: ZONE, ...files }, config)
  running.push(server)
  return server
}

async function ask(program: string, server: RunningDns, args: string): Promise<string> {
  const at = ['@127.0.0.1', '-p', String(server.port('dns'))]
  const done = await run(peerPath(program)!, [...at, ...args.split(' ')]).catch(
    (cause: { stdout: string; stderr: string }) => cause,
  )
  return `${done.stdout}${done.stderr}`
}

peerTest(['git', 'dig', 'kdig'], 'a name that is not there, over UDP and TCP', async () => {
  const server = await start()
  for (const how of ['+notcp', '+tcp']) {
    const said = await ask('kdig', server, `${how} +dnssec nx.${ORIGIN} A`)
    expect(said).toContain('status: NOERROR')
    expect(said).toMatch(/nx\.example\.org\.\s+60\s+IN\s+NSEC\s+\\000\.nx\.example\.org\. .*(NXNAME|TYPE128)/)
    expect(said).toMatch(/nx\.example\.org\.\s+60\s+IN\s+RRSIG\s+NSEC 13 3 60 /)
    const known = await ask('dig', server, `${how} +norec +dnssec +coflag nx.${ORIGIN} A`)
    expect(known).toContain('status: NXDOMAIN')
    expect(known).toMatch(/flags: do co;/)
    expect(await ask('kdig', server, `${how} nx.${ORIGIN} A`)).toContain('status: NXDOMAIN')
    expect(await ask('kdig', server, `${how} +dnssec nx.${ORIGIN} TYPE128`)).toContain(
      'status: FORMERR',
    )
  }
  // What is asked over and over is signed once.
  const text = server.registry.openMetrics()
  expect(text).toMatch(/cairn_dns_online_signatures_total\{result="made"\} 1\n/)
  expect(text).toMatch(/cairn_dns_online_signatures_total\{result="kept"\} 3\n/)
}) // prettier-ignore

peerTest(['git', 'dig'], 'transfers are refused, and the log says why', async () => {
  const server = await start()
  expect(await ask('dig', server, `${ORIGIN} AXFR`)).toContain('; Transfer failed.')
  expect(await ask('dig', server, `+tcp ${ORIGIN} IXFR=0`)).not.toContain('RRSIG')
  expect(server.events.filter((event) => event.includes('transfer-out-refused'))).toHaveLength(2)
})

peerTest(['git', 'dig'], 'neither catalogs nor NOTIFY tell others of it, signed or not yet', async () => {
  const told: string[] = []
  const secondary = createSocket('udp4').on('message', (message, { port, address }) => {
    const decoded = decodeMessage(message)
    if (!decoded.ok) return
    told.push(...decoded.value.questions.map(({ qname }) => formatName(qname)))
    // Response, NOERROR: it is said no more.
    message[2]! |= 0x80
    secondary.send(message, port, address)
  })
  await new Promise<void>((resolve) => void secondary.bind(0, '127.0.0.1', resolve))
  const more = `[notify]
also = ["127.0.0.1:${secondary.address().port}"]
name_servers = false
[[catalog]]
zone = "catalog.test"
`
  const server = await start(more, { 'zones/example.net': ZONE })
  try {
    await until(
      'the others are told',
      () => told.includes('example.net.') && told.includes('catalog.test.'),
    )
    const listed = await ask('dig', server, '+tcp catalog.test AXFR')
    expect(listed).toContain('example.net.')
    expect(listed).not.toContain(`${ORIGIN}.`)
    const before = told.length
    await gitOk(['rm', '-q', 'zones/example.net'], { cwd: server.copy })
    await commit(server.copy, { [`zones/${ORIGIN}`]: ZONE.replace('hostmaster 1', 'hostmaster 2') })
    await gitOk(['push', '-q'], { cwd: server.copy })
    await until('the catalog is told again', () => told.length > before)
    expect(await ask('dig', server, '+tcp catalog.test AXFR')).not.toContain('PTR')
    expect(new Set(told)).toEqual(new Set(['example.net.', 'catalog.test.']))
  } finally {
    secondary.close()
  }
}) // prettier-ignore

peerTest(['git', 'dig'], 'a flood gets SERVFAIL once the budget is spent, what is there goes on', async () => {
  const server = await start('online_signatures = 1')
  const questions = Array.from({ length: 20 }, (_, i) => `n${i}.${ORIGIN} A`)
  const said = await ask('dig', server, `+norec +dnssec +tries=1 ${questions.join(' ')}`)
  expect(said).toContain('status: NOERROR')
  expect(said).toContain('status: SERVFAIL')
  expect(said).toContain('; EDE: 14 (Not Ready)')
  expect(await ask('dig', server, `+norec +dnssec ns.${ORIGIN} A`)).toContain('status: NOERROR')
}) // prettier-ignore
