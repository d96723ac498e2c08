// A tunnel that leads nowhere: the gateway answers pings, and that is all. Needs neither root nor Linux.
import { echoReply } from '../core/tunnel/echo-host.ts'
import type { TunnelDevice } from './device.ts'

/** `take` gets the packets that come back. */
export function simulatedDevice(take: (packet: Uint8Array) => void): TunnelDevice {
  return {
    name: 'simulated',
    send(packet) {
      const reply = echoReply(packet)
      if (reply !== undefined) queueMicrotask(() => take(reply))
    },
    addRoute: () => undefined,
    close: () => Promise.resolve(),
  }
}
