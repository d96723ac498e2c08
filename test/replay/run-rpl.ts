// Plays scenarios in the .rpl format: `node test/replay/run-rpl.ts FILE...` prints one line for each, and ends with 1 when
// one of them fails. See rpl/ for what is played and what is not.
import { readFileSync } from 'node:fs'
import { playScenario } from './rpl/play.ts'
import { parseScenario } from './rpl/scenario.ts'
import { Unsupported } from './rpl/unsupported.ts'

/** `pass`, `fail: why` or `unsupported: what`. */
export function runScenario(text: string): string {
  try {
    const fault = playScenario(parseScenario(text))
    return fault === undefined ? 'pass' : `fail: ${fault}`
  } catch (error) {
    if (error instanceof Unsupported) return `unsupported: ${error.message}`
    throw error
  }
}

if (import.meta.main)
  for (const file of process.argv.slice(2)) {
    const result = runScenario(readFileSync(file, 'utf8'))
    process.stdout.write(`${file}: ${result}\n`)
    if (result.startsWith('fail')) process.exitCode = 1
  }
