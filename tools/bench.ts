// Measures a room of ours beside its peers: `npm run bench -- store`.
import { benchCaldav } from './bench/caldav.ts'
import { benchCrash } from './bench/crash.ts'
import { benchDns } from './bench/dns.ts'
import { benchResolver } from './bench/resolver.ts'
import { benchStore } from './bench/store.ts'
import { benchVpn } from './bench/vpn.ts'

const USAGE = `usage: npm run bench -- ROOM [options]

  store  [--shapes n100,n10k,f10k,n100k] [--seconds 3] [--parts commits,traffic,open]
         commits, git clients and opening, beside git and isomorphic-git
  dns    [--sizes 1000,100000,1000000] [--seconds 8] [--rounds 3] [--changes 7] [--signed] [--tcp]
         [--peers NSD,Knot,BIND,PowerDNS] [--program FILE]
         answers a second, from a change to the new answer, loading, memory, beside the peers
  dns    --updates [--sizes 1000,100000] [--seconds 8] [--rounds 3] [--peers Knot,BIND] [--program FILE]
         updates a second with 64 in flight, and how long one takes alone
  dns    --flood 10000000
         random packets: it goes on answering, and does not grow
  resolver [--seconds 3] [--rounds 3] [--peers Unbound,BIND,Knot] [--program FILE]
         answers a second from the cache and from an authority, p99, memory, beside the peers
  caldav [--sizes 10000] [--large 100000] [--seconds 3] [--rounds 5] [--patience 100]
         [--peers Xandikos,Radicale,Cyrus] [--program FILE]
         changes, listings, queries and synchronisation beside the peers, each at most 100 s; start and memory
         with 100,000 events
  vpn    [--pairs both,gateway,client] [--seconds 3] [--rounds 2] [--cipher AES-256-GCM] [--program FILE]
         a TCP stream each way through a tunnel, its CPU and round trip, beside stock OpenVPN; needs root and iperf3
  crash  [--rounds 1000] [--seed N]
         kill -9 under load: no acknowledged commit lost, git fsck clean
`

const ROOMS: { readonly [name: string]: (args: readonly string[]) => Promise<void> } = {
  store: benchStore,
  dns: benchDns,
  resolver: benchResolver,
  caldav: benchCaldav,
  vpn: benchVpn,
  crash: benchCrash,
}

const [room, ...args] = process.argv.slice(2)
const bench = ROOMS[room ?? '']
if (bench === undefined) {
  console.error(USAGE)
  process.exitCode = room === undefined || room === '--help' ? 0 : 64
} else await bench(args)
