import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { dnsConfig, type DnsConfig } from '../../../../appliances/dns/config.ts'
import { decodeConfig } from '../../../../shared/config/decode.ts'
import { formatProblem } from '../../../../shared/result/problem.ts'

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
