// What a person reads when a configuration is wrong: every problem, each at its line.
import { describe, expect, test } from 'vitest'
import {
  boolean,
  checked,
  decodeConfig,
  duration,
  durationBetween,
  endpoint,
  integer,
  integerBetween,
  list,
  object,
  oneOf,
  optional,
  parsed,
  record,
  secret,
  section,
  size,
  string,
  url,
  urlWith,
  withDefault,
  type Decoder,
} from '../../../../shared/config/decode.ts'
import { formatProblem } from '../../../../shared/result/problem.ts'

function problems(text: string, decoder: Decoder<unknown>, overrides: string[] = []): string[] {
  const decoded = decodeConfig(text, 'configs/dns.toml', decoder, overrides)
  return decoded.ok ? [] : decoded.error.map(formatProblem)
}

function value<T>(text: string, decoder: Decoder<T>, overrides: string[] = []): T {
  const decoded = decodeConfig(text, 'configs/dns.toml', decoder, overrides)
  if (!decoded.ok) throw new Error(decoded.error.map(formatProblem).join('\n'))
  return decoded.value
}

const server = object({
  listen: list(endpoint),
  workers: withDefault(integerBetween(1, 64), 2),
  limitPush: optional(size),
  store: object({ path: string, pull: withDefault(durationBetween(1_000, 3_600_000), 60_000) }),
  log: section(object({ format: withDefault(oneOf('text', 'json'), 'text') })),
})

describe('a good configuration', () => {
  test('fields are camelCase, absent ones take their defaults or stay absent', () => {
    const text =
      'listen = ["127.0.0.1:53", "[::1]:53"]\nlimit_push = "64 MB"\n[store]\npath = "z.git"\n'
    const config = value(text, server)
    expect(config).toEqual({
      listen: [
        { host: '127.0.0.1', port: 53 },
        { host: '::1', port: 53 },
      ],
      workers: 2,
      limitPush: 64_000_000,
      store: { path: 'z.git', pull: 60_000 },
      log: { format: 'text' },
    })
    expect('limitPush' in value(text.replace(/limit.*\n/, ''), server)).toBe(false)
  })

  test('a record keeps names that objects know as their own', () => {
    const users = value(
      '[users]\nconstructor = "a"\n__proto__ = "b"\n',
      object({ users: record(string) }),
    )
    expect(Object.entries(users.users)).toEqual([
      ['constructor', 'a'],
      ['__proto__', 'b'],
    ])
    expect(Object.getPrototypeOf(users.users)).toBeNull()
    expect(users.users['toString']).toBeUndefined()
  })
})

