// One manager's session with the management interface, as stock OpenVPN 2.6 speaks it: a line in, lines out. What
// stock asks a manager for (passwords, client-auth, holds) this gateway decides itself, and says so.
import { parseEndpoint } from '../../../../shared/net/endpoint.ts'
import { wordsOf } from '../options/option-lines.ts'
import { bytecountNotice } from './client-notice.ts'
import type { ClientReport } from './client-report.ts'
import { HELP } from './help.ts'
import type { History } from './history.ts'
import { statusReport } from './status-report.ts'

export type ManagerSignal = 'SIGHUP' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2'

/** What a manager may see and do. */
export interface ManagedGateway {
  /** `OpenVPN 2.6.0 ...`. */
  readonly title: string
  readonly pid: number
  /** Lines `time,flags,text`. */
  readonly log: History
  /** Lines `time,state,...`. */
  readonly states: History
  clients(): readonly ClientReport[]
  /** Octets of all clients since the start. */
  totals(): { readonly received: number; readonly sent: number }
  /** Sends away whoever is meant with `text` as the last word; how many they were. */
  dismiss(isMeant: (client: ClientReport) => boolean, text: string): number
  signal(name: ManagerSignal): void
  timeText(ms: number): string
}

/** `reply` for the manager; `ends` with it. */
export type ManagerOutput = { readonly reply: readonly string[]; readonly ends?: true }

export const GREETING = ">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info"

const BYTECOUNT_LIMIT_SECONDS = 86_400

export class Manager {
  readonly #gateway: ManagedGateway
  #hasLog = false
  #hasStates = false
  #bytecountMs = 0
  #bytecountAtMs = Infinity
  /** What was said last of each client. */
  #counted = new Map<number, string>()

  constructor(gateway: ManagedGateway) {
    this.#gateway = gateway
  }

  /** Whether it wants lines of this kind as they come. */
  wants(kind: 'log' | 'state'): boolean {
    return kind === 'log' ? this.#hasLog : this.#hasStates
  }

  command(line: string, nowMs: number): ManagerOutput {
    const words = wordsOf(line)
    if (typeof words === 'string') return error(words)
    const [name, ...args] = words
    if (name === undefined) return { reply: [] }
    const [needed, run] = (Object.hasOwn(COMMANDS, name) && COMMANDS[name]) || [0, undefined]
    if (run === undefined) return error("unknown command, enter 'help' for more options")
    if (args.length < needed) return error(`the '${name}' command requires ${countOf(name)}`)
    return run(this, args, nowMs)
  }

