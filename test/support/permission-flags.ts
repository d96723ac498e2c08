// Node's permission flags of cairn-dns as its README gives them to who runs it without native code: the one list that
// documents and tests are held to.
import { readSource } from './source-tree.ts'

export const UNIT_FILE = 'configs/systemd/cairn-dns.service'
const README_FILE = 'appliances/dns/README.md'

/** Where the unit has what a test puts elsewhere. */
export const UNIT_PLACES = {
  bundle: '/usr/lib/cairn/cairn-dns.mjs',
  config: '/etc/cairn',
  state: '/var/lib/cairn-dns',
  remote: '/srv/git/zones.git',
} as const

/** The words of ExecStart. */
export function unitCommand(unit: string = readSource(UNIT_FILE)): readonly string[] {
  const [, command] = /^ExecStart=((?:.*\\\n)*.*)$/m.exec(unit) ?? []
  return command?.replaceAll('\\\n', ' ').split(/\s+/) ?? []
}

/** What the README says of flags that are given by hand. */
export function permissionSection(readme: string = readSource(README_FILE)): string {
  return /^### Without native code$([^]*?)^##+ /m.exec(readme)?.[1] ?? ''
}

/** The words of its example. */
export function permissionCommand(): readonly string[] {
  const [, example] = /```sh\n(node --permission (?:.*\\\n)*.*)\n/.exec(permissionSection()) ?? []
  return example?.replaceAll('\\\n', ' ').split(/\s+/) ?? []
}

/** What it gives Node before the bundle. */
export function permissionFlags(): readonly string[] {
  const command = permissionCommand()
  return command.slice(1, command.indexOf(UNIT_PLACES.bundle))
}

/** Every permission flag that a text names, also one in a comment; each once, sorted. */
export function flagsNamedIn(text: string): readonly string[] {
  const found = text.match(/(?<![\w-])--(?:permission\b|allow-[a-z-]+(?:=[\w./-]*[\w/])?)/g) ?? []
  return [...new Set(found)].sort()
}
