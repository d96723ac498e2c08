// The command `profile`: what this client makes of an `.ovpn` file, before it connects.
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { formatProblem, hasErrors } from '../../../shared/result/problem.ts'
import { loadProfile } from './profile-file.ts'

const USAGE = `Usage: cairn-vpn profile FILE.ovpn

Prints what in the file is not understood, with its line: warnings are passed over, anything else stops a start. To connect:

  printf '[client]\\nprofile = "FILE.ovpn"\\n[observe]\\n' > client.toml && cairn-vpn --config client.toml
`

export const profileCommand: Command = {
  summary: 'check an .ovpn file: see "profile --help"',
  help: USAGE,
  async run(args) {
    const [file, ...rest] = args
    if (file === undefined || rest.length > 0) {
      process.stderr.write(USAGE)
      return EXIT.USAGE
    }
    const { loaded, problems } = loadProfile(file)
    for (const each of problems) process.stderr.write(`${formatProblem(each)}\n`)
    if (loaded === undefined || hasErrors(problems)) return EXIT.CONFIG
    const remotes = loaded.profile.remotes.map(
      ({ host, port, transport }) => `${transport} ${host} port ${port}`,
    )
    process.stdout.write(`${file}: connects to ${remotes.join(', then ')}\n`)
    return EXIT.OK
  },
}
