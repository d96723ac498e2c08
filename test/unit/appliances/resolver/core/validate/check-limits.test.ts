// What one answer may cost, whatever it is made of.
import type { RRset } from '../../../../../../appliances/resolver/core/rrset.ts'
import { describe, expect, test } from 'vitest'
import {
  CheckBudget,
  SAME_TAG_LIMIT,
} from '../../../../../../appliances/resolver/core/validate/check-limits.ts'

import { Nsec3Denial } from '../../../../../../appliances/resolver/core/validate/nsec3-denial.ts'
import { checkSignatures } from '../../../../../../appliances/resolver/core/validate/signature-check.ts'
import { TrustMemory } from '../../../../../../appliances/resolver/core/validate/trust-memory.ts'
import { checkKeys } from '../../../../../../appliances/resolver/core/validate/zone-keys.ts'
import { DEFAULT_POLICY } from '../../../../../../appliances/resolver/core/validate/check-limits.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { dsRdata, keyTag } from '../../../../../../shared/dnssec/dnskey.ts'
import { hashedOwner, NameHash } from '../../../../../../shared/dnssec/name-hash.ts'
import { nsec3Rdata } from '../../../../../../shared/dnssec/nsec.ts'
import { dataToSign, rrsigRdata, verifyingKey } from '../../../../../../shared/dnssec/rrsig.ts'
import { makeKey } from '../../../../../support/signed-zone.ts'
import { name } from '../../../../../support/zones.ts'

const ZONE = name('example.test.')
const NOW = 1_764_000_000

class CountedBudget extends CheckBudget {
  verifications = 0
  hashes = 0
  digests = 0

  override mayVerify(): boolean {
    const may = super.mayVerify()
    if (may) this.verifications++
    return may
  }

  override mayHash(): boolean {
    const may = super.mayHash()
    if (may) this.hashes++
    return may
  }

  override mayDigest(): boolean {
    const may = super.mayDigest()
    if (may) this.digests++
    return may
  }
}

function signedBy(set: Omit<RRset, 'signatures'>, key = makeKey(), spoil = false): Uint8Array {
  const toSign = dataToSign(set, { key, signer: ZONE }, { inception: NOW - 9, expiration: NOW + 9 })
  const signature = key.sign(toSign.data)
  if (spoil) signature[5]! ^= 1
  return rrsigRdata(toSign, signature)
}

const SET = { owner: ZONE, type: TYPE.A, ttlSeconds: 60, rdatas: [Uint8Array.of(192, 0, 2, 1)] }

describe('KeyTrap', () => {
  test('keys of one tag and bad signatures by it', () => {
    const key = verifyingKey(makeKey().dnskey)!
    const keys = Array.from({ length: 40 }, () => key)
    const signatures = Array.from({ length: 40 }, () => signedBy(SET, makeKey(), true))
    for (const signature of signatures) {
      signature[16] = key.tag >> 8
      signature[17] = key.tag & 0xff
    }
    const budget = new CountedBudget()
    const time = { nowSeconds: NOW, budget }
    for (let i = 0; i < 10; i++)
      expect(checkSignatures({ ...SET, signatures }, { zone: ZONE, keys }, time).ok).toBe(false)
    expect(budget.verifications).toBe(16)
    const one = new CountedBudget()
    const set = { ...SET, signatures: signatures.slice(0, 1) }
    checkSignatures(set, { zone: ZONE, keys }, { nowSeconds: NOW, budget: one })
    expect(one.verifications).toBe(SAME_TAG_LIMIT)
  })

  test('many DS records for many keys', () => {
    const { dnskey } = makeKey()
    const wrong = dsRdata(ZONE, dnskey)
    wrong[10]! ^= 1
    const budget = new CountedBudget()
    const set = {
      owner: ZONE,
      type: TYPE.DNSKEY,
      ttlSeconds: 60,
      rdatas: Array.from({ length: 400 }, () => dnskey),
      signatures: [],
    }
    const ds = Array.from({ length: 12 }, () => wrong)
    const checked = checkKeys(set, ds, DEFAULT_POLICY, { nowSeconds: NOW, budget })
    expect(checked.ok).toBe(false)
    expect(budget.digests).toBe(64)
    expect(keyTag(dnskey)).toBe((wrong[0]! << 8) | wrong[1]!)
  })

  test('honest work is not stopped', () => {
    const budget = new CountedBudget()
    const key = makeKey()
    const keys = { zone: ZONE, keys: [verifyingKey(key.dnskey)!] }
    const set = { ...SET, signatures: [signedBy(SET, key)] }
    for (let i = 0; i < 100; i++)
      expect(checkSignatures(set, keys, { nowSeconds: NOW, budget }).ok).toBe(true)
    // And what holds may be kept until the signature ends.
    const signed = checkSignatures(set, keys, { nowSeconds: NOW, budget })
    expect(signed).toEqual({ ok: true, value: { ttlSeconds: 9 } })
  })
})

test('names of many labels are hashed so often and no more', () => {
  const parameters = { iterations: 0, salt: new Uint8Array(0) }
  const sets = [ZONE].map((owner) => {
    const hashed = new NameHash(parameters).of(owner)
    const rdatas = [nsec3Rdata(parameters, hashed, [TYPE.SOA])]
    return {
      owner: hashedOwner(hashed, ZONE),
      type: TYPE.NSEC3,
      ttlSeconds: 60,
      rdatas,
      signatures: [],
    }
  })
  const deny = (label: string, budget: CheckBudget): boolean => {
    const denial = new Nsec3Denial(ZONE, sets, parameters, budget)
    return denial.noName(name(`${label.repeat(110)}example.test.`)) !== undefined
  }
  const budget = new CountedBudget()
  expect(deny('a.', budget)).toBe(true)
  expect(deny('b.', budget)).toBe(false)
  expect(budget.hashes).toBe(128)
})

test('trust is kept for so many zones, and as long as it lasts', () => {
  const memory = new TrustMemory(3)
  for (const zone of ['a.', 'b.', 'c.'])
    memory.set(name(zone), { kind: 'no-cut', untilSeconds: NOW + 10 })
  expect(memory.get(name('a.'), NOW)).toBeDefined()
  memory.set(name('d.'), { kind: 'no-cut', untilSeconds: NOW })
  expect(memory.size).toBe(3)
  expect(memory.get(name('b.'), NOW)).toBeUndefined()
  expect(memory.get(name('a.'), NOW + 11)).toBeUndefined()
  expect(memory.get(name('d.'), NOW)).toBeDefined()
  memory.clear()
  expect(memory.size).toBe(0)
})
