// The command `explain`: resolves one question with an empty cache and prints the whole way as a tree.
import { parseArgs } from 'node:util'
import type { Command } from '../../shared/appliance/appliance.ts'
import { EXIT } from '../../shared/cli/cli.ts'
import { systemClock } from '../../shared/clock/clock.ts'
import { decodeConfig } from '../../shared/config/decode.ts'
import { RCODE } from '../../shared/dns/message.ts'
import { canonicalName, parseName } from '../../shared/dns/name.ts'
import { typeNumber } from '../../shared/dns/record-types.ts'
import { readTextFile } from '../../shared/files/text-file.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { Fatal } from '../../shared/result/result.ts'
import { resolverConfig, type ResolverConfig } from './config.ts'
import { formatAnswer, formatTraceEvent } from './core/trace-text.ts'
import { anchorPoints, validatorOf } from './dnssec-table.ts'
import { Engine } from './engine.ts'
import { machineOptions } from './machine-options.ts'

const HELP = `usage: cairn-resolver explain [--config FILE] NAME [TYPE]

Resolves NAME (type A by default) in this process, with an empty cache, and prints who was asked and what came back.
--config FILE takes stub zones, forwards, root hints and limits from there. Ends with 0 for an answer, 1 for none.
`

/** A configuration with everything by default; nothing is listened on. */
const DEFAULTS = 'listen = ["127.0.0.1:0"]\n[observe]\n'
const EXIT_NO_ANSWER = 1

export const explainCommand: Command = {
  summary: 'Resolves one question and prints the whole way',
  help: HELP,
  run: explain,
}

async function explain(args: readonly string[]): Promise<number> {
  const asked = readArguments(args)
  if (asked === undefined) {
    process.stderr.write(HELP)
    return EXIT.USAGE
  }
  const config = readConfig(asked.config)
  const points = anchorPoints(config.dnssec, Math.floor(systemClock.wallMs() / 1000))
  const validator = validatorOf(config.dnssec, points)
  const engine = new Engine(machineOptions(config), systemClock, validator)
  try {
    // The pending timers alone do not keep a process alive.
    const alive = setInterval(() => {}, 1000)
    const { qname, qtype } = asked
    const trace = {
      event: (depth: number, event: Parameters<typeof formatTraceEvent>[1]) =>
        void process.stdout.write(`${formatTraceEvent(depth, event)}\n`),
    }
    const answer = await engine.ask({ qname, qtype, checkingDisabled: false }, trace)
    clearInterval(alive)
    process.stdout.write(`\n${formatAnswer(answer)}\n`)
    return answer.rcode === RCODE.SERVFAIL ? EXIT_NO_ANSWER : EXIT.OK
  } finally {
    engine.close()
  }
}

function readArguments(args: readonly string[]):
  | {
      readonly qname: ReturnType<typeof canonicalName>
      readonly qtype: number
      readonly config: string | undefined
    }
  | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string' } },
    })
    const [text, type = 'A', ...rest] = positionals
    const name = text === undefined ? undefined : parseName(text)
    const qtype = typeNumber(type)
    if (name?.ok !== true || qtype === undefined || rest.length > 0) return undefined
    return { qname: canonicalName(name.value), qtype, config: values.config }
  } catch {
    // An option that is not known: the usage says which ones are.
    return undefined
  }
}

/** Throws `Fatal` with what is wrong. */
function readConfig(file: string | undefined): ResolverConfig {
  const text = file === undefined ? DEFAULTS : readText(file)
  const decoded = decodeConfig(text, file ?? 'defaults', resolverConfig)
  if (decoded.ok) return decoded.value
  throw new Fatal(decoded.error.map(formatProblem).join('\n'))
}

function readText(file: string): string {
  const text = readTextFile(file)
  if (!text.ok) throw new Fatal(`${file}: ${text.error}`)
  return text.value
}
