// A headless Chromium under test, driven by its own protocol (Chrome DevTools Protocol) over Node's WebSocket.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { onTestFinished } from 'vitest'
import { peerPath } from './peers.ts'
import { tempDir } from './temp.ts'

export type BrowserPage = {
  /** The value of an expression in the page; a promise is waited for. */
  evaluate(expression: string): Promise<unknown>
  /** Until an expression is true; fails with what the page shows. */
  until(expression: string): Promise<void>
  /** Of the left button: press, way, release. */
  drag(from: Point, to: Point): Promise<void>
  /** Chosen in a file field, by its selector. */
  choose(selector: string, file: string): Promise<void>
  /** Downloads go into that folder. */
  saveTo(folder: string): Promise<void>
  screenshot(file: string): Promise<void>
  resize(width: number, height: number, scheme: 'light' | 'dark'): Promise<void>
  /** What the page's console and its policy complained of. */
  readonly complaints: readonly string[]
}

export type Point = { readonly x: number; readonly y: number }

const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage --remote-debugging-port=0'.split(
    ' ',
  )
const WAIT_MS = 20_000

/** It ends with the test. `zone` is the browser's own. */
export async function openBrowser(url: string, zone: string): Promise<BrowserPage> {
  const args = [...FLAGS, `--user-data-dir=${tempDir('browser')}`, 'about:blank']
  const child = spawn(peerPath('chromium')!, args, {
    env: { ...process.env, TZ: zone, LANG: 'en_GB.UTF-8' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const endpoint = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += String(chunk)
      const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', () => reject(new Error(`chromium ended: ${said}`)))
  })
  const wire = await Wire.open(endpoint)
  const { targetId } = await wire.call('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await wire.call('Target.attachToTarget', { targetId, flatten: true })
  const call: Call = (method, params) => wire.call(method, params, sessionId as string)
  await call('Runtime.enable', {})
  await call('Log.enable', {})
  await call('Page.enable', {})
  await call('Page.navigate', { url })
  return pageOf(call, wire.complaints)
}

type Call = (method: string, params: object) => Promise<{ readonly [key: string]: unknown }>

function pageOf(call: Call, complaints: readonly string[]): BrowserPage {
  const evaluate = async (expression: string): Promise<unknown> => {
    const options = { expression, awaitPromise: true, returnByValue: true }
    const answer = await call('Runtime.evaluate', options)
    if (answer['exceptionDetails'] !== undefined)
      throw new Error(`${expression}: ${JSON.stringify(answer['exceptionDetails'])}`)
    return (answer['result'] as { value?: unknown }).value
  }
  const mouse = async (type: string, at: Point, buttons: number): Promise<void> => {
    await call('Input.dispatchMouseEvent', { type, ...at, button: 'left', buttons, clickCount: 1 })
  }
  return {
    complaints,
    evaluate,
    async until(expression) {
      const end = performance.now() + WAIT_MS
      while ((await evaluate(expression)) !== true) {
        if (performance.now() > end) {
          const shown = await evaluate('document.body.innerText')
          throw new Error(`never ${expression}: ${String(shown)} ${complaints.join('; ')}`)
        }
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    async drag(from, to) {
      await mouse('mouseMoved', from, 0)
      await mouse('mousePressed', from, 1)
      await mouse('mouseMoved', { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 }, 1)
      await mouse('mouseMoved', to, 1)
      await mouse('mouseReleased', to, 0)
    },
    async choose(selector, file) {
      const { root } = await call('DOM.getDocument', {})
      const { nodeId } = root as { nodeId: number }
      const found = await call('DOM.querySelector', { nodeId, selector })
      await call('DOM.setFileInputFiles', { nodeId: found['nodeId'], files: [file] })
    },
    async saveTo(downloadPath) {
      await call('Page.setDownloadBehavior', { behavior: 'allow', downloadPath })
    },
    async screenshot(file) {
      const { data } = await call('Page.captureScreenshot', { format: 'png' })
      writeFileSync(file, Buffer.from(data as string, 'base64'))
    },
    async resize(width, height, scheme) {
      const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 600 }
      await call('Emulation.setDeviceMetricsOverride', metrics)
      const features = [{ name: 'prefers-color-scheme', value: scheme }]
      await call('Emulation.setEmulatedMedia', { features })
    },
  }
}

type Message = {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly [key: string]: unknown }
  readonly result?: { readonly [key: string]: unknown }
  readonly error?: { readonly message: string }
}

class Wire {
  readonly complaints: string[] = []
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, PromiseWithResolvers<{ [key: string]: unknown }>>()
  #last = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(data as string)))
  }

  static async open(endpoint: string): Promise<Wire> {
    const socket = new WebSocket(endpoint)
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', reject)
    })
    return new Wire(socket)
  }

  call(method: string, params: object, sessionId?: string): Promise<{ [key: string]: unknown }> {
    const id = ++this.#last
    const waiting = Promise.withResolvers<{ [key: string]: unknown }>()
    this.#waiting.set(id, waiting)
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }))
    return waiting.promise
  }

  #receive({ id, method, params, result, error }: Message): void {
    if (method === 'Runtime.exceptionThrown') this.complaints.push(JSON.stringify(params))
    if (method === 'Log.entryAdded') {
      const { level, text } = params!['entry'] as { level: string; text: string }
      if (level === 'error') this.complaints.push(text)
    }
    const waiting = this.#waiting.get(id ?? 0)
    if (waiting === undefined) return
    this.#waiting.delete(id!)
    if (error === undefined) waiting.resolve({ ...result })
    else waiting.reject(new Error(error.message))
  }
}
