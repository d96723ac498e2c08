// cairn-dns as a process of its own on loopback ports, to be killed.
import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './source-tree.ts'

const START_LIMIT_MS = 30_000

export type DnsChild = {
  readonly process: ChildProcess
  readonly port: number
  /** Of its repository. */
  readonly url: string
}

/** With its repository in `folder`, and its configuration too unless that is elsewhere; `under` stands before the command. */
export async function spawnDns(
  folder: string,
  more: string,
  options: {
    readonly store?: string
    readonly under?: readonly string[]
    readonly configIn?: string
  } = {},
): Promise<DnsChild> {
  const config = join(options.configIn ?? folder, 'dns.toml')
  writeFileSync(
    config,
    `listen = ["127.0.0.1:0"]
[store]
path = "${folder}/zones.git"
${options.store ?? ''}
[store.serve]
listen = "127.0.0.1:0"
[observe]
log = { format = "text", level = "info" }
${more}`,
  )
  const main = join(ROOT, 'appliances/dns/main.ts')
  const [command, ...args] = [...(options.under ?? []), process.execPath, main, '--config', config]
  const child = spawn(command!, args)
  return await new Promise((resolve, reject) => {
    let said = ''
    const late = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`not up after ${START_LIMIT_MS / 1000} s: ${said}`))
    }, START_LIMIT_MS)
    const hear = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-10_000)
      const ready = /dns:\/\/127\.0\.0\.1:(\d+) (http:\S+\.git)/.exec(said)
      if (ready === null) return
      clearTimeout(late)
      resolve({ process: child, port: Number(ready[1]), url: ready[2]! })
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('error', reject)
    child.on('exit', () => {
      clearTimeout(late)
      reject(new Error(said))
    })
  })
}

export async function killDns(child: DnsChild, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  const ended = new Promise((done) => child.process.once('exit', done))
  child.process.kill(signal)
  await ended
}
