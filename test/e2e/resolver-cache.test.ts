// The cache of cairn-resolver from a stop to the next start, and what people see and forget of it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RCODE } from '../../shared/dns/message.ts'
import { askMessage } from '../support/ask-message.ts'
import { peerTest } from '../support/peers.ts'
import { startDns } from '../support/running-dns.ts'
import { startResolver } from '../support/running-resolver.ts'
import { tempDir } from '../support/temp.ts'

const ZONE =
  '$TTL 300\n@ SOA ns host 1 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.80\n'
const OWN = { 'x-cairn-page': '1' }

const config = (file: string, upstream: number): string => `
[[stub]]
zone = "example.org"
servers = ["127.0.0.1:${upstream}"]
[dnssec]
negative = ["example.org"]
[cache]
file = "${file}"
[page]
listen = "127.0.0.1:0"
`

peerTest(
  'git',
  'what was asked before a stop is answered after it, without its servers',
  async () => {
    const file = join(tempDir('cache'), 'own', 'cache')
    const dns = await startDns({ 'zones/example.org': ZONE })
    const before = await startResolver(config(file, dns.port('dns')))
    expect((await askMessage(before.port('dns'), 'www.example.org')).answers).toHaveLength(1)
    expect((await askMessage(before.port('dns'), 'no.example.org')).rcode).toBe(RCODE.NXDOMAIN)
    await before.running.stop()
    await dns.running.stop()

    const after = await startResolver(config(file, 1))
    expect(after.events.join('\n')).toMatch(/cache-loaded .*"answers":\d/)
    const [answer] = (await askMessage(after.port('dns'), 'www.example.org')).answers
    expect(answer!.ttlSeconds).toBeLessThanOrEqual(300)
    expect((await askMessage(after.port('dns'), 'no.example.org')).rcode).toBe(RCODE.NXDOMAIN)
    const url = after.address('http')
    const dump = await (await fetch(`${url}-/cache?name=example.org`)).text()
    expect(dump).toMatch(
      /^; www\.example\.org\. A: data, insecure, for \d+ s more, from 127\.0\.0\.1#\d+\nwww\.example\.org\. \d+ A 192\.0\.2\.80$/m,
    )
    expect(dump).toMatch(/^; no\.example\.org\. A: no such name, /m)
    const flush = `${url}-/api/flush?name=www.example.org`
    const flushed = await fetch(flush, { method: 'POST', headers: OWN })
    expect(await flushed.json()).toEqual({ answers: 1 })
    expect(await (await fetch(`${url}-/cache?name=www.example.org`)).text()).not.toMatch(/A: data/)
    await after.running.stop()
  },
)

test('a damaged file is said, taken away and ignored', async () => {
  const file = join(tempDir('cache'), 'cache')
  const first = await startResolver(config(file, 1))
  await first.running.stop()
  const octets = readFileSync(file)
  octets[octets.length - 1]! ^= 1
  writeFileSync(file, octets)
  const second = await startResolver(config(file, 1))
  expect(second.events.filter((event) => event.startsWith('cache'))).toEqual([
    `cache-not-loaded {"file":"${file}","why":"Is damaged: its sum is another"}`,
  ])
  expect((await askMessage(second.port('dns'), 'localhost')).answers).toHaveLength(1)
  await second.running.stop()
})
