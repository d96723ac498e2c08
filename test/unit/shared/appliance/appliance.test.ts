// The life of an appliance, seen from outside: a child process, its exit codes, its output and its signals.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parsePasswordHash } from '../../../../shared/auth/password-hash.ts'
import { peerPath, peerTest } from '../../../support/peers.ts'
import { tempDir } from '../../../support/temp.ts'

const TINY = join(import.meta.dirname, 'tiny-appliance.ts')
const folder = tempDir('appliance')
const children = new Set<ChildProcessWithoutNullStreams>()

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

let files = 0
function config(text: string): string {
  const file = join(folder, `${files++}.toml`)
  writeFileSync(file, text)
  return file
}

class Tiny {
  readonly child: ChildProcessWithoutNullStreams
  readonly exited: Promise<number | null>
  out = ''
  err = ''

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const nodeArgs = ['--disable-warning=ExperimentalWarning', TINY, ...args]
    this.child = spawn(process.execPath, nodeArgs, { env: { ...process.env, ...env } })
    children.add(this.child)
    this.child.stdout.on('data', (d: Buffer) => (this.out += d.toString()))
    this.child.stderr.on('data', (d: Buffer) => (this.err += d.toString()))
    this.exited = new Promise((resolve) => this.child.on('close', resolve))
  }

  async seen(event: string): Promise<{ [field: string]: unknown }> {
    for (const end = Date.now() + 45_000; ;) {
      const found = this.events().find((e) => e['event'] === event)
      if (found !== undefined) return found
      if (Date.now() > end) throw new Error(`no "${event}" in ${this.out}${this.err}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  events(): { [field: string]: unknown }[] {
    return this.out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { [field: string]: unknown })
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal)
    return await this.exited
  }
}

async function result(
  args: readonly string[],
  input?: string,
): Promise<[number | null, string, string]> {
  const tiny = new Tiny(args)
  tiny.child.stdin.end(input)
  const code = await tiny.exited
  return [code, tiny.out, tiny.err]
}

const OBSERVED = '[observe]\nlisten = "127.0.0.1:0"\n'

describe.concurrent('without running', () => {
  test('--help teaches, --version says', async () => {
    const [code, help, err] = await result(['--help'])
    expect([code, err]).toEqual([0, ''])
    for (const part of [
      'Does nothing, visibly.\n',
      'Usage: cairn-tiny --config FILE',
      '--set key.path=value',
      '  hash-password ',
      '  behaviour = "fine"\n  [observe]\n',
      'curl http://127.0.0.1:9153/status',
      'SIGHUP',
      'Exit codes: 0 fine, 64',
      'Read on: the tests',
    ]) {
      expect(help).toContain(part)
    }
    expect(await result(['--version'])).toEqual([0, 'cairn-tiny 1.2.3\n', ''])
  })

  test.each([
    [['--confg', 'x'], 'Unknown option --confg; the nearest known one is --config'],
    [['--frobnicate'], 'Unknown option --frobnicate'],
    [['--config'], '--config needs a file after it'],
    [['--config', '--check'], '--config needs a file after it'],
    [['--config', 'a', '--config', 'b'], '--config is given twice'],
    [['--check=yes'], '--check takes no value'],
    [['--set'], '--set needs key.path=value after it'],
    [['hash-pasword'], 'Unknown command "hash-pasword"; the nearest known one is "hash-password"'],
    [[], 'Which configuration? Give --config FILE'],
  ])('bad usage %j is 64', async (args, sentence) => {
    const [code, out, err] = await result(args)
    expect([code, out]).toEqual([64, ''])
    expect(err).toBe(`cairn-tiny: ${sentence}\nTry: cairn-tiny --help\n`)
  })

  test('a bad configuration is 78, with every problem on its line', async () => {
    const file = config('behavior = "fine"\n[observe]\nlisten = "x"\n')
    expect(await result(['--config', file])).toEqual([
      78,
      '',
      `${file}:1: behavior: Unknown key; the nearest known key is "behaviour"\n` +
        `${file}:3: observe.listen: Expected "address:port", found "x"\n`,
    ])
    expect(await result(['--config', `${file}.not`])).toEqual([
      78,
      '',
      `${file}.not: Cannot be read (ENOENT)\n`,
    ])
    expect((await result(['--config', folder]))[2]).toBe(`${folder}: Cannot be read (EISDIR)\n`)
    const binary = join(folder, 'binary.toml')
    writeFileSync(binary, Buffer.from([0x61, 0xff]))
    expect((await result(['--config', binary]))[2]).toBe(`${binary}: Is not UTF-8 text\n`)
    writeFileSync(binary, Buffer.alloc(1_000_001))
    expect((await result(['--config', binary]))[2]).toBe(
      `${binary}: Is larger than 1000000 bytes\n`,
    )
    expect((await result(['--config', config(''), '--set', 'behaviour=odd']))[0]).toBe(78)
  })

  test('--check looks at the content too: fine, warnings, errors, a bug', async () => {
    const file = config('')
    const check = (...set: string[]): Promise<[number | null, string, string]> =>
      result(['--config', file, '--check', ...set.flatMap((s) => ['--set', s])])
    expect(await check()).toEqual([0, `${file}: fine, and so is what it points to\n`, ''])
    const [code, , warning] = await check('content=odd')
    expect([code, warning]).toEqual([0, 'zones/example.org:17: warning: CNAME and other data\n'])
    expect(await check('content=bad')).toEqual([
      78,
      '',
      'zones/example.org:17: CNAME and other data\n',
    ])
    const [bug, , report] = await check('behaviour=bug-at-check')
    expect(bug).toBe(70)
    expect(report).toContain('a bug in check')
  })

  test('hash-password prints a hash that can be configured', async () => {
    const [code, out] = await result(['hash-password'], 'hunter2\nnext line\n')
    expect(code).toBe(0)
    expect(parsePasswordHash(out.trim())).toBeDefined()
    expect((await result(['hash-password'], '\n'))[0]).toBe(64)
  })
})

describe.concurrent('running', () => {
  test('says ready with addresses; shows metrics, health and status; ends with 0', async () => {
    const tiny = new Tiny(['--config', config(OBSERVED)])
    const ready = await tiny.seen('ready')
    expect(ready).toMatchObject({ level: 'info', version: '1.2.3' })
    const [tcp, status] = String(ready['addresses']).split(' ')
    expect(tcp).toBe('tcp://127.0.0.1:1')
    const base = status!.replace('/status', '')
    const get = async (path: string, headers = {}): Promise<[number, string]> => {
      const response = await fetch(base + path, { headers })
      return [response.status, await response.text()]
    }
    expect(await get('/healthz')).toEqual([200, 'ready\n'])
    const [, metrics] = await get('/metrics')
    expect(metrics).toMatch(/\ncairn_build_info\{name="cairn-tiny",version="1.2.3",node="26/)
    expect(metrics).toMatch(/\nprocess_cpu_seconds_total 0?\.?\d/)
    expect(metrics).toContain('cairn_log_events_total{level="info",event="ready"} 1\n')
    expect(metrics.endsWith('# EOF\n')).toBe(true)
    const json = JSON.parse((await get('/status?format=json'))[1]) as object
    expect(json).toMatchObject({
      name: 'cairn-tiny',
      version: '1.2.3',
      phase: 'ready',
      detail: { reloads: 0, zones: [{ name: 'example.org', serial: 7 }] },
    })
    const accepted = await get('/status', { accept: 'application/json' })
    expect(JSON.parse(accepted[1])).toMatchObject({ phase: 'ready' })
    expect((await get('/status'))[1]).toContain(
      'detail:\n  reloads: 0\n  zones:\n    - name: example.org\n      serial: 7\n',
    )
    expect((await get('/other'))[0]).toBe(404)
    expect((await fetch(`${base}/metrics`, { method: 'DELETE' })).status).toBe(405)
    expect((await fetch(`${base}/metrics`, { method: 'POST', body: 'x' })).status).toBe(413)
    // 70 would say that the stop had to be cut short.
    expect(await tiny.end()).toBe(0)
    expect(tiny.events().map((e) => e['event'])).toEqual([
      expect.stringMatching(/^sandbox(?:-incomplete)?$/),
      'ready',
      'stopping',
      'stopped',
    ])
    expect(tiny.err).toBe('')
  })

  test('Ctrl-C ends it as well', async () => {
    const tiny = new Tiny(['--config', config('')])
    await tiny.seen('ready')
    expect(await tiny.end('SIGINT')).toBe(0)
  })

  test('SIGHUP reloads; one that fails is logged and changes nothing', async () => {
    const tiny = new Tiny(['--config', config(OBSERVED)])
    await tiny.seen('ready')
    tiny.child.kill('SIGHUP')
    await tiny.seen('reloaded')
    expect(await tiny.end()).toBe(0)
    const failing = new Tiny(['--config', config('behaviour = "bad-reload"')])
    await failing.seen('ready')
    failing.child.kill('SIGHUP')
    expect(await failing.seen('reload-failed')).toMatchObject({ why: 'the remote is away' })
    expect(await failing.end()).toBe(0)
  })

  test('--set lies over the file, log in text when asked', async () => {
    const file = config('[observe.log]\nformat = "json"\n')
    const set = ['observe.log.format=text', 'observe.log.level=warn', 'sandbox.enabled=false']
    const tiny = new Tiny(['--config', file, ...set.flatMap((s) => ['--set', s])])
    for (let i = 0; i < 500 && !tiny.out.includes('\n'); i++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(tiny.out).toMatch(/^\S+Z warn {2}sandbox-off why=".*"\n$/)
    expect(await tiny.end()).toBe(0)
  })

  test('syslog gets the log too, to the last line', async () => {
    const collector = createSocket('udp4')
    const received: string[] = []
    collector.on('message', (m) => received.push(m.toString()))
    await new Promise<void>((resolve) => collector.bind(0, '127.0.0.1', resolve))
    const to = `udp://127.0.0.1:${collector.address().port}`
    const tiny = new Tiny(['--config', config(`[observe.log]\nsyslog = "${to}"\n`)])
    await tiny.seen('ready')
    expect(await tiny.end()).toBe(0)
    const events = received.map((m) => / - (\S+)/.exec(m)?.[1])
    collector.close()
    expect(events.slice(1)).toEqual(['ready', 'stopping', 'stopped'])
    expect(received[1]).toMatch(/^<30>1 \S+Z \S+ cairn-tiny \d+ ready - ready addresses=/)
  })
})