describe('problems', () => {
  test('all of them at once, in the order of the file, with line and key', () => {
    const text = [
      '# dns',
      'listen = [',
      '  "127.0.0.1:53",',
      '  "x",',
      '  53,',
      ']',
      'wrokers = 3',
      '[store]',
      'path = ""',
      'pull = "0s"',
      'pul = 1',
      'colour = "red"',
      '[log]',
      'format = "xml"',
    ].join('\n')
    expect(problems(text, server)).toEqual([
      'configs/dns.toml:4: listen[1]: Expected "address:port", found "x"',
      'configs/dns.toml:5: listen[2]: Expected "address:port", found 53',
      'configs/dns.toml:7: wrokers: Unknown key; the nearest known key is "workers"',
      'configs/dns.toml:9: store.path: Expected a string, found ""',
      'configs/dns.toml:10: store.pull: Expected a duration from "1s" to "1h", found "0s"',
      'configs/dns.toml:11: store.pul: Unknown key; the nearest known key is "pull"',
      'configs/dns.toml:12: store.colour: Unknown key; the keys here are path, pull',
      'configs/dns.toml:14: log.format: Expected "text" or "json", found "xml"',
    ])
  })

  test('a missing key is reported at the table it belongs in', () => {
    expect(problems('listen = []\n\n[store]\n', server)).toEqual([
      'configs/dns.toml:3: store.path: Missing; expected a string',
    ])
    expect(problems('', server)).toEqual([
      'configs/dns.toml: listen: Missing; expected a list, each entry "address:port"',
      'configs/dns.toml: store: Missing; expected a table',
    ])
  })

  test('keys of inline tables and arrays of tables have their own lines', () => {
    const zones = object({
      zone: list(object({ name: string, tls: optional(object({ cert: string })) })),
    })
    const text = '[[zone]]\nname = "a"\ntls = {\n  cert = 1 }\n[[zone]]\nname = 2\n'
    expect(problems(text, zones)).toEqual([
      'configs/dns.toml:4: zone[0].tls.cert: Expected a string, found 1',
      'configs/dns.toml:6: zone[1].name: Expected a string, found 2',
    ])
  })

  test('broken TOML is one problem with its line', () => {
    expect(problems('a = 1\nb = "x\n', server)).toEqual([
      'configs/dns.toml:2: The string is not closed',
    ])
    expect(problems('a = 1\na = 2\n', server)[0]).toMatch(
      /^configs\/dns.toml:2: Trying to redefine/,
    )
    expect(problems('a = 08\n', server)[0]).toMatch(/^configs\/dns.toml:1: Illegal leading zero/)
  })

  test('long values are cut, secret ones not shown', () => {
    const [long] = problems(`listen = ["${'y'.repeat(500)}"]\n[store]\npath = "z"`, server)
    expect(long!.length).toBeLessThan(150)
    const hash = object({ key: secret(parsed('a key', () => undefined)) })
    expect(problems('key = "hunter2"', hash)).toEqual(['configs/dns.toml:1: key: Expected a key'])
  })

  test('a check of the whole value reports at the key it names', () => {
    const range = checked(object({ low: integer, high: integer }), (r, at) => {
      if (r.low > r.high) at.inside('low').report('Expected low below high')
    })
    expect(problems('low = 2\nhigh = 1', range)).toEqual([
      'configs/dns.toml:1: low: Expected low below high',
    ])
  })
})

describe('values', () => {
  const one = <T>(decoder: Decoder<T>, written: string): T | string => {
    const decoded = decodeConfig(`v = ${written}`, 'f', object({ v: decoder }))
    return decoded.ok ? (decoded.value as { v: T }).v : decoded.error[0]!.message
  }

  test.each([
    ['"60s"', 60_000],
    ['"1h30m"', 5_400_000],
    ['"250ms"', 250],
    ['"1.5 s"', 1_500],
    ['"2d"', 172_800_000],
    ['"0s"', 0],
    ['60', 'Expected a duration such as "60s", found 60'],
    ['"60"', 'Expected a duration such as "60s", found "60"'],
    ['"-1s"', 'Expected a duration such as "60s", found "-1s"'],
    [`"${'1s'.repeat(100_000)}"`, `Expected a duration such as "60s", found "${'1s'.repeat(30)}…"`],
    ['"1y"', 'Expected a duration such as "60s", found "1y"'],
    ['"99999999999999999d"', 'Expected a duration such as "60s", found "99999999999999999d"'],
  ])('duration %s', (written, expected) => {
    expect(one(duration, written)).toBe(expected)
  })

  test.each([
    ['"64 MB"', 64_000_000],
    ['"64MiB"', 67_108_864],
    ['"1.5 kB"', 1_500],
    ['"512 B"', 512],
    ['"64"', 'Expected a size such as "64 MB", found "64"'],
    ['"64 M"', 'Expected a size such as "64 MB", found "64 M"'],
  ])('size %s', (written, expected) => {
    expect(one(size, written)).toBe(expected)
  })

  test.each([
    ['"0.0.0.0:0"', { host: '0.0.0.0', port: 0 }],
    ['"[fe80::1%eth0]:53"', { host: 'fe80::1%eth0', port: 53 }],
    ['"::1:53"', 'Expected "address:port", found "::1:53"'],
    ['"localhost:53"', 'Expected "address:port", found "localhost:53"'],
    ['"127.0.0.1"', 'Expected "address:port", found "127.0.0.1"'],
    ['"127.0.0.1:65536"', 'Expected "address:port", found "127.0.0.1:65536"'],
    ['"127.0.0.256:1"', 'Expected "address:port", found "127.0.0.256:1"'],
    ['"[127.0.0.1]:1"', 'Expected "address:port", found "[127.0.0.1]:1"'],
    ['"[1::2::3]:1"', 'Expected "address:port", found "[1::2::3]:1"'],
  ])('endpoint %s', (written, expected) => {
    expect(one(endpoint, written)).toEqual(expected)
  })

  test('others', () => {
    expect(one(boolean, '"yes"')).toBe('Expected true or false, found "yes"')
    expect(one(boolean, 'false')).toBe(false)
    expect(one(integer, '1.5')).toBe('Expected a whole number, found 1.5')
    expect(one(integerBetween(1, 9), '10')).toBe('Expected a whole number from 1 to 9, found 10')
    expect(one(integer, '1979-05-27')).toBe('Expected a whole number, found a date')
    expect(one(string, '[1]')).toBe('Expected a string, found a list')
    expect(one(object({}), '1979-05-27')).toBe('Expected a table, found a date')
    expect(String(one(url, '"https://a.example/x"'))).toBe('https://a.example/x')
    expect(one(urlWith('udp', 'tcp'), '"http://a"')).toBe(
      'Expected a URL that begins with "udp://" or "tcp://", found "http://a"',
    )
    expect(one(oneOf('a', 'b', 'c'), '1')).toBe('Expected one of "a", "b", "c", found 1')
  })
})

