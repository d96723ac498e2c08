import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readContent } from '../../../../../../appliances/vpn/core/content/gateway-content.ts'
import { revokedSerials } from '../../../../../../appliances/vpn/core/content/revoked-serials.ts'
import { wordsOf } from '../../../../../../appliances/vpn/core/options/option-lines.ts'
import {
  makeCertificate,
  makeRevocationList,
} from '../../../../../../appliances/vpn/core/pki/certificate.ts'
import { formatPrefix } from '../../../../../../shared/net/prefix.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { MemorySnapshot } from '../../../../../support/memory-snapshot.ts'

const problemsOf = (files: { [path: string]: string }): readonly string[] =>
  readContent(MemorySnapshot.of(files)).problems.map(formatProblem)

describe('the branch', () => {
  test('says what each client is given', () => {
    const { content, problems } = readContent(
      MemorySnapshot.of({
        'ccd/laptop': `# by hand
ifconfig-push 10.8.0.50 255.255.255.0
ifconfig-ipv6-push fd00:8::50/64
iroute 192.168.5.0 255.255.255.0
iroute-ipv6 fd00:5::/64
push "route 10.0.0.0 255.0.0.0"
`,
        'ccd/lost': 'disable\n',
      }),
    )
    expect(problems).toEqual([])
    const laptop = content.clients.get('laptop')!
    expect(laptop.networks.map(formatPrefix)).toEqual(['192.168.5.0/24', 'fd00:5::/64'])
    expect([...laptop.ipv4!]).toEqual([10, 8, 0, 50])
    expect(laptop.push).toEqual(['route 10.0.0.0 255.0.0.0'])
    expect(content.clients.get('lost')!.isDisabled).toBe(true)
  })

  test.each([
    [
      { 'ccd/x': 'disable\nifconfig-push 10.8.0 255.255.255.0\n' },
      'ccd/x:2: ifconfig-push: expected an IPv4 address, found "10.8.0"',
    ],
    [
      { 'ccd/x': '\nscript-security 2\n' },
      'ccd/x:2: script-security: is not known in a file for one client',
    ],
    [{ 'ccd/x': 'push "a,b"\n' }, 'ccd/x:1: push: a comma would end the option'],
    [{ 'ccd/x': 'push "route\n' }, 'ccd/x:1: A double quote that does not end'],
    [
      { 'ccd/x': 'iroute 192.168.5.1 255.255.255.0\n' },
      'ccd/x:1: iroute: expected a network and its mask',
    ],
    [
      { 'ccd/x': 'ifconfig-push 10.8.0.9\n', 'ccd/y': 'ifconfig-push 10.8.0.9\n' },
      'ccd/y: The same address as in ccd/x',
    ],
    [
      { 'users.toml': 'bob = "secret"\n' },
      'users.toml:1: bob: expected what "cairn-vpn hash-password" prints',
    ],
    [{ 'users.toml': 'bob = \n' }, 'users.toml:1: '],
    [{ 'crl.pem': 'nothing' }, 'crl.pem:1: Expected a certificate revocation list in PEM form'],
  ])('is refused with its place: %j', (files, expected) => {
    const problems = problemsOf(files as unknown as { [path: string]: string })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(expected)
  })
})

test('words are told apart as OpenVPN does it', () => {
  expect(wordsOf(`push "route 10.0.0.0" 'it''s' a\\ b # not this`)).toEqual([
    'push',
    'route 10.0.0.0',
    'its',
    'a b',
  ])
  expect(wordsOf('a#b ;c')).toEqual(['a#b'])
  expect(wordsOf('"say \\"hi\\""')).toEqual(['say "hi"'])
  expect(wordsOf("push 'x")).toBe('A single quote that does not end')
  expect(wordsOf('a\\')).toBe('A backslash at the end of the line')
})

test('what an authority of ours makes is what OpenSSL takes it for', () => {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const client = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = { commonName: 'Test authority', key: authority.privateKey }
  const times = { notBeforeMs: Date.UTC(2026, 0, 1), notAfterMs: Date.UTC(2055, 0, 1) }
  const ca = new X509Certificate(
    makeCertificate(
      {
        ...times,
        purpose: 'authority',
        commonName: 'Test authority',
        serial: Uint8Array.of(1),
        publicKey: authority.publicKey,
      },
      signer,
    ),
  )
  const leaf = new X509Certificate(
    makeCertificate(
      {
        ...times,
        purpose: 'client',
        commonName: 'grün',
        serial: Uint8Array.of(0xff, 2),
        publicKey: client.publicKey,
      },
      signer,
    ),
  )
  expect(ca.ca).toBe(true)
  expect(
    ca.verify(
      createPublicKey(
        createPrivateKey(authority.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      ),
    ),
  ).toBe(true)
  expect(leaf.checkIssued(ca)).toBe(true)
  expect(leaf.verify(authority.publicKey)).toBe(true)
  expect([leaf.ca, leaf.subject, leaf.keyUsage]).toEqual([false, 'CN=grün', ['1.3.6.1.5.5.7.3.2']])
  expect(leaf.validToDate.getTime()).toBe(times.notAfterMs)
  expect(leaf.checkPrivateKey(client.privateKey)).toBe(true)
  const list = makeRevocationList([{ serial: Uint8Array.of(0xff, 2), atMs: 0 }], 7, 0, 1, signer)
  expect([...revokedSerials(list)!]).toEqual([leaf.serialNumber])
  expect([...revokedSerials(makeRevocationList([], 1, 0, 1, signer))!]).toEqual([])
})

test('a list that is cut short or is none has no serials, and does no harm', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const list = makeRevocationList([{ serial: Uint8Array.of(5), atMs: 0 }], 1, 0, 1, {
    commonName: 'x',
    key: privateKey,
  })
  const der = Buffer.from(list.replaceAll(/-----[^-]+-----/g, ''), 'base64')
  for (let length = 0; length < der.length; length += 3) {
    const cut = der.subarray(0, length).toString('base64')
    expect(
      revokedSerials(`-----BEGIN X509 CRL-----\n${cut}\n-----END X509 CRL-----\n`),
    ).toBeUndefined()
  }
  expect(revokedSerials('nothing')).toBeUndefined()
})
