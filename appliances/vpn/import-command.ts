// The command `import`: a stock server's configuration, printed as ours.
import { readFileSync } from 'node:fs'
import type { Command } from '../../shared/appliance/appliance.ts'
import { EXIT } from '../../shared/cli/cli.ts'
import { decodeConfig } from '../../shared/config/decode.ts'
import { formatProblem } from '../../shared/result/problem.ts'
import { Fatal } from '../../shared/result/result.ts'
import { vpnConfig } from './config.ts'
import { importServer } from './core/options/server-import.ts'

const USAGE = `Usage: cairn-vpn import server.conf > vpn.toml

Prints the configuration for a stock OpenVPN server's one. What has no equal is a comment with its line; what would leave
the gateway less safe, or other than its clients expect, is an error, and then nothing is printed.
`

export const importCommand: Command = {
  summary: 'FILE: print the TOML of a stock server.conf: see "import --help"',
  help: USAGE,
  run(args) {
    const [file = '', ...rest] = args
    if (file === '' || rest.length > 0) {
      process.stderr.write(USAGE)
      return Promise.resolve(EXIT.USAGE)
    }
    const { toml, problems } = importServer(readText(file), file)
    const decoded = decodeConfig(toml, `${file} as TOML`, vpnConfig)
    const wrong = problems.length > 0 || decoded.ok ? problems : decoded.error
    if (wrong.length > 0) {
      process.stderr.write(wrong.map((each) => `${formatProblem(each)}\n`).join(''))
      return Promise.resolve(EXIT.CONFIG)
    }
    process.stdout.write(toml)
    return Promise.resolve(EXIT.OK)
  },
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new Fatal(`${file} cannot be read (${code})`)
  }
}
