// The command line every appliance has, its exit codes (as in sysexits.h), and the help that teaches it.
import { parseArgs } from 'node:util'
import { nearest } from '../config/key-path.ts'
import { err, ok, type Result } from '../result/result.ts'

export const EXIT = { OK: 0, USAGE: 64, FAULT: 70, CONFIG: 78 } as const

export type CommandLine = {
  readonly config?: string
  readonly check: boolean
  readonly version: boolean
  readonly help: boolean
  /** `key.path=value`, in the order given: later ones win. */
  readonly set: readonly string[]
  /** What is no option: a command of the appliance and its arguments. */
  readonly words: readonly string[]
}

/** What an appliance says about itself; the options are added to it. */
export type Help = {
  /** One sentence: `Answers DNS queries from zones that live in a git branch.` */
  readonly summary: string
  /** A small configuration that works as it stands. */
  readonly example: string
  /** A call or two to try against the example, each with a word on what it shows. */
  readonly tryIt: string
  /** Where to read on: the appliance's README, the commented configuration. */
  readonly readOn: string
}

/** The error is a sentence that says what to change. */
export function parseCommandLine(argv: readonly string[]): Result<CommandLine, string> {
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  let config: string | undefined
  const set: string[] = []
  const flags = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    if (!Object.hasOwn(OPTIONS, name)) return err(unknownOption(rawName))
    if (name !== 'config' && name !== 'set') {
      if (value !== undefined) return err(`${rawName} takes no value`)
      flags.add(name)
      continue
    }
    // Without strict parsing `--config --check` would make "--check" the file.
    if (value === undefined || value === '' || (!token.inlineValue && value.startsWith('--'))) {
      return err(`${rawName} needs ${name === 'config' ? 'a file' : 'key.path=value'} after it`)
    }
    if (name === 'set') set.push(value)
    else if (config !== undefined) return err('--config is given twice')
    else config = value
  }
  const [check, version, help] = [flags.has('check'), flags.has('version'), flags.has('help')]
  const line = { check, version, help, set, words: positionals }
  return ok(config === undefined ? line : { ...line, config })
}

/** `commands` by their name and what they do, beside running. */
export function formatHelp(
  name: string,
  help: Help,
  commands: Readonly<{ [name: string]: { readonly summary: string } }>,
): string {
  const rows = (entries: readonly (readonly [string, string])[]): string =>
    entries.map(([left, right]) => `  ${left.padEnd(22)}${right}`).join('\n')
  const words = Object.entries(commands).map(([word, c]) => [word, c.summary] as const)
  return `${help.summary}

Usage: ${name} --config FILE [--set key.path=value]...
       ${name} --config FILE --check
${Object.keys(commands)
  .map((word) => `       ${name} ${word}\n`)
  .join('')}
Options:
${rows(OPTION_HELP)}
${words.length === 0 ? '' : `\nCommands:\n${rows(words)}\n`}
A configuration to start with:
${indent(help.example)}

Try it:
${indent(help.tryIt)}

Signals: SIGTERM and SIGINT end it cleanly; SIGHUP pulls and reloads.
Exit codes: 0 fine, 64 bad usage, 70 a fault of ours, 78 bad configuration or content.

Read on: ${help.readOn}
`
}

function unknownOption(rawName: string): string {
  const known = Object.keys(OPTIONS).map((name) => `--${name}`)
  const near = nearest(rawName, known)
  return `Unknown option ${rawName}${near === undefined ? '' : `; the nearest known one is ${near}`}`
}

function indent(text: string): string {
  return text.trim().replaceAll(/^(?=.)/gm, '  ')
}

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  check: { type: 'boolean' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  set: { type: 'string', multiple: true },
} as const

const OPTION_HELP = [
  ['--config FILE', 'the configuration, in TOML'],
  ['--check', 'look at the configuration and all content it points to, print every problem, end'],
  ['--set key.path=value', 'a value over the one in the file; may be given again and again'],
  ['--version', 'print the version, end'],
  ['--help', 'print this, end'],
] as const
