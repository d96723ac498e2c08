// A thread that changes an image all the time, for a reader in another one: see image-responder.test.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { ImageWriter } from '../../appliances/dns/core/image/image-writer.ts'
import { updateZone } from '../../appliances/dns/core/zone/zone-build.ts'
import { zoneOf, zoneText } from './zones.ts'

/** The same number in the serial and in two addresses, and in every other version more names. */
export function changingZone(version: number): string {
  const address = `10.${version >> 16}.${(version >> 8) & 255}.${version & 255}`
  const signed = (owner: string, type: string) =>
    `${owner} RRSIG ${type} 13 2 300 20300101000000 20200101000000 1 @ AAAA`
  const names = version % 2 === 0 ? [] : Array.from({ length: 40 }, (_, i) => `n${10 + i}`)
  const spans = ['@', 'a', 'b', 'ns', ...names].map((n) => `${n} NSEC @ A\n${signed(n, 'NSEC')}\n`)
  return `$TTL 300
@ SOA ns h ${version} 2 3 4 60
@ NS ns
@ MX 10 a
@ MX 20 b
@ DNSKEY 257 3 13 AAAA
${signed('@', 'SOA')}
${signed('@', 'MX')}
ns A 192.0.2.1
a A ${address}
b A ${address}
${names.map((n) => `${n} A 192.0.2.2\n`).join('')}${spans.join('')}`
}

if (parentPort !== null) {
  const { control, versions } = workerData as { control: SharedArrayBuffer; versions: number }
  const writer = new ImageWriter(7)
  let zone = zoneOf('example.org.', changingZone(1))
  const publish = (): void =>
    writer.apply([{ origin: zone.origin, before: undefined, after: zone, isBroken: false }])
  publish()
  const { memory } = writer
  parentPort.postMessage(memory)
  try {
    for (let version = 2; version <= versions && writer.memory === memory; version++) {
      zone = updateZone(zone, zoneText('example.org.', changingZone(version), zone.text)).zone
      zone.own()
      publish()
    }
  } finally {
    Atomics.store(new Int32Array(control), 0, 1)
  }
}
