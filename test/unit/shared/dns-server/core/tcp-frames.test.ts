import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader } from '../../../../../shared/dns-server/core/tcp-frames.ts'

const frame = (message: Uint8Array) => {
  return Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message])
}

function readAll(chunks: readonly Buffer[]): string[] {
  const reader = new FrameReader()
  const messages: string[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let m = reader.next(); m !== undefined; m = reader.next()) messages.push(m.toString('hex'))
  }
  return messages
}

const three = [Buffer.from('first'), Buffer.alloc(0), Buffer.alloc(300, 7)]
const stream = Buffer.concat(three.map(frame))
const expected = three.map((message) => message.toString('hex'))

test('gives the same messages for every way to cut the stream in two', () => {
  for (let at = 0; at <= stream.length; at++)
    expect(readAll([stream.subarray(0, at), stream.subarray(at)])).toEqual(expected)
})

test('gives the same messages octet by octet', () => {
  const chunks = Array.from(stream, (octet) => Buffer.of(octet))
  expect(readAll(chunks)).toEqual(expected)
})

test('gives back any messages cut anywhere', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 8 })
  fc.assert(
    fc.property(messages, fc.array(fc.nat(4000), { maxLength: 8 }), (sent, cuts) => {
      const whole = Buffer.concat(sent.map(frame))
      const at = [0, ...cuts.filter((c) => c < whole.length).sort((a, b) => a - b), whole.length]
      const chunks = at.slice(1).map((end, i) => whole.subarray(at[i], end))
      expect(readAll(chunks)).toEqual(sent.map((m) => Buffer.from(m).toString('hex')))
    }),
  )
})

test('keeps messages that are taken later', () => {
  const reader = new FrameReader()
  for (const octet of stream) reader.push(Buffer.of(octet))
  const messages = [reader.next(), reader.next(), reader.next()]
  expect(messages.map((m) => m?.toString('hex'))).toEqual(expected)
  expect(reader.next()).toBeUndefined()
})

test('takes the longest message', () => {
  const longest = Buffer.alloc(65_535, 1)
  const messages = readAll([frame(longest), frame(Buffer.of(1))])
  expect(messages.map((m) => m.length / 2)).toEqual([65_535, 1])
})
