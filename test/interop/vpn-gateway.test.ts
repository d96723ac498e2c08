// cairn-vpn as a gateway of stock OpenVPN clients: every wrapping, cipher and transport, and what has to be refused.
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { peerTest } from '../support/peers.ts'
import {
  makePki,
  makeStaticKey,
  startVpn,
  stockClient,
  waitFor,
  type RunningVpn,
} from '../support/running-vpn.ts'
import { firstPush } from '../support/working-copy.ts'

const PEERS = ['openvpn', 'git']
const UP = 'Initialization Sequence Completed'

const remote = (vpn: RunningVpn, transport: 'udp' | 'tcp'): string =>
  `remote 127.0.0.1 ${vpn.port(transport)} ${transport === 'udp' ? 'udp4' : 'tcp4-client'}`

describe('stock clients come in', () => {
  for (const wrap of ['none', 'tls-auth', 'tls-crypt', 'tls-crypt-v2'] as const)
    peerTest(
      PEERS,
      `with ${wrap}, by UDP and TCP, with every cipher`,
      async () => {
        const pki = makePki()
        const { options, v2 } = pki.client('laptop')
        const staticKey = makeStaticKey()
        const keys = {
          none: '',
          'tls-auth': `tls_auth = ${JSON.stringify(staticKey)}`,
          'tls-crypt': `tls_crypt = ${JSON.stringify(staticKey)}`,
          'tls-crypt-v2': `tls_crypt_v2 = ${JSON.stringify(join(pki.path, 'tls-crypt-v2.key'))}`,
        }[wrap]
        const wrapOption = {
          none: [],
          'tls-auth': [`tls-auth ${staticKey} 1`],
          'tls-crypt': [`tls-crypt ${staticKey}`],
          'tls-crypt-v2': [`tls-crypt-v2 ${v2}`],
        }[wrap]
        const more = `[security]
ciphers = ["AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-256-CBC"]
force_cookie = ${wrap === 'tls-crypt-v2'}
`
        const vpn = await startVpn(pki, keys, more)
        const base = [
          'remote-cert-tls server',
          'verify-x509-name server name',
          ...options,
          ...wrapOption,
        ]
        for (const [transport, cipher] of [
          ['udp', 'AES-256-GCM'],
          ['udp', 'CHACHA20-POLY1305'],
          ['tcp', 'AES-128-GCM'],
          ['udp', 'AES-256-CBC'],
        ] as const) {
          const client = stockClient([remote(vpn, transport), ...base, `data-ciphers ${cipher}`])
          await client.until(UP)
          // What is said after that may be written a moment later.
          await client.until(new RegExp(`Data Channel: cipher '${cipher}'`))
          await client.stop()
        }
        expect(vpn.events.filter((event) => event.startsWith('client-connected'))).toHaveLength(4)
      },
      120_000,
    )

  peerTest(
    PEERS,
    'with TLS 1.2, and renegotiate under way',
    async () => {
      const pki = makePki()
      const { options, v2 } = pki.client('laptop')
      const keys = `tls_crypt_v2 = ${JSON.stringify(join(pki.path, 'tls-crypt-v2.key'))}`
      const more = '[security]\nrenegotiate = "3s"\n[keepalive]\nping = "1s"\nrestart = "30s"\n'
      const vpn = await startVpn(pki, keys, more)
      const client = stockClient([
        remote(vpn, 'udp'),
        ...options,
        `tls-crypt-v2 ${v2}`,
        'tls-version-max 1.2',
      ])
      await client.until(UP)
      expect(client.output()).toMatch(/Control Channel: TLSv1\.2/)
      // The first handshake and two more.
      const handshakes = (): number =>
        client.output().match(/Control Channel: TLSv1\.2/g)?.length ?? 0
      await waitFor(() => handshakes() >= 3, client.output)
      expect(vpn.running.status()).toMatchObject({ clients: { count: 1 } })
      expect(client.output()).not.toMatch(/error/i)
    },
    60_000,
  )
})

describe('those who must stay out', () => {
  peerTest(
    PEERS,
    'a revoked certificate: at once when the list is pushed, and ever after',
    async () => {
      const pki = makePki()
      const { options, v2 } = pki.client('laptop')
      const keys = `tls_crypt_v2 = ${JSON.stringify(join(pki.path, 'tls-crypt-v2.key'))}`
      const vpn = await startVpn(pki, keys)
      const client = stockClient([remote(vpn, 'udp'), ...options, `tls-crypt-v2 ${v2}`])
      await client.until(UP)
      await firstPush(vpn.storeUrl, { 'crl.pem': pki.folder.revoke('laptop', Date.now()) })
      // Gone before the push is answered.
      expect(vpn.running.status()).toMatchObject({ clients: { count: 0 } })
      await client.until('AUTH_FAILED')
      const again = stockClient([remote(vpn, 'udp'), ...options, `tls-crypt-v2 ${v2}`])
      await waitFor(() => vpn.events.some((event) => event.includes('revoked')), again.output)
      expect(again.output()).not.toContain(UP)
    },
    60_000,
  )

  peerTest(
    PEERS,
    'a client that is switched off in its file, while another is not',
    async () => {
      const pki = makePki()
      const [alice, bob] = [pki.client('alice'), pki.client('bob')]
      const keys = `tls_crypt_v2 = ${JSON.stringify(join(pki.path, 'tls-crypt-v2.key'))}`
      const vpn = await startVpn(pki, keys)
      await firstPush(vpn.storeUrl, { 'ccd/bob': 'disable\n' })
      const off = stockClient([remote(vpn, 'udp'), ...bob.options, `tls-crypt-v2 ${bob.v2}`])
      await off.until('AUTH_FAILED')
      const fine = stockClient([remote(vpn, 'udp'), ...alice.options, `tls-crypt-v2 ${alice.v2}`])
      await fine.until(UP)
    },
    60_000,
  )

  peerTest(
    PEERS,
    'whoever has not our tls-crypt key, without any answer',
    async () => {
      const pki = makePki()
      const { options } = pki.client('laptop')
      const vpn = await startVpn(pki, `tls_crypt = ${JSON.stringify(makeStaticKey())}`)
      const silent = stockClient([remote(vpn, 'udp'), ...options, `tls-crypt ${makeStaticKey()}`])
      await silent.until('UDPv4 link remote')
      await waitFor(() => vpn.registry.openMetrics().includes('reason="forged"'), silent.output)
      expect(silent.output()).not.toContain('Initial packet from')
    },
    60_000,
  )
})
