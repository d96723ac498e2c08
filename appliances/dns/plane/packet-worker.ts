// The first file of a packet worker: a thread that answers UDP from the image and does nothing else.
import { runPacketWorker } from '../../../shared/dns-server/plane/packet-loop.ts'
import { ImageAnswerer, type ImageGiven } from './image-answerer.ts'

await runPacketWorker((given, counts) => new ImageAnswerer(given as ImageGiven, counts))
