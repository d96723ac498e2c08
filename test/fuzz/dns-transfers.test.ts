// Transfers as a hostile primary might send them: refused with a reason or taken whole, never a crash, never without end.
import { expect, test } from 'vitest'
import { TransferReader, TRANSFER_LIMITS } from '../../shared/dns-transfer/core/transfer-reader.ts'
import { TYPE } from '../../shared/dns/record-types.ts'
import { Random } from '../support/random-zone.ts'
import { askTransfer, TRANSFER_ID, transferServerOf } from '../support/transfers.ts'
import { name, zoneOf } from '../support/zones.ts'

const ROUNDS = 20_000

const versions = [1, 2, 3].map((serial) =>
  zoneOf(
    'example.org.',
    `$TTL 300\n@ SOA ns h ${serial} 7200 3600 1209600 60\n@ NS ns\nns A 192.0.2.${serial}\nm${serial} MX 10 ns\n` +
      Array.from({ length: 20 }, (_, i) => `h${i} TXT "${'x'.repeat(i * serial)}"\n`).join(''),
  ),
)

test('changed octets, lost, doubled and swapped messages', async () => {
  const { server } = transferServerOf(versions)
  const streams = [
    await askTransfer(server, { zone: 'example.org.', limitOctets: 400 }),
    await askTransfer(server, { zone: 'example.org.', serial: 1, limitOctets: 400 }),
  ]
  const outcomes = new Map<string, number>()
  const random = new Random(5936)
  for (let round = 0; round < ROUNDS; round++) {
    const serial = random.chance(50) ? 1 : undefined
    const messages = random.of(streams).map((message) => message.slice())
    for (let left = random.below(4); left > 0; left--) {
      const message = messages[random.below(messages.length)]!
      const kind = random.below(5)
      if (kind === 0) messages.splice(random.below(messages.length), 1, message)
      else if (kind === 1) messages.push(message.subarray(0, random.below(message.length)))
      else message[random.below(message.length)] = random.below(256)
    }
    const reader = new TransferReader({
      id: TRANSFER_ID,
      zone: name('example.org.'),
      qtype: serial === undefined ? TYPE.AXFR : TYPE.IXFR,
      serial,
    })
    let outcome = 'unfinished'
    for (const message of messages) {
      const taken = reader.take(message)
      if (taken.ok && taken.value === undefined) continue
      outcome = taken.ok ? taken.value!.kind : taken.error.kind
      break
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  for (const outcome of ['full', 'incremental', 'malformed', 'rcode', 'unfinished'])
    expect(outcomes.get(outcome), outcome).toBeGreaterThan(0)
})

test('a stream without end is cut off', async () => {
  const { server } = transferServerOf(versions)
  const messages = await askTransfer(server, { zone: 'example.org.', limitOctets: 400 })
  const question = {
    id: TRANSFER_ID,
    zone: name('example.org.'),
    qtype: TYPE.AXFR,
    serial: undefined,
  }
  for (const [limits, what] of [
    [{ ...TRANSFER_LIMITS, records: 100 }, 'records'],
    [{ ...TRANSFER_LIMITS, octets: 5000 }, 'octets'],
  ] as const) {
    const reader = new TransferReader(question, limits)
    let taken = reader.take(messages[0]!)
    for (let i = 0; taken.ok && i < 1000; i++) taken = reader.take(messages[1]!)
    expect(taken).toEqual({ ok: false, error: { kind: 'too-large', what } })
  }
})
