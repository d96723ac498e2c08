// Network namespaces that a test file makes and takes away, joined by links of their own, and programs inside them. Needs
// root; without it the tests say so and are skipped.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { afterAll, beforeAll, type TestContext } from 'vitest'
import { hasPeer, peerPath, peerTest } from './peers.ts'

/** One end of a link, and its addresses: `10.77.0.1/24`. */
type LinkEnd = readonly [space: string, ...addresses: string[]]

export type Program = { readonly child: ChildProcess; said(): string }

/** Of the links, and of one test. On a busy machine programs take their time. */
const TEST_MS = 240_000

export class Namespaces {
  readonly #peers: readonly string[]
  readonly #missing: string | undefined
  readonly #names: ReadonlyMap<string, string>
  readonly #children: ChildProcess[] = []

  /** `prefix` is two letters that no other file of tests has; device names of the links are `<space><number>`. */
  constructor(
    prefix: string,
    peers: readonly string[],
    links: readonly (readonly [LinkEnd, LinkEnd])[],
  ) {
    this.#peers = ['ip', ...peers]
    const spaces = new Set(links.flat().map(([space]) => space))
    this.#names = new Map([...spaces].map((space) => [space, `${prefix}${space}${process.pid}`]))
    this.#missing = this.#whatIsMissing(prefix)
    if (this.#missing !== undefined) return
    beforeAll(() => this.#make(links))
    afterAll(() => {
      for (const name of this.#names.values()) ip('netns', 'delete', name)
    })
  }

  test(title: string, run: () => Promise<void>): void {
    const asked = async (context: TestContext): Promise<void> => {
      if (this.#missing !== undefined) {
        console.info(`skipped: ${title}: ${this.#missing}`)
        context.skip(this.#missing)
      }
      try {
        await run()
      } finally {
        for (const child of this.#children.splice(0)) await end(child)
      }
    }
    peerTest(this.#peers, title, asked, TEST_MS)
  }

  /** What a program prints; throws when it ends with a fault. */
  inside(space: string, ...command: readonly string[]): string {
    return ip('netns', 'exec', this.#names.get(space)!, ...command)
  }

  /** Ends with the test at the latest. */
  run(space: string, program: string, args: readonly string[]): Program {
    const inSpace = ['netns', 'exec', this.#names.get(space)!, program, ...args]
    const child = spawn(peerPath('ip')!, inSpace)
    this.#children.push(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    return { child, said: () => said }
  }

  /** Each link's devices are `<space><number of the link>`. */
  #make(links: readonly (readonly [LinkEnd, LinkEnd])[]): void {
    for (const name of this.#names.values()) {
      ip('netns', 'add', name)
      ip('-n', name, 'link', 'set', 'lo', 'up')
    }
    for (const [i, ends] of links.entries()) {
      const devices = ends.map(([space]) => [`${space}${i}`, 'netns', this.#names.get(space)!])
      ip('link', 'add', ...devices[0]!, 'type', 'veth', 'peer', 'name', ...devices[1]!)
      for (const [space, ...addresses] of ends) {
        const name = this.#names.get(space)!
        for (const address of addresses) {
          const flags = address.includes(':') ? ['nodad'] : []
          ip('-n', name, 'addr', 'add', address, 'dev', `${space}${i}`, ...flags)
        }
        ip('-n', name, 'link', 'set', `${space}${i}`, 'up')
      }
    }
  }

  #whatIsMissing(prefix: string): string | undefined {
    if (process.getuid?.() !== 0) return 'not root'
    // A program that is missing is `peerTest`'s to say.
    if (!this.#peers.every(hasPeer)) return 'not installed'
    try {
      accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
      ip('netns', 'add', `${prefix}p${process.pid}`)
      ip('netns', 'delete', `${prefix}p${process.pid}`)
      // A namespace that may have no device of its own is of no use.
      readFileSync('/proc/self/net/route')
      return undefined
    } catch (cause) {
      return `no namespaces or no /dev/net/tun here: ${(cause as Error).message.split('\n')[0]}`
    }
  }
}

/** Waits for it; by default it is asked to end. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  child.kill(signal)
  await ended
}

function ip(...args: readonly string[]): string {
  return execFileSync(peerPath('ip')!, [...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
