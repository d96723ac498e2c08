// A TUN device, read by a thread of its own so that waiting for packets holds up nothing.
import { Worker } from 'node:worker_threads'
import { openTun, TUN_PATH, type TunFault, type TunSettings } from '../../../shared/native/tun.ts'
import { Bug, Fatal } from '../../../shared/result/result.ts'
import type { TunnelDevice } from './device.ts'
import type { TunBatch, TunWorkerStart } from './tun-messages.ts'

/** Put in by the bundler (tools/bundle.ts). */
declare const TUN_WORKER_CODE: string | undefined

/** `take` gets each packet. Throws `Fatal` with what would help when there is no device to be had. */
export async function openTunDevice(
  settings: TunSettings,
  take: (packet: Uint8Array) => void,
  fail: (cause: Error) => void,
): Promise<TunnelDevice> {
  const opened = await openTun(settings)
  if (opened === undefined)
    throw new Fatal(
      'A tunnel device needs Linux and Node with --experimental-ffi; `simulate = true` runs without one',
    )
  if (!opened.ok) throw new Fatal(explain(settings.name, opened.error))
  const tun = opened.value
  const stop = new SharedArrayBuffer(4)
  const workerData: TunWorkerStart = { fd: tun.fd, stop }
  const worker = new Worker(workerFile(), {
    workerData,
    name: 'tunnel',
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  let isClosing = false
  const ended = new Promise<void>((done) => {
    worker.on('exit', () => {
      if (!isClosing) fail(new Bug('The tunnel thread ended'))
      done()
    })
  })
  worker.on('error', (cause) => fail(cause instanceof Error ? cause : new Bug(String(cause))))
  worker.on('message', ({ octets, lengths }: TunBatch) => {
    let at = 0
    for (const length of lengths) {
      take(octets.subarray(at, at + length))
      at += length
    }
  })
  return {
    name: tun.name,
    send: (packet) => tun.send(packet),
    addRoute(network) {
      const fault = tun.addRoute(network)
      return fault && `${fault.call}: ${fault.code}`
    },
    async close() {
      isClosing = true
      Atomics.store(new Int32Array(stop), 0, 1)
      await ended
      tun.close()
    },
  }
}

function explain(name: string, { call, code }: TunFault): string {
  if (call.startsWith('open'))
    return code === 'ENOENT'
      ? `There is no ${TUN_PATH}: load the kernel's module (modprobe tun), give the container the device, or set simulate = true`
      : `${TUN_PATH} cannot be opened (${code}): run as root or with CAP_NET_ADMIN, or set simulate = true`
  if (code === 'EPERM')
    return `The device ${name} needs CAP_NET_ADMIN (${call}: ${code}): run as root, or set simulate = true`
  if (code === 'EBUSY') return `The device ${name} is in use by another program`
  return `The device ${name} cannot be set up (${call}: ${code})`
}

function workerFile(): URL {
  if (typeof TUN_WORKER_CODE === 'undefined') return new URL('./tun-worker.ts', import.meta.url)
  return new URL(`data:text/javascript,${encodeURIComponent(TUN_WORKER_CODE)}`)
}
