// The first file of a packet worker: a thread that answers UDP from the arena and does nothing else.
import { runPacketWorker } from '../../../shared/dns-server/plane/packet-loop.ts'
import { ArenaWorker, type ArenaGiven } from './arena-worker.ts'

await runPacketWorker((given, counts) => new ArenaWorker(given as ArenaGiven, counts))
