// Zones signed here, judged by the tools of BIND, NLnet Labs and Knot: every algorithm and every kind of denial.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import type { AlgorithmName } from '../../shared/dnssec/algorithms.ts'
import type { Zone } from '../../appliances/dns/core/zone/zone.ts'
import { peerPath, peerTest } from '../support/peers.ts'
import { Random, randomZone } from '../support/random-zone.ts'
import {
  keysOf,
  makeKey,
  nowSeconds,
  SETTINGS,
  signWhole,
  zoneFileText,
} from '../support/signed-zone.ts'
import { tempDir } from '../support/temp.ts'
import { name, zoneOf } from '../support/zones.ts'

const ORIGIN = 'example.org.'

type Verdict = { readonly ok: boolean; readonly output: string }

function judge(program: string, args: readonly string[]): Verdict {
  try {
    const output = execFileSync(peerPath(program)!, args, { encoding: 'utf8', stdio: 'pipe' })
    return { ok: true, output }
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout: string; stderr: string }
    return { ok: false, output: `${stdout}${stderr}` }
  }
}

function check(zone: Zone, zonemd = false): void {
  const file = join(tempDir('signed'), 'example.org')
  writeFileSync(file, zoneFileText(zone))
  const verdicts = [
    judge('dnssec-verify', ['-z', '-o', ORIGIN, file]),
    judge('ldns-verify-zone', zonemd ? ['-Z', file] : [file]),
    judge('kzonecheck', ['-o', ORIGIN, '-d', 'on', file]),
  ]
  expect(verdicts.filter(({ ok }) => !ok).map(({ output }) => output)).toEqual([])
}

const PEERS = ['dnssec-verify', 'ldns-verify-zone', 'kzonecheck']

describe('a zone signed here holds before dnssec-verify, ldns-verify-zone and kzonecheck', () => {
  for (const algorithm of ['ECDSAP256SHA256', 'ECDSAP384SHA384', 'ED25519', 'RSASHA256'] as const)
    for (const denial of ['nsec', 'nsec3'] as const)
      peerTest(PEERS, `${algorithm} with ${denial}`, () => {
        check(signed({ algorithm, denial, seed: 7 }))
      })

  for (const denial of ['nsec', 'nsec3'] as const) {
    peerTest(PEERS, `${denial}, other random zones, a KSK and a ZSK`, () => {
      for (let seed = 20; seed < 26; seed++)
        check(signed({ algorithm: 'ED25519', denial, seed, split: true }))
    })
    peerTest(PEERS, `${denial} with a digest over the zone`, () => {
      check(signed({ algorithm: 'ED25519', denial, seed: 30, zonemd: true }), true)
    })
  }
})

function signed(wish: {
  readonly algorithm: AlgorithmName
  readonly denial: 'nsec' | 'nsec3'
  readonly seed: number
  readonly split?: boolean
  readonly zonemd?: boolean
}): Zone {
  const zone = zoneOf(ORIGIN, randomZone(new Random(wish.seed), ORIGIN, 120).text)
  const entry = makeKey(wish.algorithm)
  const keys = keysOf(name(ORIGIN), entry, wish.split ? makeKey(wish.algorithm, 256) : entry)
  const settings = { ...SETTINGS, denial: wish.denial, zonemd: wish.zonemd ?? false }
  return signWhole(zone, { keys, serial: 7, nowSeconds: nowSeconds() }, settings).signed
}
