// Encrypted both ways: clients ask the resolver over TLS and HTTPS, and it asks its forwarders over both.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, vi } from 'vitest'
import { freePort } from '../../tools/running.ts'
import { makeCertificate } from '../support/certificate.ts'
import { hasPeer, peerPath, peerTest } from '../support/peers.ts'
import { startDns, type RunningDns } from '../support/running-dns.ts'
import type { RunningAppliance } from '../support/running-appliance.ts'
import { startResolver } from '../support/running-resolver.ts'
import { tempDir } from '../support/temp.ts'

const COUNTED_MS = 10_000
const NEEDED = ['git', 'openssl']
const ZONE =
  '$TTL 300\n@ SOA ns host 1 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.80\n'

let dns: RunningDns
let resolver: RunningAppliance
let strict: RunningAppliance
let overHttps: RunningAppliance
let otherHttps: RunningAppliance

beforeAll(async () => {
  if (!NEEDED.every(hasPeer)) return
  const { cert, key } = makeCertificate(tempDir('encrypted'), 'resolver')
  const files = `cert = ${JSON.stringify(cert)}\nkey = ${JSON.stringify(key)}\n`
  // What a system does that trusts this certificate.
  setDefaultCACertificates([...getCACertificates(), readFileSync(cert, 'utf8')])
  const tls = `[tls]\nlisten = ["127.0.0.1:0"]\n${files}`
  const https = `[https]\nlisten = ["127.0.0.1:0"]\n${files}`
  dns = await startDns({ 'zones/example.org': ZONE }, `${tls}${https}`)
  const byHttps = (url: string) => `[[forward]]
zone = "example.org"
servers = ["127.0.0.1:${dns.port('https')}"]
https = "${url}"
[dnssec]
negative = ["example.org"]
`
  const forward = (name: string) => `[[forward]]
zone = "example.org"
servers = ["127.0.0.1:${dns.port('tls')}"]
tls = "${name}"
[dnssec]
negative = ["example.org"]
`
  const here = async (table: string) =>
    `[${table}]\nlisten = ["127.0.0.1:${await freePort()}"]\n${files}`
  const discovery = '[discovery]\nname = "resolver.test"\n'
  resolver = await startResolver(
    `${forward('*')}${await here('tls')}${await here('https')}${discovery}`,
  )
  strict = await startResolver(forward('dns.example'))
  overHttps = await startResolver(byHttps('https://resolver.test/dns-query'))
  otherHttps = await startResolver(byHttps('https://dns.example/dns-query'))
})

afterAll(async () => {
  await resolver?.running.stop()
  await strict?.running.stop()
  await overHttps?.running.stop()
  await otherHttps?.running.stop()
  await dns?.running.stop()
})

describe('encrypted', () => {
  peerTest(
    [...NEEDED, 'kdig'],
    'over TLS, answered by a forwarder that is asked over TLS',
    async () => {
      const said = await kdig(resolver.port('tls'), '+tls', 'www.example.org')
      expect(said).toMatch(/www\.example\.org\.\s+\d+\s+IN\s+A\s+192\.0\.2\.80/)
      expect(resolver.running.status()).toMatchObject({
        servers: [{ server: `tls 127.0.0.1#${dns.port('tls')}` }],
      })
    },
  )

  peerTest([...NEEDED, 'kdig'], 'over HTTPS, from the cache and later', async () => {
    const cached = await kdig(resolver.port('https'), '+https', 'www.example.org')
    expect(cached).toMatch(/IN\s+A\s+192\.0\.2\.80/)
    const fresh = await kdig(resolver.port('https'), '+https', 'ns.example.org')
    expect(fresh).toMatch(/IN\s+A\s+192\.0\.2\.1\n/)
  })

  peerTest([...NEEDED, 'kdig'], 'by a forwarder that is asked over HTTPS', async () => {
    const said = await kdig(overHttps.port('dns'), 'www.example.org')
    expect(said).toMatch(/IN\s+A\s+192\.0\.2\.80/)
    expect(await kdig(overHttps.port('dns'), 'no.example.org')).toContain('NXDOMAIN')
    const at = `127.0.0.1#${dns.port('https')}`
    expect(overHttps.running.status()).toMatchObject({
      servers: [{ server: `https resolver.test/dns-query ${at}` }],
    })
  })

  peerTest([...NEEDED, 'kdig'], 'a name that is not in its certificate is refused', async () => {
    expect(await kdig(otherHttps.port('dns'), 'www.example.org')).toContain('SERVFAIL')
  })

  peerTest([...NEEDED, 'kdig'], 'what was answered is counted', async () => {
    await kdig(resolver.port('dns'), 'no.example.org')
    // Counts are handed over once a second.
    await vi.waitFor(
      () =>
        expect(resolver.registry.openMetrics()).toMatch(
          /cairn_resolver_answers_total\{.*rcode="NXDOMAIN".*\} 1\n/,
        ),
      COUNTED_MS,
    )
  })

  peerTest([...NEEDED, 'kdig'], 'by plain DNS a client hears where to ask', async () => {
    const said = await kdig(resolver.port('dns'), '_dns.resolver.arpa', 'SVCB')
    expect(said).toContain(`port=${resolver.port('https')}`)
    expect(said).toContain(`port=${resolver.port('tls')}`)
  })

  peerTest(
    [...NEEDED, 'kdig'],
    'a forwarder with the certificate of another is not believed',
    async () => {
      expect(await kdig(strict.port('dns'), 'www.example.org')).toContain('SERVFAIL')
    },
  )
})

async function kdig(port: number, ...args: readonly string[]): Promise<string> {
  const at = ['@127.0.0.1', '-p', String(port), '+timeout=10', '+retry=0']
  return (await promisify(execFile)(peerPath('kdig')!, [...at, ...args])).stdout
}
