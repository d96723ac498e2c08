import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeControlBody,
  encodeControlBody,
} from '../../../../../../appliances/vpn/core/control/control-body.ts'
import {
  framed,
  StreamFrames,
} from '../../../../../../appliances/vpn/core/control/stream-frames.ts'

const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const id = fc.integer({ min: 0, max: 0xffff_ffff })

test('a control body comes back as it was', () => {
  fc.assert(
    fc.property(
      fc.array(id, { maxLength: 8 }),
      octets(8),
      fc.option(id),
      fc.uint8Array({ maxLength: 40 }),
      (acks, session, messageId, payload) => {
        const isAck = messageId === null
        fc.pre(!isAck || acks.length > 0)
        const body = {
          acks,
          remoteSessionId: acks.length > 0 ? session : undefined,
          messageId: messageId ?? undefined,
          payload: isAck ? new Uint8Array(0) : payload,
        }
        const decoded = decodeControlBody(encodeControlBody(body), isAck)!
        expect({
          ...decoded,
          payload: [...decoded.payload],
          remoteSessionId: decoded.remoteSessionId && [...decoded.remoteSessionId],
        }).toEqual({
          ...body,
          payload: [...body.payload],
          remoteSessionId: body.remoteSessionId && [...body.remoteSessionId],
        })
      },
    ),
  )
})

test('one that is cut short, or has too many acknowledgements, is none', () => {
  const body = {
    acks: [1, 2],
    remoteSessionId: new Uint8Array(8),
    messageId: 3,
    payload: new Uint8Array(0),
  }
  const whole = encodeControlBody(body)
  for (let length = 0; length < whole.length; length++)
    expect(decodeControlBody(whole.subarray(0, length), false)).toBeUndefined()
  expect(decodeControlBody(Uint8Array.of(9, ...new Uint8Array(60)), false)).toBeUndefined()
  expect(decodeControlBody(Uint8Array.of(0), true)).toBeUndefined()
})

test('whatever octets come, decoding ends without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (body, isAck) => {
      const decoded = decodeControlBody(body, isAck)
      if (decoded !== undefined) expect(decoded.acks.length).toBeLessThanOrEqual(8)
    }),
    { numRuns: 2000 },
  )
})

test('packets come out of a stream however it is cut', () => {
  const packets = [Uint8Array.of(1), new Uint8Array(300).fill(7), Uint8Array.of(9, 9)]
  const stream = Buffer.concat(packets.map(framed))
  for (let cut = 1; cut < stream.length; cut++) {
    const frames = new StreamFrames()
    const got = [stream.subarray(0, cut), stream.subarray(cut)].flatMap((part) =>
      frames.take(part)!,
    )
    expect(got.map((packet) => [...packet])).toEqual(packets.map((packet) => [...packet]))
  }
  expect(new StreamFrames().take(Uint8Array.of(0, 0, 1))).toBeUndefined()
  expect(new StreamFrames().take(Uint8Array.of(0xff, 0xff))).toBeUndefined()
})
