// Packets into a TCP connection: those of one turn of the event loop leave in one system call.
import type { Socket } from 'node:net'
import { framed } from '../core/control/stream-frames.ts'

/** What waits in a connection that does not read; packets beyond it are lost, as on any slow network. */
const BACKLOG_BYTES = 1024 * 1024

export function sendFramed(socket: Socket, packet: Uint8Array): void {
  if (!socket.writable || socket.writableLength >= BACKLOG_BYTES) return
  if (socket.writableCorked === 0) {
    socket.cork()
    process.nextTick(() => socket.uncork())
  }
  socket.write(framed(packet))
}
