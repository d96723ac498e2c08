// The resolvers that are measured beside each other: without validation, one thread, 128 MB of cache, one authority.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, runProgram } from '../running.ts'
import { SERVER_CORE } from './dns-load.ts'
import { untilAnswers, writeIn, type Peer, type Start } from './dns-servers.ts'
import { ORIGIN } from './dns-zone.ts'

/** cairn-resolver from a bundle or a source file; the zone is asked of the port `authority`. */
export function startOurResolver(program: string, authority: number): Start {
  return async (folder) => {
    mkdirSync(folder, { recursive: true })
    const [port, observe] = [await freePort(), await freePort()]
    const config = writeIn(
      folder,
      'resolver.toml',
      `listen = ["127.0.0.1:${port}"]
[[stub]]
zone = "${ORIGIN}"
servers = ["127.0.0.1:${authority}"]
[dnssec]
validate = false
[cache]
size = "128 MB"
[observe]
listen = "127.0.0.1:${observe}"
`,
    )
    const startMs = performance.now()
    const running = await runProgram({
      command: [process.execPath, program],
      config,
      observed: `http://127.0.0.1:${observe}`,
      output: 'keep',
      under: SERVER_CORE,
    })
    const loadMs = (await untilAnswers(port)) - startMs
    return {
      port,
      pid: running.child.pid!,
      loadMs,
      prepare: () => Promise.reject(new Error('a resolver has no zone to change')),
      stop: async () => void (await running.stop()),
    }
  }
}

/**
 * The peers, asking the port `authority` for the zone. BIND's static-stub takes no port, so it forwards: the same
 * packets, but for RD.
 */
export function resolverPeers(authority: number): { readonly [name: string]: Peer } {
  return {
    Unbound: {
      program: 'unbound',
      configure({ folder, port }) {
        const config = writeIn(
          folder,
          'unbound.conf',
          `server:
  interface: 127.0.0.1@${port}
  num-threads: 1
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: "${join(folder, 'unbound.pid')}"
  use-syslog: no
  logfile: "${join(folder, 'unbound.log')}"
  do-daemonize: no
  do-ip6: no
  do-not-query-localhost: no
  module-config: "iterator"
  local-zone: "test." nodefault
  msg-cache-size: 43m
  rrset-cache-size: 85m
  outgoing-range: 4096
  num-queries-per-thread: 2048
remote-control:
  control-enable: no
stub-zone:
  name: "${ORIGIN}"
  stub-addr: 127.0.0.1@${authority}
`,
        )
        return { args: ['-d', '-c', config], reload: [] }
      },
    },
    BIND: {
      program: 'named',
      configure({ folder, port }) {
        const config = writeIn(
          folder,
          'named.conf',
          `options { directory "${folder}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  pid-file "${folder}/named.pid"; session-keyfile "${folder}/session.key"; recursion yes; dnssec-validation no;
  max-cache-size 128m; minimal-responses yes; };
controls { };
logging { category default { null; }; };
zone "${ORIGIN}" { type forward; forward only; forwarders { 127.0.0.1 port ${authority}; }; };
`,
        )
        return { args: ['-f', '-n', '1', '-c', config], reload: [] }
      },
    },
    Knot: {
      program: 'kresd',
      configure({ folder, port }) {
        const config = writeIn(
          folder,
          'kresd.conf',
          `net.listen('127.0.0.1', ${port}, { kind = 'dns' })
net.ipv6 = false
cache.size = 128 * MB
trust_anchors.remove('.')
modules.unload('priming')
modules.unload('detect_time_skew')
policy.add(policy.suffix(policy.STUB('127.0.0.1@${authority}'), { todname('${ORIGIN}') }))
`,
        )
        return { args: ['-n', '-q', '-c', config, folder], reload: [] }
      },
    },
  }
}