describe.concurrent('going wrong', () => {
  test.each([
    ['fatal-at-start', 78, 'cannot-go-on', 'The store is somebody else’s'],
    ['bug-at-start', 70, 'fault', 'a bug in start'],
    ['throws-later', 70, 'fault', 'a bug in a timer'],
    ['rejects-later', 70, 'fault', 'a bug in a promise'],
    ['fails-later', 78, 'cannot-go-on', 'The disk is gone'],
  ])('%s ends with %d and says why', async (behaviour, code, event, text) => {
    const tiny = new Tiny(['--config', config(`behaviour = "${behaviour}"`)])
    expect(await tiny.exited).toBe(code)
    const report = tiny.events().find((e) => e['event'] === event)
    expect(report?.['level']).toBe('error')
    expect(JSON.stringify(report)).toContain(text)
  })

  test('an address in use is 78 and named', async () => {
    const first = new Tiny(['--config', config(OBSERVED)])
    const port = /:(\d+)\/status/.exec(String((await first.seen('ready'))['addresses']))![1]!
    const second = new Tiny(['--config', config(OBSERVED.replace(':0"', `:${port}"`))])
    expect(await second.exited).toBe(78)
    expect(await second.seen('cannot-go-on')).toMatchObject({
      why: `Cannot listen on 127.0.0.1:${port}: another program listens there already`,
    })
  })

  test('a stop that hangs is cut short, and no success', async () => {
    const tiny = new Tiny(['--config', config('behaviour = "hangs-at-stop"')])
    await tiny.seen('ready')
    expect(await tiny.end()).toBe(70)
    await tiny.seen('stop-timeout')
  })

  test('a second signal does not wait', async () => {
    const tiny = new Tiny(['--config', config('behaviour = "hangs-at-stop"')])
    await tiny.seen('ready')
    tiny.child.kill('SIGINT')
    await tiny.seen('stopping')
    expect(await tiny.end('SIGINT')).toBe(70)
    expect(tiny.events().map((e) => e['event'])).not.toContain('stop-timeout')
  })

  test('a stop that fails is a fault', async () => {
    const tiny = new Tiny(['--config', config('behaviour = "throws-at-stop"')])
    await tiny.seen('ready')
    expect(await tiny.end()).toBe(70)
  })

  test('a start can be stopped, whether it listens or not', async () => {
    const slow = new Tiny(['--config', config('behaviour = "slow-start"')])
    await slow.seen('slow')
    expect(await slow.end()).toBe(0)
    const deaf = new Tiny(['--config', config(`behaviour = "deaf-start"\n${OBSERVED}`)])
    await deaf.seen('deaf')
    expect(await deaf.end()).toBe(0)
  })
})

