// Node's permission flags of cairn-dns, read from the systemd unit: the one list that documents and tests are held to.
import { readSource } from './source-tree.ts'

export const UNIT_FILE = 'configs/systemd/cairn-dns.service'

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

/** What ExecStart gives Node before the bundle. */
export function unitFlags(): readonly string[] {
  const command = unitCommand()
  return command.slice(1, command.indexOf(UNIT_PLACES.bundle))
}

/** Every permission flag that a text names, also one in a comment; each once, sorted. */
export function flagsNamedIn(text: string): readonly string[] {
  const found = text.match(/(?<![\w-])--(?:permission\b|allow-[a-z-]+(?:=[\w./-]*[\w/])?)/g) ?? []
  return [...new Set(found)].sort()
}
