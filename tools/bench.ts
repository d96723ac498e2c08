// Measures a room of ours beside its peers: `npm run bench -- store`.
import { benchCrash } from './bench/crash.ts'
import { benchDns } from './bench/dns.ts'
import { benchStore } from './bench/store.ts'

const USAGE = `usage: npm run bench -- ROOM [options]

  store  [--shapes n100,n10k,f10k,n100k] [--seconds 3] [--parts commits,traffic,open]
         commits, git clients and opening, beside git and isomorphic-git
  dns    [--sizes 1000,10000,100000] [--seconds 8] [--program dist/cairn-dns.mjs]
         from a push to the new answer, and answers a second, beside NSD
  crash  [--rounds 1000] [--seed N]
         kill -9 under load: no acknowledged commit lost, git fsck clean
`

const ROOMS: { readonly [name: string]: (args: readonly string[]) => Promise<void> } = {
  store: benchStore,
  dns: benchDns,
  crash: benchCrash,
}

const [room, ...args] = process.argv.slice(2)
const bench = ROOMS[room ?? '']
if (bench === undefined) {
  console.error(USAGE)
  process.exitCode = room === undefined || room === '--help' ? 0 : 64
} else await bench(args)
