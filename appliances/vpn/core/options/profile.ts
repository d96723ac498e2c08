// A client's `.ovpn` file as people have them: what is understood is taken, what does no harm is passed over with a
// warning, and what would leave the connection less safe if it were passed over stops the start.
import { problem, type Problem } from '../../../../shared/result/problem.ts'
import type { Result } from '../../../../shared/result/result.ts'
import { isDataCipher, type DataCipher } from '../data/data-cipher.ts'
import { AUTH_DIGESTS, type AuthDigest } from '../wrap/control-wrap.ts'
import { readOptions, type OptionLine } from './option-lines.ts'

export type ProfileRemote = {
  /** A name or an address. */
  readonly host: string
  readonly port: number
  readonly transport: 'udp' | 'tcp'
  /** Undefined: either. */
  readonly family: 4 | 6 | undefined
}

export type PullFilter = {
  readonly action: 'accept' | 'ignore' | 'reject'
  readonly prefix: string
}

/** PEM and keys as text, wherever they stood. */
export type Profile = {
  readonly remotes: readonly ProfileRemote[]
  readonly isRandom: boolean
  readonly ca: string
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly tlsAuth: string | undefined
  readonly keyDirection: 0 | 1 | undefined
  readonly tlsCrypt: string | undefined
  readonly tlsCryptV2: string | undefined
  readonly auth: AuthDigest
  readonly ciphers: readonly DataCipher[]
  /** How the gateway's certificate is judged beside its signature. */
  readonly server: {
    readonly mustBeServer: boolean
    readonly name:
      | { readonly kind: 'name' | 'name-prefix' | 'subject'; readonly text: string }
      | undefined
  }
  readonly tlsMin: 'TLSv1.2' | 'TLSv1.3'
  readonly tlsMax: 'TLSv1.2' | 'TLSv1.3'
  readonly wantsPassword: boolean
  readonly user: string
  readonly password: string
  readonly renegotiateMs: number
  readonly handWindowMs: number
  readonly device: string
  readonly takesRoutes: boolean
  readonly filters: readonly PullFilter[]
}

/** What a file that an option names holds, or why it cannot be read. */
export type LoadFile = (path: string) => Result<string, string>

const DEFAULT_CIPHERS: readonly DataCipher[] = ['AES-256-GCM', 'AES-128-GCM', 'CHACHA20-POLY1305']
const REMOTES_LIMIT = 64
const SECONDS_LIMIT = 86_400

/** Options whose content may stand in the file or in another one. */
const CONTENT = [
  'ca',
  'cert',
  'key',
  'tls-auth',
  'tls-crypt',
  'tls-crypt-v2',
  'auth-user-pass',
] as const
type Content = (typeof CONTENT)[number]

/** Known, and without any effect on what this client does. */
const WITHOUT_EFFECT = new Set(
  `client pull tls-client nobind persist-key persist-tun resolv-retry float mute mute-replay-warnings verb sndbuf rcvbuf
  auth-nocache explicit-exit-notify topology tun-mtu mssfix mtu-disc fast-io socket-flags ping ping-restart keepalive
  connect-retry connect-retry-max connect-timeout server-poll-timeout tls-timeout tran-window route-delay route-method
  replay-window user group nice status log log-append writepid syslog daemon comp-noadapt disable-dco lport rport bind
  local setenv setenv-safe push-peer-info auth-retry remap-usr1 machine-readable-output suppress-timestamps dev-type
  ip-win32 register-dns block-outside-dns tun-ipv6 ifconfig-nowarn reneg-bytes reneg-pkts data-ciphers-fallback keysize
  ncp-ciphers remote-random-hostname passtos rcvbuf ignore-unknown-option dhcp-option route-metric`.split(
    /\s+/,
  ),
)

/** Passed over, they would leave something undone that somebody counts on. */
const REFUSED: { readonly [name: string]: string } = {
  secret: 'static keys without TLS have no forward secrecy; ask for a profile with certificates',
  pkcs12: 'take the certificate and key out: openssl pkcs12 -in FILE -nodes',
  fragment: 'fragments are not supported; a smaller tun-mtu on the gateway does the same',
  'http-proxy':
    'connections through a proxy are not supported, and going round it is not what the profile wants',
  'socks-proxy':
    'connections through a proxy are not supported, and going round it is not what the profile wants',
  'crl-verify': 'a revocation list for the gateway is not checked here yet',
  'peer-fingerprint': 'fingerprints instead of an authority are not supported yet',
  'verify-hash': 'the fingerprint of the authority is not checked here yet',
  'tls-verify': 'no program is run; use verify-x509-name',
  'remote-cert-eku': 'use remote-cert-tls server',
  'remote-cert-ku': 'use remote-cert-tls server',
  'tls-cipher': 'cipher lists of TLS are not taken over; leave it out for the safe defaults',
  'tls-ciphersuites': 'cipher lists of TLS are not taken over; leave it out for the safe defaults',
  'static-challenge': 'one-time codes are asked for by the gateway only',
  engine: 'keys in hardware are not supported',
  cryptoapicert: 'keys in the store of Windows are not supported',
}

