// The first file of a packet worker: a thread that answers UDP and does nothing else. See packet-plane.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { openUdpSystem } from '../../../shared/native/udp-socket.ts'
import { Bug } from '../../../shared/result/result.ts'
import { PacketLoop } from './packet-loop.ts'
import type { WorkerStart } from './plane-messages.ts'

const system = await openUdpSystem()
if (system === undefined || parentPort === null) throw new Bug('A packet worker without its means')
new PacketLoop(workerData as WorkerStart, system, parentPort).run()
