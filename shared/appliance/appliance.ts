// An appliance from its command line to its exit code: help, configuration, check, and the run itself.
import { readFileSync, statSync } from 'node:fs'
import { EXIT, formatHelp, parseCommandLine, type CommandLine, type Help } from '../cli/cli.ts'
import type { Clock } from '../clock/clock.ts'
import { decodeConfig, type Decoder } from '../config/decode.ts'
import { nearest } from '../config/key-path.ts'
import type { ObserveConfig } from '../config/observe-table.ts'
import type { SandboxConfig } from '../config/sandbox-table.ts'
import type { Log } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { formatProblem, hasErrors, problem, type Problem } from '../result/problem.ts'
import { err, Fatal, type Result } from '../result/result.ts'
import { confine } from '../sandbox/confine.ts'
import { joinNeeds, type SandboxNeeds } from '../sandbox/needs.ts'
import { deniedAccess } from './denied-access.ts'
import { liveUntilStopped } from './lifecycle.ts'

/** What the frame itself reads from every configuration. */
export type ApplianceConfig = { readonly observe: ObserveConfig; readonly sandbox: SandboxConfig }

export type Appliance<C extends ApplianceConfig> = {
  /** `cairn-dns`. */
  readonly name: string
  readonly version: string
  readonly help: Help
  readonly decode: Decoder<C>
  /** For `--check`: everything wrong with the content the configuration points to. Changes nothing. */
  check(config: C): Promise<readonly Problem[]>
  /** What it needs of files and the network from `start` on, for the sandbox. */
  needs(config: C): SandboxNeeds
  /** Opens everything; resolves when it serves. Throws `Fatal` with a sentence when it cannot. */
  start(context: Context<C>): Promise<Running>
  readonly commands?: { readonly [word: string]: Command }
}

/** A word on the command line instead of a run: `cairn-dns hash-password`. */
export type Command = {
  readonly summary: string
  /** For `--help` behind the word. */
  readonly help?: string
  /** All that stands behind the word, options too. Gives the exit code. */
  run(args: readonly string[]): Promise<number>
}

export type Context<C> = {
  readonly config: C
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  /** Aborts when the appliance is asked to stop, also while it is still starting. */
  readonly signal: AbortSignal
  /** A part can no longer do its work: logs, and ends the process with 70 (78 for a `Fatal`). */
  readonly fail: (error: Error) => void
}

export type Running = {
  /** For the `ready` line: `udp://127.0.0.1:53`, `http://127.0.0.1:5418/zones.git`. */
  readonly addresses: readonly string[]
  /** For /status: plain data. */
  status(): unknown
  /** SIGHUP. What it throws is logged; the appliance goes on as it was. */
  reload(): Promise<void>
  /** Drains and closes, within four seconds. */
  stop(): Promise<void>
}

/** A configuration larger than this is not one. */
export const CONFIG_LIMIT_BYTES = 1_000_000

/** Runs to the end of the process; never resolves before that. */
export async function runAppliance<C extends ApplianceConfig>(
  appliance: Appliance<C>,
  argv: readonly string[] = process.argv.slice(2),
): Promise<void> {
  // A reader of our output that leaves (`cairn-dns --help | head`) is no fault.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  process.exit(await run(appliance, argv))
}

async function run<C extends ApplianceConfig>(
  appliance: Appliance<C>,
  argv: readonly string[],
): Promise<number> {
  const { name, version } = appliance
  const commands = appliance.commands ?? {}
  const [first = '', ...rest] = argv
  if (Object.hasOwn(commands, first)) return await runCommand(name, commands[first]!, rest)
  const line = parseCommandLine(argv)
  if (!line.ok) return badUsage(name, line.error)
  const { help, version: isVersionAsked, words, config: file } = line.value
  if (help) return say(formatHelp(name, appliance.help, commands))
  if (isVersionAsked) return say(`${name} ${version}\n`)
  const [word, ...args] = words
  try {
    if (word !== undefined) {
      const command = Object.hasOwn(commands, word) ? commands[word] : undefined
      return command === undefined
        ? badUsage(name, unknownWord(word, Object.keys(commands)))
        : await command.run(args)
    }
    if (file === undefined) return badUsage(name, 'Which configuration? Give --config FILE')
    const config = readConfig(file, appliance.decode, line.value)
    if (!config.ok) return complain(config.error)
    if (line.value.check) return await check(appliance, config.value, file)
    const needs = joinNeeds(
      { read: [file], write: [], connect: observePorts(config.value.observe) },
      appliance.needs(config.value),
    )
    const confinement = await confine(config.value.sandbox, needs)
    return await liveUntilStopped(appliance, config.value, confinement)
  } catch (cause) {
    return complainOf(name, cause)
  }
}

async function runCommand(
  name: string,
  command: Command,
  args: readonly string[],
): Promise<number> {
  const isHelpAsked = args.includes('--help') || args.includes('-h')
  if (isHelpAsked) return say(command.help ?? `${command.summary}\n`)
  try {
    return await command.run(args)
  } catch (cause) {
    return complainOf(name, cause)
  }
}

async function check<C extends ApplianceConfig>(
  appliance: Appliance<C>,
  config: C,
  file: string,
): Promise<number> {
  const problems = await appliance.check(config)
  if (problems.length > 0) complain(problems)
  if (hasErrors(problems)) return EXIT.CONFIG
  return say(`${file}: fine, and so is what it points to\n`)
}

function readConfig<C>(
  file: string,
  decoder: Decoder<C>,
  line: CommandLine,
): Result<C, readonly Problem[]> {
  try {
    if (statSync(file).size > CONFIG_LIMIT_BYTES) {
      return err([problem(`Is larger than ${CONFIG_LIMIT_BYTES} bytes`, { file })])
    }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
    return decodeConfig(text, file, decoder, line.set)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      return err([problem('Is not UTF-8 text', { file })])
    }
    if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) {
      return err([problem(`Cannot be read (${code})`, { file })])
    }
    throw cause
  }
}

/** Metrics that are pushed by TCP need a way out. */
function observePorts({ influx }: ObserveConfig): readonly number[] {
  return influx?.protocol === 'tcp:' ? [Number(influx.port)] : []
}

function say(text: string): number {
  process.stdout.write(text)
  return EXIT.OK
}

function complain(problems: readonly Problem[]): number {
  process.stderr.write(problems.map((p) => `${formatProblem(p)}\n`).join(''))
  return EXIT.CONFIG
}

function badUsage(name: string, sentence: string): number {
  process.stderr.write(`${name}: ${sentence}\nTry: ${name} --help\n`)
  return EXIT.USAGE
}

/** For what ends a command or a check; a run in progress has a log for that. */
function complainOf(name: string, cause: unknown): number {
  const fatal = cause instanceof Fatal ? cause : deniedAccess(cause)
  if (fatal !== undefined) {
    process.stderr.write(`${name}: ${fatal.message}\n`)
    return EXIT.CONFIG
  }
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  process.stderr.write(`${name}: A fault of ours, please report it: ${text}\n`)
  return EXIT.FAULT
}

function unknownWord(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return `Unknown command "${word}"${near === undefined ? '' : `; the nearest known one is "${near}"`}`
}
