// The host keys a remote may show: lines as in OpenSSH's `known_hosts` (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT).
//
// Refused on purpose: `@cert-authority`. There is no first-use trust: a host that is not listed is not talked to.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { problem, type Problem } from '../../shared/result/problem.ts'
import { err, ok, type Result } from '../../shared/result/result.ts'
import { decodeBase64, decodePublicKey, explainSshKeyError } from '../object/ssh-key.ts'

export type KnownHost = {
  /** As written: `git.example.org,[git.example.org]:2222,10.0.0.*`, or `|1|salt|hash`. */
  readonly hosts: string
  readonly keyType: string
  readonly keyBlob: Buffer
  readonly revoked: boolean
}

export type HostTrust = 'known' | 'revoked' | 'changed' | 'unknown'

export function parseKnownHosts(
  lines: readonly string[],
  file?: string,
): Result<readonly KnownHost[], readonly Problem[]> {
  const hosts: KnownHost[] = []
  const problems: Problem[] = []
  for (const [n, line] of lines.entries()) {
    const content = line.trim()
    if (content === '' || content.startsWith('#')) continue
    const host = parseHost(content.split(/[ \t]+/))
    if (host.ok) hosts.push(host.value)
    else problems.push(problem(host.error, { line: n + 1, ...(file !== undefined && { file }) }))
  }
  return problems.length > 0 ? err(problems) : ok(hosts)
}

/** What we think of `keyBlob` shown by `host` at `port`; a revoked key is never known. */
export function judgeHostKey(
  known: readonly KnownHost[],
  host: string,
  port: number,
  keyBlob: Uint8Array,
): HostTrust {
  const lines = linesFor(known, host, port)
  const matching = lines.filter((line) => line.keyBlob.equals(keyBlob))
  if (matching.some((line) => line.revoked)) return 'revoked'
  if (matching.length > 0) return 'known'
  return lines.some((line) => !line.revoked) ? 'changed' : 'unknown'
}

/** Key types to ask the host for, so that it shows the key we know and not another of its own. */
export function knownKeyTypes(known: readonly KnownHost[], host: string, port: number): string[] {
  const lines = linesFor(known, host, port).filter((line) => !line.revoked)
  return [...new Set(lines.map((line) => line.keyType))]
}

function linesFor(known: readonly KnownHost[], host: string, port: number): KnownHost[] {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase()
  const name = port === SSH_PORT ? bare : `[${bare}]:${port}`
  return known.filter(({ hosts }) => matchHosts(hosts, name))
}

function parseHost(words: readonly string[]): Result<KnownHost, string> {
  const [marker] = words
  if (marker === '@cert-authority') return err('@cert-authority is not supported: name the key')
  if (marker?.startsWith('@') === true && marker !== '@revoked') return err(`Unknown "${marker}"`)
  const revoked = marker === '@revoked'
  const [hosts = '', type = '', base64 = ''] = revoked ? words.slice(1) : words
  const blob = decodeBase64(base64)
  if (blob === undefined) return err('Expected "host keytype base64", as ssh-keyscan prints it')
  const key = decodePublicKey(blob)
  if (!key.ok) return err(`The key ${explainSshKeyError(key.error)}`)
  if (key.value.type !== type) return err(`The key is of type "${key.value.type}", not "${type}"`)
  if (hosts.startsWith('|') && parseHash(hosts) === undefined) return err('Unknown form of hash')
  return ok({ hosts, keyType: type, keyBlob: key.value.blob, revoked })
}

function matchHosts(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) {
    const parsed = parseHash(hosts)
    if (parsed === undefined) return false
    const own = createHmac('sha1', parsed.salt).update(name).digest()
    return own.length === parsed.hash.length && timingSafeEqual(own, parsed.hash)
  }
  let matched = false
  for (const pattern of hosts.split(',')) {
    const negated = pattern.startsWith('!')
    if (!matchPattern(negated ? pattern.slice(1) : pattern, name)) continue
    if (negated) return false
    matched = true
  }
  return matched
}

/** `|1|base64 of the salt|base64 of HMAC-SHA-1(salt, name)`. */
function parseHash(text: string): { salt: Buffer; hash: Buffer } | undefined {
  const [, version, salt, hash] = text.split('|')
  const [saltBytes, hashBytes] = [decodeBase64(salt ?? ''), decodeBase64(hash ?? '')]
  if (version !== '1' || saltBytes === undefined || hashBytes === undefined) return undefined
  return { salt: saltBytes, hash: hashBytes }
}

function matchPattern(pattern: string, name: string): boolean {
  const source = pattern
    .toLowerCase()
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    // Lines are the operator's own and short: the expression cannot be made slow by a peer.
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(name)
}

const SSH_PORT = 22
