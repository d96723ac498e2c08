// The [store] table: where the state lives, which remote it follows, and who may push to it.
import { isLoopback, type Endpoint } from '../net/endpoint.ts'
import {
  boolean,
  checked,
  durationBetween,
  endpoint,
  list,
  object,
  oneOf,
  optional,
  parsed,
  sizeBetween,
  string,
  withDefault,
  type Decoder,
} from './decode.ts'
import { checkServed, servedUsers } from './served-table.ts'

export type ServeConfig = {
  /** Smart HTTP, under the base name of the store's path. */
  readonly listen: Endpoint
  /** User name to `scrypt:...`. Empty: anyone who can connect, which only loopback allows. */
  readonly users: { readonly [name: string]: string }
  /** PEM files. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Largest pack a push may carry, in bytes. */
  readonly limitPush: number
  /** Whether a push may rewind the branch. */
  readonly allowForce: boolean
}

export type StoreConfig = {
  /** A bare repository, made when it is not there. */
  readonly path: string
  readonly branch: string
  /** `http(s)://`, `ssh://`, or a path. */
  readonly remote?: string
  /** Milliseconds between looks at the remote. */
  readonly pull: number
  /** When the journal becomes a pack that stock git sees: after a quiet second, or with each commit. */
  readonly seal: 'quiet' | 'always'
  /** File with what the remote wants to see: a token, or `user:password`. */
  readonly remoteTokenFile?: string
  /** File with an OpenSSH private key for an `ssh://` remote. */
  readonly sshKeyFile?: string
  /** Lines as in `known_hosts`: the only host keys an `ssh://` remote may show. */
  readonly knownHosts?: readonly string[]
  /** Our own commits are signed with this OpenSSH private key. */
  readonly sign?: { readonly keyFile: string }
  /** Which incoming commits must carry a signature of an allowed signer. */
  readonly verify: 'none' | 'head' | 'every'
  /** File in the form of OpenSSH's `allowed_signers`. */
  readonly allowedSigners?: string
  /** File with the secret that `POST /hook` must prove. */
  readonly hookSecretFile?: string
  readonly serve?: ServeConfig
}

const serveTable: Decoder<ServeConfig> = checked(
  object({
    listen: endpoint,
    users: servedUsers,
    tls: optional(object({ cert: string, key: string })),
    limitPush: withDefault(sizeBetween(1_000, 1_000_000_000), 64_000_000),
    allowForce: withDefault(boolean, false),
  }),
  (serve, at) => checkServed(serve, 'store.serve', at),
)

export const storeTable: Decoder<StoreConfig> = checked(
  object({
    path: string,
    branch: withDefault(parsed('the name of a branch', branchName), 'main'),
    remote: optional(
      parsed('a path, or a URL that begins with "https://", "http://" or "ssh://"', remoteName),
    ),
    pull: withDefault(durationBetween(1_000, 86_400_000), 60_000),
    seal: withDefault(oneOf('quiet', 'always'), 'quiet'),
    remoteTokenFile: optional(string),
    sshKeyFile: optional(string),
    knownHosts: optional(list(string)),
    sign: optional(object({ keyFile: string })),
    verify: withDefault(oneOf('none', 'head', 'every'), 'none'),
    allowedSigners: optional(string),
    hookSecretFile: optional(string),
    serve: optional(serveTable),
  }),
  (store, at) => {
    if (store.verify !== 'none' && store.allowedSigners === undefined) {
      at.inside('verify').report(`"${store.verify}" needs the key allowed_signers`)
    }
    const remote = store.remote === undefined ? undefined : URL.parse(store.remote)
    if (remote?.protocol === 'ssh:') {
      if (store.sshKeyFile === undefined)
        at.inside('remote').report('ssh needs the key ssh_key_file')
      if (store.knownHosts === undefined)
        at.inside('remote').report('ssh needs the key known_hosts')
    }
    if (
      store.hookSecretFile !== undefined &&
      (store.remote === undefined || store.serve === undefined)
    ) {
      at.inside('hook_secret_file').report('A hook needs the key remote and the table serve')
    }
    if (remote !== null && remote !== undefined && remote.password !== '') {
      at.inside('remote').report('Put the password in a file and name it with remote_token_file')
    }
    if (store.remoteTokenFile !== undefined && remote?.protocol === 'http:') {
      const host = remote.hostname.replace(/^\[|\]$/g, '')
      if (!isLoopback(host) && host !== 'localhost') {
        at.inside('remote').report('A token would cross the network readable by all: use https')
      }
    }
  },
)

/** Stricter than git, which allows names that no one should have to quote. */
function branchName(text: string): string | undefined {
  if (text.length > BRANCH_LIMIT) return undefined
  const isPlain = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*(?:\/[\p{L}\p{N}_][\p{L}\p{N}_.-]*)*$/u.test(text)
  const isRefused = text.includes('..') || /\.(?:lock)?(?:\/|$)/.test(text)
  return isPlain && !isRefused ? text : undefined
}

/** A scheme means a URL; everything else is a path. */
function remoteName(text: string): string | undefined {
  const [, scheme] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text) ?? []
  if (scheme === undefined) return text !== '' && !/^[^/]*@[^/]*:/.test(text) ? text : undefined
  return /^(?:https?|ssh)$/.test(scheme) && URL.canParse(text) ? text : undefined
}

const BRANCH_LIMIT = 200
