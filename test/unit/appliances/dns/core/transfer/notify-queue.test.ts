import { expect, test } from 'vitest'
import {
  NOTIFY_PAUSES_S,
  NotifyQueue,
} from '../../../../../../appliances/dns/core/transfer/notify-queue.ts'
import { soaRecord } from '../../../../../../appliances/dns/core/transfer/zone-sequence.ts'
import { name, zoneOf } from '../../../../../support/zones.ts'

const ZONE = name('example.org.')
const soa = (serial: number) =>
  soaRecord(zoneOf('example.org.', `@ 300 SOA ns h ${serial} 1 1 1 1\n`))!
const a = { address: '192.0.2.1:53', key: undefined }
const b = { address: '192.0.2.2:53', key: name('k.') }

test('tells each target once, and again with growing pauses until it answers', () => {
  const queue = new NotifyQueue()
  queue.changed(ZONE, soa(1), [a, b], 0)
  const [first, second] = queue.due(0)
  expect([first?.target, second?.target]).toEqual([a, b])
  expect(queue.due(0)).toEqual([])
  expect(queue.settled(first!, true, 10)).toBe('done')
  let task = second!
  let nowMs = 10
  for (const pause of NOTIFY_PAUSES_S) {
    expect(queue.settled(task, false, nowMs)).toBe('again')
    nowMs += pause * 1000
    expect(queue.wakeAt()).toBe(nowMs)
    expect(queue.due(nowMs - 1)).toEqual([])
    task = queue.due(nowMs)[0]!
  }
  expect(queue.settled(task, false, nowMs)).toBe('given-up')
  expect(queue.size).toBe(0)
})

test('a newer change takes the place of an older one, and waits for the message under way', () => {
  const queue = new NotifyQueue()
  queue.changed(ZONE, soa(1), [a], 0)
  queue.changed(ZONE, soa(2), [a], 1)
  const [task, ...others] = queue.due(1)
  expect(others).toEqual([])
  expect(task?.soa).toEqual(soa(2))
  queue.changed(ZONE, soa(3), [a], 2)
  expect(queue.due(2)).toEqual([])
  expect(queue.settled(task!, true, 3)).toBe('again')
  expect(queue.due(3)).toMatchObject([{ soa: soa(3), attempt: 0 }])
})

test('is in no hurry with a server that does not answer, however often the zone changes', () => {
  const queue = new NotifyQueue()
  let sent = 0
  for (let nowMs = 0; nowMs < 60_000; nowMs += 10) {
    queue.changed(ZONE, soa(nowMs), [a], nowMs)
    for (const task of queue.due(nowMs)) {
      sent++
      expect(task.soa).toEqual(soa(nowMs))
      queue.settled(task, false, nowMs)
    }
  }
  expect(sent).toBe(60)
  // One that was not reached for long hears of a change soon all the same.
  for (let nowMs = 60_000; nowMs < 4_000_000; nowMs += 1000)
    for (const task of queue.due(nowMs)) queue.settled(task, false, nowMs)
  queue.changed(ZONE, soa(7), [a], 4_000_000)
  expect(queue.wakeAt()).toBe(4_001_000)
})

test('forgets a zone that is gone, and targets that are none any more', () => {
  const queue = new NotifyQueue()
  queue.changed(ZONE, soa(1), [a, b], 0)
  queue.changed(ZONE, soa(2), [b], 0)
  expect([...queue.pending()].map(({ target }) => target)).toEqual([b])
  queue.gone(ZONE)
  expect(queue.size).toBe(0)
})
