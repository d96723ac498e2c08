// A CalDAV server of somebody else as a child process: started, waited for until it answers, stopped.
import { spawn } from 'node:child_process'
import { peerPath } from '../../test/support/peers.ts'
import { eventFile } from './caldav-events.ts'

const READY_LIMIT_MS = 120_000
const STOP_LIMIT_MS = 10_000

export type CaldavServer = {
  readonly port: number
  readonly pid: number
  /** From the start of the process to the first answer. */
  readonly startMs: number
  /** Of the calendar: `/calendars/alice/bench/`. */
  readonly path: string
  /** `alice:password`; absent where nobody is asked. */
  readonly login?: string
  stop(): Promise<void>
}

/** Resolves when `isUp` says so. */
export async function startPeer(
  program: string,
  args: readonly string[],
  port: number,
  path: string,
  isUp: () => Promise<boolean> = () => answers(port, path),
): Promise<CaldavServer> {
  const startMs = performance.now()
  const child = spawn(peerPath(program)!, args, { stdio: 'ignore' })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
    await ended
    clearTimeout(timer)
  }
  while (!(await isUp())) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    if (child.exitCode === null && performance.now() - startMs < READY_LIMIT_MS) continue
    await stop()
    throw new Error(`${program} does not come up`)
  }
  return { port, pid: child.pid!, startMs: performance.now() - startMs, path, stop }
}

async function answers(port: number, path: string): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}${path}${eventFile(0)}`)
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    // Not there yet.
    return false
  }
}
