// A stock server's configuration as ours: what has an equal becomes a key, what has none a comment with its line, and
// what would leave the gateway less safe, or other than its clients expect, an error.
import { parseAddress } from '../../../../shared/net/address.ts'
import { formatEndpoint } from '../../../../shared/net/endpoint.ts'
import { formatPrefix, parsePrefix } from '../../../../shared/net/prefix.ts'
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import { DATA_CIPHERS } from '../data/data-cipher.ts'
import { prefixOfMask } from '../tunnel/netmask.ts'
import { readOptions, type OptionLine } from './option-lines.ts'

/** TOML of cairn-vpn; only of use when there are no problems. */
export type ServerImport = { readonly toml: string; readonly problems: readonly Problem[] }

type Table = 'keys' | 'tunnel' | 'push' | 'security' | 'keepalive' | 'logins' | 'management'

const TABLES: readonly Table[] = [
  'keys',
  'tunnel',
  'push',
  'security',
  'keepalive',
  'logins',
  'management',
]

export function importServer(text: string, file: string): ServerImport {
  const { options, problems } = readOptions(text, file)
  const draft = new Draft(file)
  draft.problems.push(...problems)
  for (const option of options) draft.take(option)
  draft.finish()
  return { toml: draft.toml(), problems: draft.problems }
}

class Draft {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #comments: string[] = []
  readonly #tables = new Map<Table, Map<string, string>>()
  readonly #lists = new Map<string, string[]>()
  #host = '0.0.0.0'
  #port = 1194
  #isTcp = false

  constructor(file: string) {
    this.#file = file
  }

  take(option: OptionLine): void {
    const { name, words, line, block } = option
    if (block !== undefined) {
      this.wrong(line, `<${name}>: put it in a file, and name the file`)
      return
    }
    if (SAME.has(name)) return
    const refusal = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined
    const run = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
    if (refusal !== undefined) this.wrong(line, `${name}: ${refusal}`)
    else if (run === undefined) this.noEqual(option)
    else {
      const fault = run(this, words, option)
      if (fault !== undefined) this.wrong(line, `${name}: ${fault}`)
    }
  }

