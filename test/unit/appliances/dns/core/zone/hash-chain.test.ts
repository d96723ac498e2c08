import { describe, expect, test } from 'vitest'
import { HashChain } from '../../../../../../appliances/dns/core/zone/hash-chain.ts'
import {
  hashedOwner,
  hashOfOwner,
  hashParametersOf,
  NameHash,
} from '../../../../../../shared/dnssec/name-hash.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { name, zoneOf } from '../../../../../support/zones.ts'

const PARAMETERS = { iterations: 12, salt: Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd) }

/** RFC 5155 appendix A. */
const HASHES = {
  'example.': '0p9mhaveqvm6t7vbl5lop2u3t2rp3tom',
  'a.example.': '35mthgpgcu1qg68fab165klnsnk3dpvl',
  'ai.example.': 'gjeqe526plbf1g8mklp59enfd789njgi',
  'ns1.example.': '2t7b4g4vsa5smi47k61mv5bv1a22bojr',
  'ns2.example.': 'q04jkcevqvmu85r014c7dkba38o0ji5r',
  'w.example.': 'k8udemvp1j2f7eg6jebps17vp3n8i58h',
  '*.w.example.': 'r53bq7cc2uvmubfu5ocmm6pers9tk9en',
  'x.w.example.': 'b4um86eghhds6nea196smvmlo4ors995',
  'y.w.example.': 'ji6neoaepv8b5o6k4ev33abha8ht9fgc',
  'x.y.w.example.': '2vptu5timamqttgl4luu9kg21e0aor3s',
  'xx.example.': 't644ebqk9bibcna874givr6joj62mlhv',
}

describe('hashed names', () => {
  const hash = new NameHash(PARAMETERS)

  test.each(Object.entries(HASHES))('%s is %s', (owner, hashed) => {
    const digest = hash.of(name(owner))
    const made = name(`${hashed}.example.`)
    expect(hashedOwner(digest, name('example.'))).toBe(made)
    expect(hashOfOwner(made, name('example.'))).toBe(digest)
    expect(hash.kept(name(owner))).toBe(digest)
    expect(hash.kept(name(owner))).toBe(digest)
  })

  test('are no other names', () => {
    const origin = name('example.')
    for (const other of ['example.', 'a.example.', 'x.0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.'])
      expect(hashOfOwner(name(other), origin)).toBeUndefined()
    expect(hashOfOwner(name('0p9mhaveqvm6t7vbl5lop2u3t2rp3toz.example.'), origin)).toBeUndefined()
    expect(hashOfOwner(name('0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.a.example.'), origin)).toBeUndefined()
  })

  test('are kept for so many names and no more', () => {
    const other = new NameHash(PARAMETERS)
    const names = Array.from({ length: 2000 }, (_, i) => name(`${i}.example.`))
    const first = names.map((n) => other.kept(n))
    expect(names.map((n) => hash.of(n))).toEqual(first)
  })

  test('are of SHA-1 alone', () => {
    expect(hashParametersOf(Uint8Array.of(2, 0, 0, 0, 0))).toBeUndefined()
    expect(hashParametersOf(Uint8Array.of(1, 0, 1, 2, 1, 9, 8))).toEqual({
      iterations: 258,
      salt: Uint8Array.of(9),
    })
  })
})

test('a chain matches, covers, and goes round', () => {
  const owners = ['example.', 'a.example.', 'ns1.example.'].map((n) => {
    return name(`${HASHES[n as keyof typeof HASHES]}.example.`)
  })
  const chain = HashChain.empty(name('example.'), PARAMETERS).with(
    new Map(owners.map((owner) => [owner, true])),
  )
  expect([...chain.owners()]).toEqual([owners[0], owners[2], owners[1]])
  expect(chain.match(name('a.example.'))).toBe(owners[1])
  expect(chain.match(name('ai.example.'))).toBeUndefined()
  expect(chain.cover(name('x.y.w.example.'), false)).toBe(owners[2])
  expect(chain.cover(name('xx.example.'), true)).toBe(owners[1])
})

describe('a zone', () => {
  const head = '$TTL 300\n@ SOA ns h 1 2 3 4 60\n@ NS ns\nns A 192.0.2.1\n'
  const apexHash = `${HASHES['example.']} NSEC3 1 0 12 aabbccdd ${HASHES['a.example.']} SOA\n`

  test('has no names for its hashes, and a chain for what NSEC3PARAM says', () => {
    const zone = zoneOf('example.', `${head}@ NSEC3PARAM 1 0 12 aabbccdd\n${apexHash}`)
    expect(zone.nodes.size).toBe(2)
    expect(zone.apex?.children).toBe(1)
    expect(zone.hashed.size).toBe(1)
    expect(zone.chain?.size).toBe(1)
  })

  test.each([
    ['nothing', ''],
    ['another salt', '@ NSEC3PARAM 1 0 12 aabbccdddd\n'],
    ['other iterations', '@ NSEC3PARAM 1 0 11 aabbccdd\n'],
    ['flags', '@ NSEC3PARAM 1 1 12 aabbccdd\n'],
    ['another hash', '@ NSEC3PARAM 2 0 12 aabbccdd\n'],
  ])('has no chain when NSEC3PARAM says %s', (_, parameters) => {
    expect(zoneOf('example.', head + parameters + apexHash).chain).toBeUndefined()
  })

  test.each([
    [100, 1],
    [101, undefined],
  ])('whose hashes take %i iterations has a chain of %s', (iterations, size) => {
    const hash = new NameHash({ iterations, salt: new Uint8Array(0) })
    const owner = formatName(hashedOwner(hash.of(name('example.')), name('example.')))
    const nsec3 = `${owner} NSEC3 1 0 ${iterations} - ${HASHES['a.example.']} SOA\n`
    const zone = zoneOf('example.', `${head}@ NSEC3PARAM 1 0 ${iterations} -\n${nsec3}`)
    expect(zone.chain?.size).toBe(size)
  })

  test('takes the first chain that is there', () => {
    const both = '@ NSEC3PARAM 1 0 1 -\n@ NSEC3PARAM 1 0 12 aabbccdd\n'
    expect(zoneOf('example.', head + both + apexHash).chain?.size).toBe(1)
  })
})
