// What the branch says of a gateway: `ccd/<name>`, `users.toml`, `crl.pem`. Read whole from a snapshot, since it is
// small; a push that would not read is refused with file and line.
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import type { Snapshot, Verdict } from '../../../../store/api.ts'
import { readClientFile, type ClientFile } from './client-file.ts'
import { readUsers, type Users } from './users.ts'

export type GatewayContent = {
  readonly clients: ReadonlyMap<string, ClientFile>
  readonly users: Users
  /** PEM; undefined when nothing is revoked. */
  readonly crl: string | undefined
}

const CLIENT_FOLDER = 'ccd'
export const CONTENT_FILE = { users: 'users.toml', crl: 'crl.pem' } as const
const FILE_LIMIT = 1_048_576
/** For clients without a file of their own, as stock OpenVPN names it. */
const DEFAULT_CLIENT = 'DEFAULT'

export function readContent(snapshot: Snapshot): {
  readonly content: GatewayContent
  readonly problems: readonly Problem[]
} {
  const problems: Problem[] = []
  const clients = new Map<string, ClientFile>()
  for (const { path } of snapshot.files(CLIENT_FOLDER)) {
    const text = textOf(snapshot, path, problems)
    if (text === undefined) continue
    const read = readClientFile(text, path)
    problems.push(...read.problems)
    clients.set(path.slice(CLIENT_FOLDER.length + 1), read.client)
  }
  const usersText = textOf(snapshot, CONTENT_FILE.users, problems)
  const read = usersText === undefined ? undefined : readUsers(usersText, CONTENT_FILE.users)
  problems.push(...(read?.problems ?? []))
  const crl = textOf(snapshot, CONTENT_FILE.crl, problems)
  if (crl !== undefined && !/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/.test(crl))
    problems.push(
      problem('Expected a certificate revocation list in PEM form', {
        file: CONTENT_FILE.crl,
        line: 1,
      }),
    )
  problems.push(...doubleAddresses(clients))
  return { content: { clients, users: read?.users ?? new Map(), crl }, problems }
}

/** For the store: nothing that does not read becomes the head. */
export function acceptContent(candidate: Snapshot): Verdict {
  return { problems: readContent(candidate).problems }
}

export function clientFileOf(content: GatewayContent, commonName: string): ClientFile | undefined {
  return content.clients.get(commonName) ?? content.clients.get(DEFAULT_CLIENT)
}

function doubleAddresses(clients: ReadonlyMap<string, ClientFile>): readonly Problem[] {
  const owners = new Map<string, string>()
  const problems: Problem[] = []
  for (const [name, { ipv4, ipv6 }] of clients)
    for (const address of [ipv4, ipv6]) {
      if (address === undefined) continue
      const key = address.join('.')
      const other = owners.get(key)
      owners.set(key, name)
      if (other !== undefined)
        problems.push(
          problem(`The same address as in ${CLIENT_FOLDER}/${other}`, {
            file: `${CLIENT_FOLDER}/${name}`,
          }),
        )
    }
  return problems
}

function textOf(snapshot: Snapshot, path: string, problems: Problem[]): string | undefined {
  const octets = snapshot.get(path)
  if (octets === undefined) return undefined
  if (octets.length > FILE_LIMIT) {
    problems.push(problem(`Is larger than ${FILE_LIMIT} bytes`, { file: path }))
    return undefined
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets)
  } catch {
    problems.push(problem('Is not UTF-8', { file: path }))
    return undefined
  }
}
