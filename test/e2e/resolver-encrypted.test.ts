// Encrypted both ways: clients ask the resolver over TLS and HTTPS, and it asks its forwarder over TLS.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { freePort } from '../../tools/running.ts'
import { makeCertificate } from '../support/certificate.ts'
import { hasPeer, peerPath, peerTest } from '../support/peers.ts'
import { startDns, type RunningDns } from '../support/running-dns.ts'
import type { RunningAppliance } from '../support/running-appliance.ts'
import { startResolver } from '../support/running-resolver.ts'
import { tempDir } from '../support/temp.ts'

const NEEDED = ['git', 'openssl']
const ZONE =
  '$TTL 300\n@ SOA ns host 1 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.80\n'

let dns: RunningDns
let resolver: RunningAppliance
let strict: RunningAppliance

beforeAll(async () => {
  if (!NEEDED.every(hasPeer)) return
  const { cert, key } = makeCertificate(tempDir('encrypted'), 'resolver')
  const files = `cert = ${JSON.stringify(cert)}\nkey = ${JSON.stringify(key)}\n`
  const tls = `[tls]\nlisten = ["127.0.0.1:0"]\n${files}`
  dns = await startDns({ 'zones/example.org': ZONE }, tls)
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
})

afterAll(async () => {
  await resolver?.running.stop()
  await strict?.running.stop()
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

  peerTest([...NEEDED, 'kdig'], 'what was answered is counted', async () => {
    await kdig(resolver.port('dns'), 'no.example.org')
    expect(resolver.registry.openMetrics()).toMatch(
      /cairn_resolver_answers_total\{.*rcode="NXDOMAIN".*\} 1\n/,
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