describe('systemd', () => {
  const RECEIVE = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace('@', chr(0), 1) if sys.argv[1].startswith('@') else sys.argv[1])
print('bound', flush=True)
for _ in range(2): print(s.recv(100).decode(), flush=True)
`
  for (const socket of [join(folder, 'notify'), `@cairn-test-${process.pid}`]) {
    peerTest('python3', `is told READY=1 and STOPPING=1 over ${socket[0]}...`, async () => {
      const receiver = spawn(peerPath('python3')!, ['-c', RECEIVE, socket])
      children.add(receiver)
      let heard = ''
      receiver.stdout.on('data', (d: Buffer) => (heard += d.toString()))
      const over = new Promise((resolve) => receiver.on('close', resolve))
      while (!heard.includes('bound')) await new Promise((resolve) => setTimeout(resolve, 10))
      const tiny = new Tiny(['--config', config('')], { NOTIFY_SOCKET: socket })
      await tiny.seen('ready')
      expect(await tiny.end()).toBe(0)
      await over
      expect(heard).toBe('bound\nREADY=1\nSTOPPING=1\n')
    })
  }

  test('a socket nobody holds is logged and no reason to stop', async () => {
    const tiny = new Tiny(['--config', config('')], { NOTIFY_SOCKET: join(folder, 'nobody') })
    await tiny.seen('notify-refused')
    expect(await tiny.end()).toBe(0)
  })
})
