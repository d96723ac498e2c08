// Follows the remote named in the configuration: chooses the way there and keeps both sides in step.
import { resolve } from 'node:path'
import type { Clock } from '../shared/clock/clock.ts'
import type { StoreConfig } from '../shared/config/store-table.ts'
import { formatProblem } from '../shared/result/problem.ts'
import { Fatal } from '../shared/result/result.ts'
import type { StoreOptions } from './api.ts'
import { readConfigured } from './configured-file.ts'
import { systemDisk } from './disk/disk.ts'
import { GitTransport } from './remote/git-transport.ts'
import { HttpService, parseCredentials } from './remote/http.ts'
import { createKeeper, type Keeper } from './remote/keeper.ts'
import { parseKnownHosts } from './remote/known-hosts.ts'
import { PathTransport } from './remote/path.ts'
import { SshService } from './remote/ssh.ts'
import type { Transport } from './remote/transport.ts'
import { GIT_LIMITS } from './serve/limits.ts'
import type { Signing } from './signing.ts'
import type { LocalStore } from './store.ts'

/** undefined when the configuration names no remote. */
export function openFollower(
  config: StoreConfig,
  parts: StoreOptions & {
    readonly clock: Clock
    readonly local: LocalStore
    readonly sign: Signing['sign']
  },
): Keeper | undefined {
  const { local, clock, log, metrics, committer } = parts
  const transport = openTransport(config, clock)
  if (transport === undefined) return undefined
  const keeper = createKeeper({
    repository: local,
    transport,
    branch: config.branch,
    pullMs: config.pull,
    rules: parts.merge ?? [],
    committer,
    sign: parts.sign,
    incoming: { pack: GIT_LIMITS.pack, allowLinks: false },
    clock,
    log,
    metrics,
  })
  local.branch.subscribe(() => keeper.localCommit())
  return keeper
}

/** The way to the remote, if there is one; not yet gone. Throws `Fatal` for a file that is of no use. */
export function openTransport(config: StoreConfig, clock: Clock): Transport | undefined {
  const { remote } = config
  if (remote === undefined) return undefined
  if (/^https?:/.test(remote)) return openHttp(remote, config, clock)
  if (remote.startsWith('ssh:')) return openSsh(remote, config, clock)
  return new PathTransport(systemDisk, resolve(remote))
}

function openHttp(url: string, config: StoreConfig, clock: Clock): Transport {
  const { remoteTokenFile } = config
  if (remoteTokenFile === undefined) return new GitTransport(new HttpService({ url, clock }))
  const credentials = parseCredentials(readConfigured(remoteTokenFile, 'remote_token_file'))
  if (credentials === undefined) {
    throw new Fatal(
      `store.remote_token_file: ${remoteTokenFile} holds neither a token nor user:password`,
    )
  }
  return new GitTransport(new HttpService({ url, credentials, clock }))
}

function openSsh(url: string, config: StoreConfig, clock: Clock): Transport {
  const { sshKeyFile, knownHosts: lines = [] } = config
  if (sshKeyFile === undefined) throw new Fatal('store.remote: ssh needs the key ssh_key_file')
  const privateKey = readConfigured(sshKeyFile, 'ssh_key_file')
  const knownHosts = parseKnownHosts(lines, 'store.known_hosts')
  if (!knownHosts.ok) {
    throw new Fatal(knownHosts.error.map(formatProblem).join('\n'))
  }
  return new GitTransport(new SshService({ url, privateKey, knownHosts: knownHosts.value, clock }))
}
