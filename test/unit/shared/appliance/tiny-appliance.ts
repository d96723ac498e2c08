// The smallest appliance there can be, run as a child process by the tests; its configuration says how it behaves.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { hashPasswordCommand } from '../../../../shared/appliance/hash-password.ts'
import { runAppliance, type ApplianceConfig } from '../../../../shared/appliance/appliance.ts'
import {
  object,
  oneOf,
  string,
  withDefault,
  type Decoder,
} from '../../../../shared/config/decode.ts'
import { observeTable, type ObserveConfig } from '../../../../shared/config/observe-table.ts'
import { sandboxTable, type SandboxConfig } from '../../../../shared/config/sandbox-table.ts'
import { NO_NEEDS } from '../../../../shared/sandbox/needs.ts'
import { problem } from '../../../../shared/result/problem.ts'
import { Fatal } from '../../../../shared/result/result.ts'

const BEHAVIOURS = [
  'fine',
  'fatal-at-start',
  'bug-at-start',
  'slow-start',
  'deaf-start',
  'throws-later',
  'rejects-later',
  'fails-later',
  'hangs-at-stop',
  'throws-at-stop',
  'bad-reload',
  'bug-at-check',
] as const

type TinyConfig = ApplianceConfig & {
  readonly observe: ObserveConfig
  readonly sandbox: SandboxConfig
  readonly behaviour: (typeof BEHAVIOURS)[number]
  readonly content: string
}

const decode: Decoder<TinyConfig> = object({
  behaviour: withDefault(oneOf(...BEHAVIOURS), 'fine'),
  content: withDefault(string, 'good'),
  observe: observeTable,
  sandbox: sandboxTable,
})

let reloads = 0

await runAppliance<TinyConfig>({
  name: 'cairn-tiny',
  version: '1.2.3',
  help: {
    summary: 'Does nothing, visibly.',
    example: 'behaviour = "fine"\n[observe]\nlisten = "127.0.0.1:9153"',
    tryIt: 'curl http://127.0.0.1:9153/status   # how it is',
    readOn: 'the tests',
  },
  decode,
  commands: { 'hash-password': hashPasswordCommand },
  async check(config) {
    if (config.behaviour === 'bug-at-check') throw new Error('a bug in check')
    if (config.content === 'good') return []
    const severity = config.content === 'odd' ? ('warning' as const) : ('error' as const)
    return [
      { ...problem('CNAME and other data', { file: 'zones/example.org', line: 17 }), severity },
    ]
  },
  needs: () => NO_NEEDS,
  async start({ config, log, signal, fail }) {
    const is = (behaviour: TinyConfig['behaviour']): boolean => config.behaviour === behaviour
    if (is('fatal-at-start')) throw new Fatal('The store is somebody else’s')
    if (is('bug-at-start')) throw new Error('a bug in start')
    if (is('deaf-start')) {
      log.info('deaf')
      await new Promise(() => {})
    }
    if (is('slow-start')) {
      log.info('slow')
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    }
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    if (is('throws-later')) {
      setTimeout(() => {
        throw new Error('a bug in a timer')
      }, 20)
    }
    if (is('rejects-later'))
      setTimeout(() => void Promise.reject(new Error('a bug in a promise')), 20)
    if (is('fails-later')) setTimeout(() => fail(new Fatal('The disk is gone')), 20)
    return {
      addresses: ['tcp://127.0.0.1:1'],
      status: () => ({ reloads, zones: [{ name: 'example.org', serial: 7 }] }),
      async reload() {
        if (is('bad-reload')) throw new Error('the remote is away')
        reloads++
      },
      async stop() {
        if (is('hangs-at-stop')) await new Promise(() => {})
        if (is('throws-at-stop')) throw new Error('a bug in stop')
        server.close()
      },
    }
  },
})
