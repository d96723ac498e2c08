// A tunnel that leads nowhere: the gateway answers pings, and that is all. Needs neither root nor Linux.
import { echoReply } from '../core/tunnel/echo-host.ts'
import { Segments } from '../core/data/segments.ts'
import type { TakeSegments, TunnelDevice } from './device.ts'

/** `take` gets the packets that come back. */
export function simulatedDevice(take: TakeSegments): TunnelDevice {
  const segments = new Segments()
  return {
    name: 'simulated',
    send(packet) {
      const reply = echoReply(packet)
      if (reply === undefined) return
      queueMicrotask(() => {
        segments.takeWhole(reply)
        take(segments)
      })
    },
    addRoute: () => undefined,
    close: () => Promise.resolve(),
  }
}