  /** Byte counts that have come due. */
  tick(nowMs: number): readonly string[] {
    if (nowMs < this.#bytecountAtMs) return []
    this.#bytecountAtMs = nowMs + this.#bytecountMs
    const counted = new Map<number, string>()
    const lines: string[] = []
    for (const client of this.#gateway.clients()) {
      const line = bytecountNotice(client)
      counted.set(client.id, line)
      if (this.#counted.get(client.id) !== line) lines.push(line)
    }
    this.#counted = counted
    return lines
  }

  status(version: string | undefined, nowMs: number): ManagerOutput {
    if (version !== undefined && !/^[1-3]$/.test(version))
      return error('bad status format version number')
    const { title } = this.#gateway
    const facts = {
      title,
      clients: this.#gateway.clients(),
      nowMs,
      timeText: (ms: number): string => this.#gateway.timeText(ms),
    }
    return { reply: statusReport(Number(version ?? 1) as 1 | 2 | 3, facts) }
  }

  about(): ManagerOutput {
    const { title } = this.#gateway
    return { reply: [`OpenVPN Version: ${title}`, 'Management Version: 5', 'END'] }
  }

  help(): ManagerOutput {
    return { reply: [`Management Interface for ${this.#gateway.title}`, ...HELP, 'END'] }
  }

  pid(): ManagerOutput {
    return success(`pid=${this.#gateway.pid}`)
  }

  loadStats(): ManagerOutput {
    const { received, sent } = this.#gateway.totals()
    const count = this.#gateway.clients().length
    return success(`nclients=${count},bytesin=${received},bytesout=${sent}`)
  }

  /** `log` and `state`: real-time on or off, and what was. */
  recall(kind: 'log' | 'state', args: readonly string[]): ManagerOutput {
    const history = kind === 'log' ? this.#gateway.log : this.#gateway.states
    const [first, second] = args
    if (first === undefined) return { reply: [...history.last(1), 'END'] }
    const isSwitch = first === 'on' || first === 'off'
    const asked = isSwitch ? second : first
    const count = asked === undefined ? undefined : countFrom(asked)
    if (asked !== undefined && count === undefined)
      return error(`${kind} parameter must be 'on' or 'off' or some number n or 'all'`)
    const lines = count === undefined ? [] : [...history.last(count), 'END']
    if (!isSwitch) return { reply: lines }
    if (kind === 'log') this.#hasLog = first === 'on'
    else this.#hasStates = first === 'on'
    const said = `SUCCESS: real-time ${kind} notification set to ${first.toUpperCase()}`
    return { reply: [said, ...lines] }
  }

  bytecount(text: string, nowMs: number): ManagerOutput {
    if (!/^\d{1,6}$/.test(text) || Number(text) > BYTECOUNT_LIMIT_SECONDS)
      return error(`bytecount takes 0 to ${BYTECOUNT_LIMIT_SECONDS} seconds`)
    this.#bytecountMs = Number(text) * 1000
    this.#bytecountAtMs = this.#bytecountMs === 0 ? Infinity : nowMs + this.#bytecountMs
    this.#counted.clear()
    return success('bytecount interval changed')
  }

  kill(whom: string): ManagerOutput {
    if (parseEndpoint(whom) !== undefined) {
      const count = this.#gateway.dismiss(({ realAddress }) => realAddress === whom, 'RESTART')
      return count === 0
        ? error(`client at address ${whom} not found`)
        : success(`${count} client(s) at address ${whom} killed`)
    }
    const count = this.#gateway.dismiss(({ commonName }) => commonName === whom, 'RESTART')
    return count === 0
      ? error(`common name '${whom}' not found`)
      : success(`common name '${whom}' found, ${count} client(s) killed`)
  }

  clientKill(id: string, text: string | undefined): ManagerOutput {
    // What it is told must be one message.
    // oxlint-disable-next-line no-control-regex
    const isWhole = text === undefined || /^[^\u0000-\u001f\u007f]{1,900}$/.test(text)
    const count = isWhole
      ? this.#gateway.dismiss((client) => String(client.id) === id, text ?? 'RESTART')
      : 0
    return count === 0
      ? error('client-kill command failed')
      : success('client-kill command succeeded')
  }

  signal(name: string): ManagerOutput {
    if (!isSignal(name)) return error(`signal '${name}' is not a known signal type`)
    this.#gateway.signal(name)
    return success(`signal ${name} thrown`)
  }

  hold(asked: string | undefined): ManagerOutput {
    if (asked === undefined) return success('hold=0')
    if (asked === 'release') return success('hold release succeeded')
    if (asked === 'off') return success('hold flag set to OFF')
    return error('this gateway holds nothing back; there is hold off and hold release')
  }
}

type Run = (manager: Manager, args: readonly string[], nowMs: number) => ManagerOutput

/** How many words each needs, and what it does. */
const COMMANDS: { readonly [name: string]: readonly [needed: number, run: Run] } = {
  status: [0, (manager, [version], nowMs) => manager.status(version, nowMs)],
  // With a number a manager says what it speaks: no answer.
  version: [0, (manager, [spoken]) => (spoken === undefined ? manager.about() : { reply: [] })],
  pid: [0, (manager) => manager.pid()],
  help: [0, (manager) => manager.help()],
  state: [0, (manager, args) => manager.recall('state', args)],
  log: [1, (manager, args) => manager.recall('log', args)],
  bytecount: [1, (manager, [seconds], nowMs) => manager.bytecount(seconds!, nowMs)],
  kill: [1, (manager, [whom]) => manager.kill(whom!)],
  'client-kill': [1, (manager, [id, text]) => manager.clientKill(id!, text)],
  'load-stats': [0, (manager) => manager.loadStats()],
  hold: [0, (manager, [asked]) => manager.hold(asked)],
  signal: [1, (manager, [name]) => manager.signal(name!)],
  quit: [0, () => ({ reply: [], ends: true })],
  exit: [0, () => ({ reply: [], ends: true })],
}

/** In stock's words. */
function countOf(name: string): string {
  return name === 'log' || name === 'client-kill' ? 'at least 1 parameter' : '1 parameter'
}

function countFrom(text: string): number | undefined {
  if (text === 'all') return Infinity
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : undefined
}

function isSignal(name: string): name is ManagerSignal {
  return name === 'SIGHUP' || name === 'SIGTERM' || name === 'SIGUSR1' || name === 'SIGUSR2'
}

function success(text: string): ManagerOutput {
  return { reply: [`SUCCESS: ${text}`] }
}

function error(text: string): ManagerOutput {
  return { reply: [`ERROR: ${text}`] }
}
