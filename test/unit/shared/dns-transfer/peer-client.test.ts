// Messages to other name servers: what is left of one that nobody answers.
import { createSocket } from 'node:dgram'
import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { PeerClient } from '../../../../shared/dns-transfer/peer-client.ts'
import { soaQuery } from '../../../../shared/dns-transfer/core/transfer-query.ts'
import { systemClock } from '../../../../shared/clock/clock.ts'
import { name } from '../../../support/zones.ts'

test('nothing of a message stays with the signal that would have stopped it', async () => {
  const client = new PeerClient({
    ring: { find: () => undefined, all: () => [] },
    policy: { truncated: false, sha1: false },
    clock: systemClock,
  })
  const silent = createSocket('udp4')
  await new Promise<void>((bound) => void silent.bind(0, '127.0.0.1', bound))
  const { signal } = new AbortController()
  const endpoint = { host: '127.0.0.1', port: silent.address().port }
  for (let i = 0; i < 3; i++) {
    const answer = await client.ask({ endpoint }, soaQuery(i, name('a.org.')), signal, [1, 1])
    // By TCP at last, where nobody listens.
    expect(answer).toEqual({ ok: false, error: 'ECONNREFUSED' })
  }
  expect(getEventListeners(signal, 'abort')).toEqual([])
  silent.close()
})