  finish(): void {
    for (const key of ['ca', 'cert', 'key'])
      if (this.#tables.get('keys')?.has(key) !== true)
        this.problems.push(problem(`There is no "${key}"`, { file: this.#file }))
    if (this.#tables.get('tunnel')?.has('ipv4') !== true)
      this.problems.push(problem('There is no "server NETWORK MASK"', { file: this.#file }))
  }

  toml(): string {
    const transport = this.#isTcp ? 'tcp' : 'udp'
    const at = formatEndpoint({ host: this.#host, port: this.#port })
    const lines = [...this.#comments, `listen = [${quoted(`${transport}://${at}`)}]`]
    for (const [path, values] of this.#lists) {
      const [table, key] = path.split('.') as [Table, string]
      this.set(table, key, `[${values.join(', ')}]`)
    }
    for (const table of TABLES) {
      const entries = this.#tables.get(table)
      if (entries === undefined) continue
      lines.push('', `[${table}]`, ...[...entries].map(([key, value]) => `${key} = ${value}`))
    }
    lines.push('', '[store]', 'path = "var/vpn.git"', '', '[observe]')
    return `${lines.join('\n')}\n`
  }

  /** `value` as TOML. */
  set(table: Table, key: string, value: string): void {
    const entries = this.#tables.get(table) ?? new Map<string, string>()
    this.#tables.set(table, entries.set(key, value))
  }

  add(table: Table, key: string, value: string): void {
    const path = `${table}.${key}`
    this.#lists.set(path, [...(this.#lists.get(path) ?? []), quoted(value)])
  }

  comment(line: number, text: string): void {
    this.#comments.push(`# ${this.#file}:${line}: ${text.replaceAll(/\p{Cc}/gu, ' ')}`)
  }

  noEqual({ name, words, line }: OptionLine): void {
    this.comment(line, `${[name, ...words].join(' ')}: has no equal here`)
  }

  wrong(line: number, message: string): void {
    this.problems.push(problem(message, { file: this.#file, line }))
  }

  listen(change: {
    readonly host?: string
    readonly port?: number
    readonly isTcp?: boolean
  }): void {
    this.#host = change.host ?? this.#host
    this.#port = change.port ?? this.#port
    this.#isTcp = change.isTcp ?? this.#isTcp
  }
}

/** What is wrong, if anything is. */
type Run = (draft: Draft, words: readonly string[], option: OptionLine) => string | undefined | void

const file =
  (key: string): Run =>
  (draft, [path = '']) =>
    path === '' ? 'expected a file' : draft.set('keys', key, quoted(path))

const flag =
  (key: string): Run =>
  (draft) =>
    draft.set('tunnel', key, 'true')

const number =
  (set: (draft: Draft, value: number) => void, lowest: number, highest: number): Run =>
  (draft, [text = '']) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
    if (value < lowest || value > highest)
      return `expected a number from ${lowest} to ${highest}, found "${text}"`
    return set(draft, value)
  }

const seconds = (table: Table, key: string, lowest: number, highest: number): Run =>
  number((draft, value) => draft.set(table, key, quoted(`${value}s`)), lowest, highest)

const intoBranch =
  (as: string): Run =>
  (draft, [path = ''], { line, name }) =>
    draft.comment(line, `${name} ${path}: belongs in the branch, as ${as}`)

const port = number((draft, value) => draft.listen({ port: value }), 1, 65_535)

const OPTIONS: { readonly [name: string]: Run } = {
  port,
  lport: port,
  proto: (draft, [text = '']) =>
    /^(?:udp|tcp(?:-server)?)[46]?$|^tcp[46]-server$/.test(text)
      ? draft.listen({
          isTcp: text.startsWith('tcp'),
          ...(text.includes('6') && { host: '::' }),
        })
      : `expected udp or tcp-server, found "${text}"`,
  local: (draft, [host = '']) =>
    parseAddress(host) === undefined
      ? `expected an address, found "${host}"`
      : draft.listen({ host }),
  dev: (draft, [name = '']) => {
    if (!name.startsWith('tun')) return `only tun devices, found "${name}"`
    return name === 'tun' ? undefined : draft.set('tunnel', 'device', quoted(name))
  },
  'dev-type': (_, [type = '']) => (type === 'tun' ? undefined : 'only tun devices'),
  topology: (_, [name = '']) =>
    name === 'subnet' ? undefined : `only subnet; clients of "${name}" get other addresses`,
  ca: file('ca'),
  cert: file('cert'),
  key: file('key'),
  'tls-auth': (draft, words, option) => {
    if (words[1] !== undefined && words[1] !== '0') return 'expected key direction 0'
    return file('tls_auth')(draft, words, option)
  },
  'key-direction': (_, [text = '']) => (text === '0' ? undefined : 'expected 0'),
  'tls-crypt': file('tls_crypt'),
  'tls-crypt-v2': (draft, words, option) => {
    if (words[1] === 'force-cookie') draft.set('security', 'force_cookie', 'true')
    return file('tls_crypt_v2')(draft, words, option)
  },
  server: (draft, [network = '', mask = '']) => {
    const prefix = prefixOfMask(network, mask)
    if (prefix === undefined) return `expected a network and its mask, found "${network} ${mask}"`
    return draft.set('tunnel', 'ipv4', quoted(formatPrefix(prefix)))
  },
  'server-ipv6': (draft, [text = '']) => {
    const prefix = parsePrefix(text)
    if (prefix?.octets.length !== 16) return `expected an IPv6 network, found "${text}"`
    return draft.set('tunnel', 'ipv6', quoted(formatPrefix(prefix)))
  },
  'tun-mtu': number((draft, value) => draft.set('tunnel', 'mtu', String(value)), 576, 9000),
  'max-clients': number((draft, value) => draft.set('tunnel', 'clients', String(value)), 1, 65_536),
  'client-to-client': flag('client_to_client'),
  'duplicate-cn': flag('duplicate_names'),
  'ccd-exclusive': flag('known_only'),
  user: (draft, [name = ''], { line }) =>
    draft.comment(line, `user ${name}: see user in [sandbox]`),
  'client-config-dir': intoBranch('ccd/<common name>'),
  'crl-verify': intoBranch('crl.pem'),
  'auth-user-pass-verify': askPasswords,
  plugin: askPasswords,
  push: takePush,
  'data-ciphers': (draft, [text = '']) => {
    for (const name of text.toUpperCase().split(':')) {
      const cipher = DATA_CIPHERS.find((each) => each === name.replace(/^\?/, ''))
      if (cipher !== undefined) draft.add('security', 'ciphers', cipher)
      else if (!name.startsWith('?')) return `"${name}" is not known`
    }
    return undefined
  },
  auth: (draft, [text = '']) => draft.set('security', 'auth', quoted(text.toUpperCase())),
  'tls-version-min': (draft, [text = '']) => {
    const isKnown = text === '1.2' || text === '1.3'
    return isKnown ? draft.set('security', 'tls_version', quoted(text)) : 'expected 1.2 or 1.3'
  },
  'reneg-sec': seconds('security', 'renegotiate', 2, 86_400),
  'hand-window': seconds('security', 'handshake', 5, 600),
  keepalive: (draft, words, option) =>
    seconds('keepalive', 'ping', 1, 3600)(draft, words, option) ??
    seconds('keepalive', 'restart', 2, 86_400)(draft, words.slice(1), option),
  'auth-gen-token': (draft, [lifetime = '0', renewal], { line }) => {
    const isRight = [lifetime, renewal ?? '1'].every((text) => /^\d{1,7}$/.test(text))
    if (!isRight || Number(lifetime) > 2_592_000) return 'expected seconds, up to 30 days'
    if (lifetime === '0') draft.comment(line, 'auth-gen-token: tokens end after 30 days here')
    const life = lifetime === '0' ? '2592000' : lifetime
    draft.set('logins', 'token_lifetime', quoted(`${life}s`))
    if (renewal !== undefined) draft.set('logins', 'token_renewal', quoted(`${renewal}s`))
    return draft.set('tunnel', 'passwords', 'true')
  },
  'auth-gen-token-secret': (draft, [path = '']) => {
    draft.set('tunnel', 'passwords', 'true')
    return draft.set('logins', 'token_key', quoted(path))
  },
  management: (draft, [host = '', at = '', password], { line }) => {
    const isSocket = at === 'unix'
    if (!isSocket && parseAddress(host) === undefined) return `expected an address, found "${host}"`
    if (isSocket && !host.startsWith('/')) return `expected a path from the root, found "${host}"`
    if (!isSocket && !/^\d{1,5}$/.test(at)) return `expected a port, found "${at}"`
    if (password !== undefined)
      draft.comment(line, 'management: its password as "cairn-vpn hash-password" prints it')
    const listen = isSocket ? `unix:${host}` : formatEndpoint({ host, port: Number(at) })
    return draft.set('management', 'listen', quoted(listen))
  },
}

function askPasswords(draft: Draft, words: readonly string[], { name, line }: OptionLine): void {
  draft.set('tunnel', 'passwords', 'true')
  draft.comment(
    line,
    `${[name, ...words].join(' ')}: users and passwords are users.toml of the branch`,
  )
}

function takePush(draft: Draft, words: readonly string[]): string | undefined {
  const [text = ''] = words
  if (words.length !== 1 || text === '' || text.includes(','))
    return 'expected one option in quotes, without commas'
  const [name, first = '', second = ''] = text.trim().split(/\s+/)
  const isPlain = text.trim().split(/\s+/).length <= 3
  const route =
    name === 'route' && isPlain
      ? prefixOfMask(first, second === '' ? '255.255.255.255' : second)
      : name === 'route-ipv6' && second === ''
        ? parsePrefix(first)
        : undefined
  if (route !== undefined) draft.add('push', 'routes', formatPrefix(route))
  else if (name === 'dhcp-option' && /^DNS6?$/.test(first) && parseAddress(second) !== undefined)
    draft.add('push', 'dns', second)
  else draft.add('push', 'options', text.trim())
  return undefined
}

/** What the gateway does anyway, or what says nothing to it. */
const SAME: ReadonlySet<string> = new Set([
  'mode',
  'tls-server',
  'dh',
  'ecdh-curve',
  'persist-key',
  'persist-tun',
  'verb',
  'mute',
  'daemon',
  'log',
  'log-append',
  'syslog',
  'writepid',
  'nobind',
  'float',
  'explicit-exit-notify',
  'disable-dco',
  'tls-timeout',
  'sndbuf',
  'rcvbuf',
  'txqueuelen',
  'fast-io',
  'nice',
  'script-security',
  'ncp-ciphers',
  'mssfix',
  'remote-cert-tls',
])

const REFUSED: { readonly [name: string]: string } = {
  secret: 'a static key without TLS is not spoken',
  fragment: 'is not spoken; clients have to go without it too',
  'verify-client-cert': 'every client has a certificate here',
  'client-cert-not-required': 'every client has a certificate here',
  'tls-verify': 'no program is run; without it certificates would be let in that it refused',
  'client-connect': 'no program is run; without it clients would be let in that it refused',
  'verify-x509-name': 'is not looked at here; without it others would be let in',
  'peer-fingerprint': 'is not looked at here; make an authority with "cairn-vpn ca init"',
  'comp-lzo': 'compression tells strangers what is inside (VORACLE)',
  compress: 'compression tells strangers what is inside (VORACLE)',
  'server-bridge': 'only tun devices',
  pkcs12: 'give ca, cert and key as files in PEM form',
  config: 'put the lines of that file in its place',
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
