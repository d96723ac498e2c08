// Two sides of a zone file to one: by lines, with the serial set apart. Both sides raise it with every change, so it
// would be a conflict each time; the merged zone gets the next one after the newer of the two (RFC 1982).
import type { Merge } from '../../../../store/index.ts'
import { findSerial, isNewerSerial, type SerialPlace } from '../text/soa-serial.ts'

/** `mergeLines` merges what is left: three texts with the same serial. A file without an SOA is only text. */
export function zoneMerge(mergeLines: Merge): Merge {
  return (input) => {
    const { path, base } = input
    const ours = latin1(input.ours)
    const theirs = latin1(input.theirs)
    const ourSerial = findSerial(ours)
    const theirSerial = findSerial(theirs)
    if (ourSerial === undefined || theirSerial === undefined) return mergeLines(input)
    const newer = isNewerSerial(theirSerial.serial, ourSerial.serial) ? theirSerial : ourSerial
    const before = base && latin1(base)
    const baseSerial = before === undefined ? undefined : findSerial(before)
    const isRaised = baseSerial === undefined || newer.serial !== baseSerial.serial
    const serial = isRaised ? (newer.serial + 1) % SERIAL_SPACE : newer.serial
    return mergeLines({
      path,
      base: before && baseSerial ? withSerial(before, baseSerial, serial) : base,
      ours: withSerial(ours, ourSerial, serial),
      theirs: withSerial(theirs, theirSerial, serial),
    })
  }
}

function withSerial(text: string, place: SerialPlace, serial: number): Uint8Array {
  const end = place.at + place.length
  return Buffer.from(text.slice(0, place.at) + String(serial) + text.slice(end), 'latin1')
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

const SERIAL_SPACE = 2 ** 32