describe('values from the command line', () => {
  const text = 'listen = ["127.0.0.1:53"]\n[store]\npath = "z.git"\n'

  test('lie over those of the file; TOML where it is TOML, a string otherwise', () => {
    const config = value(text, server, [
      'workers=4',
      'store.path=var/zones.git',
      'listen=["[::1]:1"]',
    ])
    expect(config.workers).toBe(4)
    expect(config.store.path).toBe('var/zones.git')
    expect(config.listen).toEqual([{ host: '::1', port: 1 }])
    expect(value(text, server, ['listen[1]="[::1]:1"', 'listen[0]=127.0.0.2:7']).listen).toEqual([
      { host: '127.0.0.2', port: 7 },
      { host: '::1', port: 1 },
    ])
    expect(value(text, server, ['log.format=json', 'store.path="a=b"']).store.path).toBe('a=b')
  })

  test('problems with them have no place in the file', () => {
    expect(problems(text, server, ['workers=0', 'stor.path=x'])).toEqual([
      'stor: Unknown key; the nearest known key is "store"',
      'workers: Expected a whole number from 1 to 64, found 0',
    ])
    expect(problems(text, server, ['store.pull=3'])).toEqual([
      'store.pull: Expected a duration from "1s" to "1h", found 3',
    ])
  })

  test('text that is no override, or does not fit the file, is refused by its own words', () => {
    expect(
      problems(text, server, ['workers', 'listen[7]=x', 'store.path.x=1', 'listen.a=1']),
    ).toEqual([
      '--set workers: Expected "key.path=value", found "workers"',
      '--set listen[7]=x: listen has only 1 entries',
      '--set store.path.x=1: store.path is not a table',
      '--set listen.a=1: listen is not a table',
    ])
    expect(problems(text, server, ['a..b=1', '.a=1', '=1', 'a.=1'])).toHaveLength(4)
  })

  test('a key that goes on for ever is refused at once', () => {
    expect(problems(text, server, ['a'.repeat(50_000), `${'a.'.repeat(40_000)}=1`])).toHaveLength(2)
    expect(problems(text, server, ['a'.repeat(200_000)])[0]).toMatch(/Is longer than/)
  })

  test('a value with a newline cannot bring other keys along', () => {
    expect(value(text, server, ['store.path=1\nworkers = 9']).store.path).toBe('1\nworkers = 9')
  })

  test('__proto__ is a key like any other: unknown', () => {
    expect(problems(text, server, ['__proto__.polluted=1'])[0]).toMatch(/^__proto__: Unknown key/)
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
  })
})
