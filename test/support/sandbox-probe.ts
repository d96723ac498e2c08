// An appliance that tries, once it is sealed, what a program that was taken over would try: through libc, past Node.
import { readFileSync, writeFileSync } from 'node:fs'
import { dlopen, getInt32, getRawPointer } from 'node:ffi'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { runAppliance, type ApplianceConfig } from '../../shared/appliance/appliance.ts'
import { integer, object, string, type Decoder } from '../../shared/config/decode.ts'
import { observeTable } from '../../shared/config/observe-table.ts'
import { sandboxTable } from '../../shared/config/sandbox-table.ts'

type ProbeConfig = ApplianceConfig & {
  readonly folder: string
  readonly foreign: string
  readonly allowedPort: number
  readonly otherPort: number
}

const decode: Decoder<ProbeConfig> = object({
  folder: string,
  foreign: string,
  allowedPort: integer,
  otherPort: integer,
  observe: observeTable,
  sandbox: sandboxTable,
})

const { functions: libc } = dlopen(null, {
  open: { arguments: ['pointer', 'i32', 'u32'], return: 'i32' },
  execve: { arguments: ['pointer', 'pointer', 'pointer'], return: 'i32' },
  syscall: { arguments: ['i64', 'u64', 'u64', 'u64', 'u64'], return: 'i64' },
  kill: { arguments: ['i32', 'i32'], return: 'i32' },
  __errno_location: { arguments: [], return: 'pointer' },
} as const)

const O_WRONLY_CREAT = 0o101
const PTRACE = process.arch === 'x64' ? 101n : 117n
const CLONE = process.arch === 'x64' ? 56n : 220n
const SIGCHLD = 17n

const errno = (): number => getInt32(libc.__errno_location())
const cString = (text: string): Buffer => Buffer.from(`${text}\0`)

function openByLibc(path: string, flags: number): string {
  const bytes = cString(path)
  return libc.open(getRawPointer(bytes), flags, 0o600) >= 0 ? 'done' : `errno ${errno()}`
}

function settled(
  begin: (done: () => void) => { on(event: 'error', then: (e: Error) => void): unknown },
) {
  return new Promise<string>((resolve) => {
    const one = begin(() => resolve('done'))
    one.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message))
  })
}

/** Not outside the sandbox: there it works, and two of us go on. */
function makeProcess(): string {
  const made = libc.syscall(CLONE, SIGCHLD, 0n, 0n, 0n)
  if (made === 0n) process.abort()
  return made > 0n ? 'done' : `errno ${errno()}`
}

const fatal: { readonly [name: string]: () => void } = {
  exec() {
    const [file, none] = [cString('/bin/true'), new BigUint64Array(1)]
    libc.execve(getRawPointer(file), getRawPointer(none), getRawPointer(none))
  },
  ptrace: () => void libc.syscall(PTRACE, 16n, BigInt(process.ppid), 0n, 0n),
}

let reloads = 0

await runAppliance<ProbeConfig>({
  name: 'cairn-probe',
  version: '0',
  help: { summary: 'Tries things.', example: '', tryIt: '', readOn: 'the tests' },
  decode,
  check: async () => [],
  needs: (config) => ({ read: [], write: [config.folder], connect: [config.allowedPort] }),
  start: async ({ config }) => ({
    addresses: [],
    status: () => ({}),
    async stop() {},
    async reload() {
      const { folder, foreign, allowedPort, otherPort } = config
      const wanted = readFileSync(join(folder, 'attempt'), 'utf8')
      if (wanted !== 'all') {
        fatal[wanted]!()
        return
      }
      const results = {
        'write its state': openByLibc(join(folder, 'mine'), O_WRONLY_CREAT),
        'read a foreign file': openByLibc(foreign, 0),
        'write a foreign file': openByLibc(foreign, O_WRONLY_CREAT),
        'read a foreign environment': openByLibc(`/proc/${process.ppid}/environ`, 0),
        'write itself': openByLibc(process.argv[1]!, O_WRONLY_CREAT),
        'connect where it may': await settled((done) => connect(allowedPort, '127.0.0.1', done)),
        'connect elsewhere': await settled((done) => connect(otherPort, '127.0.0.1', done)),
        'open a door': await settled((done) => createServer().listen(0, '127.0.0.1', done)),
        'make a process': config.sandbox.enabled ? makeProcess() : 'not tried',
        'signal another': libc.kill(process.ppid, 0) === 0 ? 'done' : `errno ${errno()}`,
      }
      writeFileSync(join(folder, `results-${++reloads}`), JSON.stringify(results))
    },
  }),
})
