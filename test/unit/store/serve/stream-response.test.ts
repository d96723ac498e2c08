import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock, VirtualClock } from '../../../../shared/clock/clock.ts'
import { streamResponse } from '../../../../store/serve/stream-response.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A server that answers every request with `answer`; gives its port. */
async function listen(answer: (response: ServerResponse) => void): Promise<number> {
  server = createServer((_, response) => answer(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const PIECE = Buffer.alloc(64 * 1024)

describe('an answer', () => {
  test('that is small states its length', async () => {
    const port = await listen((response) => {
      void streamResponse(
        response,
        [Buffer.from('one'), Buffer.alloc(0), Buffer.from('two')],
        systemClock,
      )
    })
    const response = await fetch(`http://127.0.0.1:${port}`)
    expect(response.headers.get('content-length')).toBe('6')
    expect(await response.text()).toBe('onetwo')
  })

  test('that is large comes whole, and its size is told', async () => {
    let sent: Promise<number> | undefined
    const pieces = Array.from({ length: 40 }, (_, n) => Buffer.alloc(50_000, n))
    const port = await listen((response) => {
      sent = streamResponse(response, pieces, systemClock)
    })
    const body = await (await fetch(`http://127.0.0.1:${port}`)).arrayBuffer()
    expect(Buffer.from(body).equals(Buffer.concat(pieces))).toBe(true)
    expect(await sent).toBe(2_000_000)
  })

  test('waits for a client that does not read, and ends when it leaves', async () => {
    let made = 0
    let stopped = false
    let sent: Promise<number> | undefined
    function* endless(): Generator<Uint8Array> {
      try {
        for (; made < 10_000; made++) yield PIECE
      } finally {
        stopped = true
      }
    }
    const port = await listen((response) => {
      sent = streamResponse(response, endless(), systemClock)
    })
    const client = connect(port, '127.0.0.1', () =>
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
    ).pause()
    await sleep(300)
    const after = made
    expect(after).toBeGreaterThan(0)
    expect(after).toBeLessThan(500)
    await sleep(100)
    expect(made).toBe(after)
    client.destroy()
    await sent
    expect(stopped).toBe(true)
    expect(made).toBeLessThan(after + 10)
  })

  test('that takes long lets others have their turn', async () => {
    const clock = new VirtualClock()
    let turns = 0
    const count = (): void => {
      turns++
      if (turns < 1000) setImmediate(count)
    }
    function* slow(): Generator<Uint8Array> {
      setImmediate(count)
      for (let n = 0; n < 100; n++) {
        clock.advance(1)
        yield new Uint8Array(0)
      }
      yield Buffer.from(String(turns))
    }
    const port = await listen((response) => void streamResponse(response, slow(), clock))
    expect(Number(await (await fetch(`http://127.0.0.1:${port}`)).text())).toBeGreaterThanOrEqual(
      15,
    )
  })
})
