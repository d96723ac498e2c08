import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { dnsConfig, type DnsConfig } from '../../../../appliances/dns/config.ts'
import { readKeys } from '../../../../appliances/dns/keys-table.ts'
import { decodeConfig } from '../../../../shared/config/decode.ts'
import { formatProblem } from '../../../../shared/result/problem.ts'
import { tempDir } from '../../../support/temp.ts'
import { name } from '../../../support/zones.ts'

const FILE = 'configs/dns.toml'
const example = readFileSync(FILE, 'utf8')

function decode(text: string): DnsConfig {
  const decoded = decodeConfig(text, FILE, dnsConfig)
  if (!decoded.ok) throw new Error(decoded.error.map(formatProblem).join('\n'))
  return decoded.value
}

function problems(text: string): string[] {
  const decoded = decodeConfig(text, FILE, dnsConfig)
  return decoded.ok ? [] : decoded.error.map(formatProblem)
}

describe('configs/dns.toml', () => {
  test('is a good configuration', () => {
    expect(decode(example)).toMatchObject({
      listen: [{ host: '127.0.0.1', port: 5300 }],
      store: { path: 'var/zones.git', serve: { listen: { host: '127.0.0.1', port: 5418 } } },
    })
  })

  test('what is commented out and said to hold anyway does', () => {
    // Each block up to a blank line; "Default: none" means that the key below is an example and not what holds.
    const open = example.split('\n\n').map((block) => {
      if (/none/i.test(block) || block.includes('users =')) return block
      return block.replaceAll(/^# ([a-z_]+ = .*)$/gm, '$1')
    })
    expect(open.join('\n\n')).toContain('\nserial = "raise"')
    expect(open.join('\n\n')).toContain('\nconnections_per_client = 100')
    expect(decode(open.join('\n\n'))).toEqual(decode(example))
  })
})

test('mistakes are named with their place', () => {
  const good = 'listen = ["127.0.0.1:53"]\n[store]\npath = "x"\n'
  expect(problems(good)).toEqual([])
  expect(problems(good.replace('"127.0.0.1:53"', ''))).toEqual([
    'configs/dns.toml:1: listen: Expected at least one "address:port"',
  ])
  expect(problems(good.replace('53"', '"'))[0]).toMatch(
    /^configs\/dns\.toml:1: listen\[0\]: Expected/,
  )
  expect(problems(`serial = "rise"\n${good}`)[0]).toContain(
    'serial: Expected one of "raise", "refuse"',
  )
  expect(problems(`${good}[answers]\nudp_octets = 100\n`)[0]).toContain('from 512 to 4096')
  expect(problems(`${good}[answers]\nidentity = "${'x'.repeat(200)}"\n`)[0]).toContain('128 octets')
  expect(problems(`${good}[tcp]\nidel = "1s"\n`)[0]).toContain('idle')
})

describe('keys', () => {
  const good = 'listen = ["127.0.0.1:53"]\n[store]\npath = "x"\n'
  const key = (lines: string) => `${good}[keys."K.example.org"]\n${lines}`

  test('are read with names in canonical form and addresses as they are compared', () => {
    const { keys } = decode(
      key(
        'secret = "c2VjcmV0"\nupdate = ["Example.ORG."]\nowners = ["*.dyn.example.org"]\ntypes = ["TXT", "TYPE65"]\nsecondary = "2001:DB8:0::1"\n',
      ),
    )
    expect(readKeys(keys)).toEqual([
      {
        name: name('k.example.org.'),
        algorithm: 'hmac-sha256',
        secret: new Uint8Array(Buffer.from('secret')),
        grants: [
          {
            right: 'update',
            zone: name('example.org.'),
            owners: [name('*.dyn.example.org.')],
            types: [16, 65],
          },
        ],
        secondary: '2001:db8::1',
      },
    ])
  })

  test('take their secret from a file', () => {
    const dir = tempDir('keys')
    writeFileSync(join(dir, 'secret'), 'c2VjcmV0\n')
    const { keys } = decode(key(`secret_file = "${dir}/secret"\nnotify = ["."]\n`))
    expect(readKeys(keys)[0]?.secret).toEqual(new Uint8Array(Buffer.from('secret')))
    writeFileSync(join(dir, 'secret'), 'not base64!')
    expect(() => readKeys(keys)).toThrow('is not base64')
    const missing = decode(key(`secret_file = "${dir}/missing"\n`)).keys
    expect(() => readKeys(missing)).toThrow(
      `keys.K.example.org.secret_file: ${dir}/missing: Cannot be read (ENOENT)`,
    )
  })

  test.each([
    ['secret = "hush!"', 'secret: Expected a secret in base64'],
    ['', 'Expected either secret or secret_file'],
    ['secret = "c2VjcmV0"\nsecret_file = "x"', 'Expected either secret or secret_file'],
    ['secret = "c2VjcmV0"\nupdate = ["a..b"]', 'update[0]: Expected a domain name'],
    ['secret = "c2VjcmV0"\ntypes = ["AAAAA"]', 'types[0]: Expected a record type'],
    ['secret = "c2VjcmV0"\nalgorithm = "hmac-md5"', 'algorithm: Expected one of'],
    ['secret = "c2VjcmV0"\n[keys."k.example.ORG."]\nsecret = "c2VjcmV0"', 'A second key'],
  ])('%s is refused', (lines, message) => {
    const [problem] = problems(key(lines))
    expect(problem).toContain(message)
    expect(problem).not.toContain('hush')
  })
})

test('views are named once, and keys name those there are', () => {
  const good = 'listen = ["127.0.0.1:53"]\n[store]\npath = "x"\n'
  const view = (name: string, clients = '["10.0.0.0/8"]'): string =>
    `[[view]]\nname = "${name}"\nclients = ${clients}\n`
  const key = (more: string): string => `[keys.k]\nsecret = "AAAA"\n${more}\n`
  expect(problems(good + view('in') + view('out') + key('view = "in"'))).toEqual([])
  expect(problems(good + view('in') + view('in'))[0]).toContain('This view is there twice')
  expect(problems(good + view('default'))[0]).toContain('it needs no table')
  expect(problems(good + view('a/b'))[0]).toContain('Expected a name of letters')
  expect(problems(good + view('in', '[]'))[0]).toContain('at least one prefix')
  expect(problems(good + view('in', '["10.0.0.1/8"]'))[0]).toContain('clients[0]')
  expect(problems(good + key('view = "in"'))[0]).toContain('keys.k: There is no view "in"')
  const copy = (words: string): string =>
    `[[secondary]]\nzone = "example.org"\nprimaries = [{ address = "192.0.2.1:53" }]\n${words}\n`
  const list = (words: string): string => `[[catalog]]\nzone = "list.example.org"\n${words}\n`
  expect(problems(good + copy('view = "in"'))[0]).toContain('secondary[0]: There is no view "in"')
  expect(problems(good + list('view = "in"'))[0]).toContain('catalog[0]: There is no view "in"')
  expect(
    problems(good + view('in') + copy('view = "in"') + copy('') + list('view = "in"') + list('')),
  ).toEqual([])
  expect(problems(good + view('in') + copy('') + copy('view = "default"'))[0]).toContain(
    'This zone is there twice',
  )
  expect(problems(good + view('in') + list('view = "in"') + list('view = "in"'))[0]).toContain(
    'This catalog is there twice',
  )
  const { view: views, keys } = decode(good + view('in') + key('view = "default"'))
  expect(views.map(({ name: one }) => one)).toEqual(['in'])
  expect(readKeys(keys).map((one) => one.view)).toEqual([''])
})

test('catalogs are named once, and what they list is there for catalogs alone', () => {
  const good = 'listen = ["127.0.0.1:53"]\n[store]\npath = "x"\n'
  const own = '[[catalog]]\nzone = "catalog.test"\n'
  const primaries = 'primaries = [{ address = "192.0.2.1:53" }]\n'
  expect(problems(`${good}${own}groups = { g = ["example.org"] }\n`)).toEqual([])
  expect(problems(good + own + own)[0]).toContain('This catalog is there twice')
  expect(problems(`${good}[[catalog]]\nzone = "."\n`)[0]).toContain('Expected a domain name')
  expect(problems(`${good}${own}groups = { "" = [] }\n`)[0]).toContain('Expected a group')
  const copy = `${good}[[secondary]]\nzone = "c.test"\n${primaries}groups = { g = [] }\n`
  expect(problems(copy).join('\n')).toContain('at least one primary')
  expect(problems(copy.replace('[] }', '[{ address = "192.0.2.2:53" }] }'))[0]).toContain(
    'they need catalog = true',
  )
})
