// cairn-vpn as a client of stock OpenVPN: every wrapping, cipher and transport, renegotiation, and what has to be refused.
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { peerTest } from '../support/peers.ts'
import {
  makePki,
  makeStaticKey,
  startVpnClient,
  stockServer,
  waitFor,
  type Pki,
  type StockServer,
} from '../support/running-vpn.ts'

const PEERS = ['openvpn']

const profileOf = (
  server: StockServer,
  transport: 'udp' | 'tcp',
  ...options: readonly string[]
) => [
  'client',
  'dev tun',
  `remote 127.0.0.1 ${server.port} ${transport}4`,
  'auth SHA256',
  'verify-x509-name server name',
  ...options,
]

describe('comes into a stock server', () => {
  for (const wrap of ['none', 'tls-auth', 'tls-crypt', 'tls-crypt-v2'] as const)
    peerTest(
      PEERS,
      `with ${wrap}, by UDP and TCP, with every cipher`,
      async () => {
        const pki = makePki()
        const { options, v2 } = pki.client('laptop')
        const key = makeStaticKey()
        const v2Key = join(pki.path, 'tls-crypt-v2.key')
        const [ofServer, ofClient] = {
          none: [[], []],
          'tls-auth': [[`tls-auth ${key} 0`], [`tls-auth ${key} 1`]],
          'tls-crypt': [[`tls-crypt ${key}`], [`tls-crypt ${key}`]],
          'tls-crypt-v2': [[`tls-crypt-v2 ${v2Key} force-cookie`], [`tls-crypt-v2 ${v2}`]],
        }[wrap] as [string[], string[]]
        for (const [transport, cipher] of [
          ['udp', 'AES-256-GCM'],
          ['tcp', 'CHACHA20-POLY1305'],
          ['udp', 'AES-256-CBC'],
        ] as const) {
          const server = await stockServer(pki, transport, [...ofServer, `data-ciphers ${cipher}`])
          const client = await startVpnClient(
            profileOf(server, transport, ...options, ...ofClient, `data-ciphers ${cipher}`),
          )
          await waitFor(
            () => client.events.some((each) => each.startsWith('connected')),
            server.output,
          )
          expect(client.running.status()).toMatchObject({
            addresses: ['10.9.0.2/24'],
            routes: ['192.168.77.0/24'],
          })
          const sealed = `Data Channel: Cipher '${cipher}'`
          await waitFor(() => server.output().includes(sealed), server.output)
          // The server hears our pings in the data channel: twice as long as it would wait for one.
          await client.running.stop()
          await waitFor(
            () => /Delayed exit|client-instance exiting|Connection reset/.test(server.output()),
            server.output,
          )
          await server.stop()
        }
      },
      120_000,
    )

  peerTest(
    PEERS,
    'and stays while it renegotiates, with TLS 1.2 and 1.3',
    async () => {
      const pki = makePki()
      const { options } = pki.client('laptop')
      const key = makeStaticKey()
      for (const version of ['1.2', '1.3']) {
        const server = await stockServer(pki, 'udp', [
          `tls-crypt ${key}`,
          'reneg-sec 2',
          `tls-version-max ${version}`,
        ])
        const client = await startVpnClient(
          profileOf(server, 'udp', ...options, `tls-crypt ${key}`),
        )
        const handshakes = (): number =>
          server.output().match(new RegExp(`Control Channel: TLSv${version}`, 'g'))?.length ?? 0
        await waitFor(() => handshakes() >= 3, server.output)
        expect(client.events.filter((each) => each.startsWith('disconnected'))).toEqual([])
        expect(server.output()).not.toMatch(/Inactivity timeout|TLS Error|Authenticate\/Decrypt/)
        await client.running.stop()
        await server.stop()
      }
    },
    60_000,
  )

  peerTest(
    PEERS,
    'again, when the server was started anew',
    async () => {
      const pki = makePki()
      const { options } = pki.client('laptop')
      const server = await stockServer(pki, 'tcp', [])
      const client = await startVpnClient(profileOf(server, 'tcp', ...options))
      const count = (event: string): number =>
        client.events.filter((each) => each.startsWith(event)).length
      await waitFor(() => count('connected') === 1, server.output)
      await server.stop()
      await waitFor(
        () => count('disconnected') >= 1,
        () => client.events.join('\n'),
      )
      await waitFor(
        () => count('retry') >= 1,
        () => client.events.join('\n'),
      )
      const again = await stockServer(pki, 'tcp', [`port ${server.port}`])
      await waitFor(() => count('connected') === 2, again.output)
    },
    60_000,
  )
})

describe('does not come in', () => {
  const refused = async (pki: Pki, ofServer: readonly string[], ...ofClient: readonly string[]) => {
    const server = await stockServer(pki, 'udp', ofServer)
    return await startVpnClient(profileOf(server, 'udp', ...ofClient))
  }

  peerTest(
    PEERS,
    'to a server of another name',
    async () => {
      const pki = makePki()
      const server = await stockServer(pki, 'udp', [])
      const wrongName = profileOf(server, 'udp', ...pki.client('laptop').options).map((line) =>
        line.replace('verify-x509-name server', 'verify-x509-name other'),
      )
      const client = await startVpnClient(wrongName)
      const said = (): boolean =>
        client.events.some((each) => each.includes('is for \\"server\\", not for \\"other\\"'))
      await waitFor(said, () => client.events.join('\n'))
      expect(client.events.some((each) => each.startsWith('connected'))).toBe(false)
    },
    60_000,
  )

  peerTest(
    PEERS,
    'to a server of another authority',
    async () => {
      const pki = makePki()
      const client = await refused(pki, [], ...makePki().client('laptop').options)
      const said = (): boolean =>
        client.events.some((each) => each.includes('TLS handshake failed'))
      await waitFor(said, () => client.events.join('\n'))
      expect(client.events.some((each) => each.startsWith('connected'))).toBe(false)
    },
    60_000,
  )

  peerTest(
    PEERS,
    'when the server has no cipher that is allowed here: then it gives up',
    async () => {
      const pki = makePki()
      const { options } = pki.client('laptop')
      const client = await refused(
        pki,
        ['data-ciphers AES-128-GCM'],
        ...options,
        'data-ciphers AES-256-GCM',
      )
      await waitFor(
        () => client.faults.length > 0,
        () => client.events.join('\n'),
      )
      expect(client.faults[0]!.message).toMatch(/no shared cipher/)
    },
    60_000,
  )
})
