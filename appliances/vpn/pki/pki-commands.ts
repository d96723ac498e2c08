// The commands `ca` and `client`: an authority of one's own, and a file for each device.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Command } from '../../../shared/appliance/appliance.ts'
import { EXIT } from '../../../shared/cli/cli.ts'
import { systemClock } from '../../../shared/clock/clock.ts'
import { Fatal } from '../../../shared/result/result.ts'
import { clientProfile } from '../core/pki/client-profile.ts'
import { isClientName, PkiFolder } from './pki-folder.ts'

const CA_USAGE = `Usage: cairn-vpn ca init --remote HOST[:PORT] [--tcp] [--pki FOLDER]

Makes an authority, the gateway's certificate and its tls-crypt-v2 key in FOLDER (./pki). Keep the folder to yourself: its
keys are what the network trusts. --remote is where clients find the gateway (port 1194 when none is given).
`

const CLIENT_USAGE = `Usage: cairn-vpn client add NAME > NAME.ovpn
       cairn-vpn client revoke NAME [--clone FOLDER]
       cairn-vpn client list

Each with [--pki FOLDER] (./pki). "add" prints a file with all a device needs; its private key is in it and nowhere
else. "revoke" makes a new crl.pem, in the clone of the gateway's branch too if that is named: push it, and the device is out.
`

const OPTIONS = {
  pki: { type: 'string', default: 'pki' },
  remote: { type: 'string' },
  tcp: { type: 'boolean', default: false },
  clone: { type: 'string' },
} as const

export const caCommand: Command = {
  summary: 'init: make an authority and the keys of a gateway: see "ca --help"',
  help: CA_USAGE,
  async run(args) {
    const { values, positionals } = read(args, CA_USAGE)
    if (positionals.length !== 1 || positionals[0] !== 'init') return misused(CA_USAGE)
    const remote = remoteOf(values.remote ?? '', values.tcp)
    if (remote === undefined)
      return misused(`Where do clients find it? Give --remote HOST[:PORT]\n${CA_USAGE}`)
    const folder = new PkiFolder(values.pki)
    folder.init(remote, systemClock.wallMs())
    const { ca, cert, key, wrapKey } = folder.files
    const at = (file: string): string => JSON.stringify(join(values.pki, file))
    return say(`Made an authority in ${values.pki}. In the gateway's configuration:

[keys]
ca = ${at(ca)}
cert = ${at(cert)}
key = ${at(key)}
tls_crypt_v2 = ${at(wrapKey)}

and for each device:  cairn-vpn client add NAME${values.pki === 'pki' ? '' : ` --pki ${values.pki}`} > NAME.ovpn
`)
  },
}

export const clientCommand: Command = {
  summary: 'add, revoke, list: files for devices: see "client --help"',
  help: CLIENT_USAGE,
  async run(args) {
    const { values, positionals } = read(args, CLIENT_USAGE)
    const [word, name = '', ...rest] = positionals
    const folder = new PkiFolder(values.pki)
    if (word === 'list' && name === '') return say(listText(folder))
    if (rest.length > 0 || (word !== 'add' && word !== 'revoke')) return misused(CLIENT_USAGE)
    if (!isClientName(name))
      return misused(`Expected a name of letters, digits, ".", "_", "@" or "-", found "${name}"\n`)
    if (word === 'add') return say(clientProfile(folder.addClient(name, systemClock.wallMs())))
    const list = folder.revoke(name, systemClock.wallMs())
    if (values.clone === undefined) {
      const made = join(values.pki, folder.files.crl)
      return say(
        `${name} is revoked in ${made}. Commit it as crl.pem in the gateway's branch and push: then it is out\n`,
      )
    }
    writeFileSync(join(values.clone, folder.files.crl), list)
    return say(`${name} is revoked. Push it:
  cd ${values.clone} && git add crl.pem && git commit -m 'Revoke ${name}' && git push
`)
  },
}

function listText(folder: PkiFolder): string {
  const lines = folder
    .list()
    .map(
      ({ name, notAfter, isRevoked }) =>
        `${name}  ${isRevoked ? 'revoked' : `until ${notAfter}`}\n`,
    )
  return lines.length === 0
    ? 'No clients yet: cairn-vpn client add NAME > NAME.ovpn\n'
    : lines.join('')
}

/** `HOST PORT PROTO` of a host name or address with or without a port. */
function remoteOf(text: string, isTcp: boolean): string | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?$/.exec(text)
  if (match === null) return undefined
  const host = match[1] ?? match[2]!
  const port = Number(match[3] ?? 1194)
  if (port < 1 || port > 65_535) return undefined
  return `${host} ${port} ${isTcp ? 'tcp-client' : 'udp'}`
}

function read(
  args: readonly string[],
  usage: string,
): ReturnType<typeof parseArgs<{ options: typeof OPTIONS; allowPositionals: true }>> {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })
  } catch (cause) {
    // parseArgs says by throwing which option it does not know.
    throw new Fatal(`${cause instanceof Error ? cause.message : String(cause)}\n${usage}`)
  }
}

function say(text: string): number {
  process.stdout.write(text)
  return EXIT.OK
}

function misused(text: string): number {
  process.stderr.write(text)
  return EXIT.USAGE
}