export function readProfile(
  text: string,
  file: string,
  load: LoadFile,
): { readonly profile: Profile; readonly problems: readonly Problem[] } {
  const read = readOptions(text, file)
  const reader = new ProfileReader(file, load, [...read.problems])
  for (const option of read.options) reader.take(option)
  return { profile: reader.finish(), problems: reader.problems }
}

class ProfileReader {
  readonly problems: Problem[]
  readonly #file: string
  readonly #load: LoadFile
  readonly #remotes: {
    host: string
    port: number | undefined
    proto: string | undefined
    line: number
  }[] = []
  readonly #content = new Map<Content, string>()
  readonly #filters: PullFilter[] = []
  #proto = 'udp'
  #port = 1194
  #isRandom = false
  #keyDirection: 0 | 1 | undefined
  #auth: AuthDigest = 'SHA1'
  #ciphers: readonly DataCipher[] = DEFAULT_CIPHERS
  #mustBeServer = false
  #name: Profile['server']['name']
  #tlsMin: Profile['tlsMin'] = 'TLSv1.2'
  #tlsMax: Profile['tlsMax'] = 'TLSv1.3'
  #wantsPassword = false
  #renegotiateMs = 3_600_000
  #handWindowMs = 60_000
  #device = 'tun%d'
  #takesRoutes = true

  constructor(file: string, load: LoadFile, problems: Problem[]) {
    this.#file = file
    this.#load = load
    this.problems = problems
  }

  take(option: OptionLine): void {
    const { name, words, block } = option
    const [first = '', second = '', third] = words
    if ((CONTENT as readonly string[]).includes(name)) this.#takeContent(name as Content, option)
    else if (name === 'connection' && block !== undefined) this.#takeConnection(block, option)
    else if (Object.hasOwn(REFUSED, name)) this.#refuse(option, REFUSED[name]!)
    else if (name === 'remote') this.#addRemote(option, first, second, third)
    else if (name === 'proto') this.#proto = this.#protoOf(option, first)
    else if (name === 'port') this.#port = this.#number(option, first, 1, 65_535) ?? this.#port
    else if (name === 'remote-random') this.#isRandom = true
    else if (name === 'key-direction') this.#keyDirection = this.#direction(option, first)
    else if (name === 'auth') this.#takeAuth(option, first)
    else if (name === 'cipher' || name === 'data-ciphers') this.#takeCiphers(option, first)
    else if (name === 'remote-cert-tls') this.#takeCertTls(option, first)
    else if (name === 'ns-cert-type') this.#mustBeServer = true
    else if (name === 'verify-x509-name') this.#takeName(option, first, second)
    else if (name === 'tls-version-min')
      this.#tlsMin = this.#tlsVersion(option, first) ?? this.#tlsMin
    else if (name === 'tls-version-max')
      this.#tlsMax = this.#tlsVersion(option, first) ?? this.#tlsMax
    else if (name === 'reneg-sec') this.#takeReneg(option, first)
    else if (name === 'hand-window')
      this.#handWindowMs = (this.#number(option, first, 5, 600) ?? 60) * 1000
    else if (name === 'dev') this.#takeDevice(option, first)
    else if (name === 'route-nopull') this.#takesRoutes = false
    else if (name === 'pull-filter') this.#takeFilter(option, first, second)
    else if (name === 'comp-lzo' || name === 'compress') this.#takeCompression(option, first)
    else if (name === 'redirect-gateway' || name === 'route' || name === 'route-ipv6')
      this.#warn(option, 'routes of the profile are not set, those that the gateway pushes are')
    else if (name === 'up' || name === 'down' || name === 'script-security' || name.endsWith('-up'))
      this.#warn(option, 'no program is run')
    else if (!WITHOUT_EFFECT.has(name)) this.#warn(option, 'is not known and is passed over')
  }

  finish(): Profile {
    const complain = (message: string): void =>
      void this.problems.push(problem(message, { file: this.#file }))
    if (this.#remotes.length === 0) complain('There is no remote: where is the gateway?')
    const ca = this.#content.get('ca')
    if (ca === undefined)
      complain('There is no ca: nothing would tell the gateway from somebody else')
    if (this.#content.has('cert') !== this.#content.has('key'))
      complain('There is a cert or a key without the other')
    if (!this.#content.has('cert') && !this.#wantsPassword)
      complain('There is neither a cert with its key nor auth-user-pass: who is it that connects?')
    if (!this.#mustBeServer && this.#name === undefined)
      this.problems.push(
        problem(
          'Neither remote-cert-tls nor verify-x509-name: any client of the same authority could play the gateway',
          {
            file: this.#file,
            severity: 'warning',
          },
        ),
      )
    if (this.#tlsMin > this.#tlsMax) complain('tls-version-min is above tls-version-max')
    const [user = '', password = ''] = (this.#content.get('auth-user-pass') ?? '').split(/\r?\n/)
    return {
      remotes: this.#remotes.map(({ host, port, proto }) => {
        const word = proto ?? this.#proto
        const family = word.includes('4') ? 4 : word.includes('6') ? 6 : undefined
        return {
          host,
          port: port ?? this.#port,
          transport: word.startsWith('tcp') ? 'tcp' : 'udp',
          family,
        }
      }),
      isRandom: this.#isRandom,
      ca: ca ?? '',
      cert: this.#content.get('cert'),
      key: this.#content.get('key'),
      tlsAuth: this.#content.get('tls-auth'),
      keyDirection: this.#keyDirection,
      tlsCrypt: this.#content.get('tls-crypt'),
      tlsCryptV2: this.#content.get('tls-crypt-v2'),
      auth: this.#auth,
      ciphers: this.#ciphers,
      server: { mustBeServer: this.#mustBeServer, name: this.#name },
      tlsMin: this.#tlsMin,
      tlsMax: this.#tlsMax,
      wantsPassword: this.#wantsPassword,
      user,
      password,
      renegotiateMs: this.#renegotiateMs,
      handWindowMs: this.#handWindowMs,
      device: this.#device,
      takesRoutes: this.#takesRoutes,
      filters: this.#filters,
    }
  }

  #takeContent(name: Content, option: OptionLine): void {
    const { block, words } = option
    if (name === 'auth-user-pass') this.#wantsPassword = true
    if (block !== undefined) {
      this.#content.set(name, block)
      return
    }
    const [path, direction] = words
    if (path === undefined) {
      if (name !== 'auth-user-pass')
        this.#refuse(option, 'expected a file, or its content in a block')
      return
    }
    if (path === '[inline]') return
    if (name === 'tls-auth' && direction !== undefined)
      this.#keyDirection = this.#direction(option, direction)
    const loaded = this.#load(path)
    if (loaded.ok) this.#content.set(name, loaded.value)
    else this.#refuse(option, `${path}: ${loaded.error}`)
  }

  #takeConnection(block: string, { line }: OptionLine): void {
    const read = readOptions(block, this.#file)
    let proto: string | undefined
    for (const option of read.options) {
      const at = { ...option, line: line + option.line }
      const [first = '', second = '', third] = option.words
      if (option.name === 'proto') proto = this.#protoOf(at, first)
      else if (option.name === 'remote') this.#addRemote(at, first, second, third ?? proto)
      else if (Object.hasOwn(REFUSED, option.name)) this.#refuse(at, REFUSED[option.name]!)
      else if (!WITHOUT_EFFECT.has(option.name))
        this.#warn(at, 'is passed over inside <connection>')
    }
  }

  #addRemote(option: OptionLine, host: string, port: string, proto: string | undefined): void {
    if (!/^[A-Za-z0-9_.:%-]{1,255}$/.test(host)) {
      this.#refuse(option, `expected a host, found "${host}"`)
      return
    }
    if (this.#remotes.length === REMOTES_LIMIT) {
      this.#warn(option, `more than ${REMOTES_LIMIT} remotes: the rest is passed over`)
      return
    }
    const number = port === '' ? undefined : this.#number(option, port, 1, 65_535)
    const word = proto === undefined ? undefined : this.#protoOf(option, proto)
    this.#remotes.push({ host, port: number, proto: word, line: option.line })
  }

  #protoOf(option: OptionLine, word: string): string {
    if (/^(?:udp|tcp)(?:-client)?[46]?(?:-client)?$/.test(word)) return word
    this.#refuse(option, `expected udp or tcp, found "${word}"`)
    return 'udp'
  }

  #number(option: OptionLine, text: string, lowest: number, highest: number): number | undefined {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : -1
    if (number >= lowest && number <= highest) return number
    this.#refuse(option, `expected a number from ${lowest} to ${highest}, found "${text}"`)
    return undefined
  }

  #direction(option: OptionLine, text: string): 0 | 1 | undefined {
    return this.#number(option, text, 0, 1) as 0 | 1 | undefined
  }

  #takeAuth(option: OptionLine, word: string): void {
    const digest = AUTH_DIGESTS.find((each) => each === word.toUpperCase().replace('-', ''))
    if (digest === undefined)
      this.#refuse(option, `expected one of ${AUTH_DIGESTS.join(', ')}, found "${word}"`)
    else this.#auth = digest
  }

  #takeCiphers(option: OptionLine, list: string): void {
    const names = list
      .toUpperCase()
      .split(':')
      .map((name) => name.replace(/^\?/, ''))
    const known = names.filter((name) => isDataCipher(name))
    const unknown = names.filter((name) => !isDataCipher(name))
    if (unknown.length > 0) this.#warn(option, `${unknown.join(', ')}: not offered to the gateway`)
    // `cipher` is for gateways before 2.4: it is one more, not the only one.
    if (option.name === 'cipher') this.#ciphers = [...new Set([...this.#ciphers, ...known])]
    else if (known.length > 0) this.#ciphers = known
    else this.#refuse(option, 'none of these ciphers is supported')
  }

  #takeCertTls(option: OptionLine, word: string): void {
    if (word === 'server') this.#mustBeServer = true
    else this.#refuse(option, `expected "server", found "${word}"`)
  }

  #takeName(option: OptionLine, text: string, kind: string): void {
    if (kind === 'name' || kind === 'name-prefix' || kind === 'subject') this.#name = { kind, text }
    else if (kind === '') this.#name = { kind: 'subject', text }
    else this.#refuse(option, `expected name, name-prefix or subject, found "${kind}"`)
  }

  #tlsVersion(option: OptionLine, word: string): 'TLSv1.2' | 'TLSv1.3' | undefined {
    if (word === '1.3') return 'TLSv1.3'
    if (word === '1.2' || word === '1.1' || word === '1.0') return 'TLSv1.2'
    this.#refuse(option, `expected 1.2 or 1.3, found "${word}"`)
    return undefined
  }

  #takeReneg(option: OptionLine, word: string): void {
    const seconds = this.#number(option, word, 0, SECONDS_LIMIT)
    // 0 leaves it to the gateway.
    if (seconds !== undefined) this.#renegotiateMs = seconds === 0 ? Infinity : seconds * 1000
  }

  #takeDevice(option: OptionLine, word: string): void {
    if (word.startsWith('tap')) this.#refuse(option, 'tap devices are not supported, tun ones are')
    else if (/^[A-Za-z0-9_.-]{1,15}$/.test(word)) this.#device = word === 'tun' ? 'tun%d' : word
    else this.#refuse(option, `expected the name of a device, found "${word}"`)
  }

  #takeFilter(option: OptionLine, action: string, prefix: string): void {
    if (action === 'accept' || action === 'ignore' || action === 'reject')
      this.#filters.push({ action, prefix: oneSpaced(prefix) })
    else this.#refuse(option, `expected accept, ignore or reject, found "${action}"`)
  }

  #takeCompression(option: OptionLine, word: string): void {
    if (word === 'no' || word === 'stub-v2' || word === 'migrate' || word === '')
      this.#warn(option, 'nothing is compressed; a gateway that insists on it is refused')
    else
      this.#refuse(
        option,
        'compression is not safe (VORACLE); leave it out here and on the gateway',
      )
  }

  #refuse({ name, line }: OptionLine, why: string): void {
    this.problems.push(problem(`${name}: ${why}`, { file: this.#file, line }))
  }

  #warn({ name, line }: OptionLine, why: string): void {
    this.problems.push(problem(`${name}: ${why}`, { file: this.#file, line, severity: 'warning' }))
  }
}

/** What becomes of a pushed option: the first filter whose prefix it has says so. White space is made one first. */
export function filterOf(
  option: string,
  profile: Pick<Profile, 'filters' | 'takesRoutes'>,
): PullFilter['action'] {
  const text = oneSpaced(option)
  const [name = ''] = text.split(' ')
  const isRouting = /^(?:route(?!-gateway)|redirect-|dhcp-option|dns)/.test(name)
  if (!profile.takesRoutes && isRouting) return 'ignore'
  return profile.filters.find(({ prefix }) => text.startsWith(prefix))?.action ?? 'accept'
}

function oneSpaced(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}
