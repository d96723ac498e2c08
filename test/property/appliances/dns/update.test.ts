// Random updates against a model made of sets of strings; the file, read again, says what the model says, and every
// comment of its owner is still there.
import { isNewerSerial } from '../../../../shared/dns/soa.ts'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { loadZones } from '../../../../appliances/dns/core/branch/zone-set.ts'
import { planUpdate } from '../../../../appliances/dns/core/update/update-plan.ts'
import { decodeUpdate } from '../../../../appliances/dns/core/update/update-message.ts'
import { RCODE } from '../../../../shared/dns/message.ts'
import { MemorySnapshot } from '../../../support/memory-snapshot.ts'
import { updateOf } from '../../../support/updates.ts'
import { name, zoneRecords } from '../../../support/zones.ts'

const PATH = 'zones/example.org'
const ZONE = `; first: the zone of example.org
$TTL 300
@    SOA ns hostmaster ( 1 ; serial
       7200 3600 1209600 60 ) ; end of soa
@    NS  ns      ; name server
     MX  10 a    ; mail
ns   A   192.0.2.1 ; address of ns
; people
a    A   192.0.2.2 ; a one
     A   192.0.2.3 ; a two
$TTL 600
b    TXT "x;y" ; b text
c    CNAME a   ; c alias
`
const GRANTS = [{ right: 'update', zone: name('.') }] as const

const OWNERS = ['a', 'b', 'c', 'd', 'e.d', '*.w'].map((label) => `${label}.example.org.`)
const VALUES: { readonly [type: string]: readonly string[] } = {
  A: ['192.0.2.2', '192.0.2.3', '192.0.2.4'],
  AAAA: ['2001:db8::1'],
  TXT: ['one', 'two', '"x;y"'],
  CNAME: ['a.example.org.', 'ns.example.org.'],
}
const typed = fc
  .constantFrom(...Object.keys(VALUES))
  .chain((type) => fc.tuple(fc.constant(type), fc.constantFrom(...VALUES[type]!)))
const owner = fc.constantFrom(...OWNERS)

type Step =
  | { kind: 'add'; owner: string; ttl: number; type: string; value: string }
  | { kind: 'delete'; owner: string; type: string; value: string }
  | { kind: 'delete-set'; owner: string; type: string }
  | { kind: 'delete-name'; owner: string }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(owner, fc.constantFrom(60, 300, 600), typed).map(([owner, ttl, [type, value]]) => {
    return { kind: 'add', owner, ttl, type, value } as const
  }),
  fc.tuple(owner, typed).map(([owner, [type, value]]) => {
    return { kind: 'delete', owner, type, value } as const
  }),
  fc.tuple(owner, typed).map(([owner, [type]]) => ({ kind: 'delete-set', owner, type }) as const),
  owner.map((owner) => ({ kind: 'delete-name', owner }) as const),
)

/** Values by owner and type, and the TTL of each set. */
class Model {
  readonly sets = new Map<string, { ttl: number; values: Set<string> }>()

  static of(lines: readonly string[]): Model {
    const model = new Model()
    for (const line of lines) {
      const [owner, ttl, type, ...value] = line.split(' ')
      const set = model.sets.get(`${owner} ${type}`) ?? { ttl: Number(ttl), values: new Set() }
      model.sets.set(`${owner} ${type}`, set)
      set.values.add(value.join(' '))
    }
    return model
  }

  apply(s: Step): void {
    const at = (type: string) => `${s.owner} ${type}`
    if (s.kind === 'delete-name') {
      for (const key of this.sets.keys()) if (key.startsWith(`${s.owner} `)) this.sets.delete(key)
    } else if (s.kind === 'delete-set') this.sets.delete(at(s.type))
    else if (s.kind === 'delete') {
      const set = this.sets.get(at(s.type))
      set?.values.delete(shown(s))
      if (set?.values.size === 0) this.sets.delete(at(s.type))
    } else {
      const others = [...this.sets.keys()].filter((key) => key.startsWith(`${s.owner} `))
      const isAlias = s.type === 'CNAME'
      if (others.some((key) => key.endsWith(' CNAME') !== isAlias)) return
      const values = isAlias ? [] : (this.sets.get(at(s.type))?.values ?? [])
      this.sets.set(at(s.type), { ttl: s.ttl, values: new Set([...values, shown(s)]) })
    }
  }

  /** Without the SOA, whose serial is another matter. */
  lines(): string[] {
    const lines = [...this.sets].flatMap(([key, { ttl, values }]) => {
      const [owner, type] = key.split(' ')
      return [...values].map((value) => `${owner} ${ttl} ${type} ${value}`)
    })
    return lines.filter((line) => !line.includes(' SOA ')).sort()
  }
}

function shown({ type, value }: { type: string; value: string }): string {
  return type === 'TXT' && !value.startsWith('"') ? `"${value}"` : value
}

function lineOf(s: Step): string {
  if (s.kind === 'add') return `add ${s.owner} ${s.ttl} ${s.type} ${s.value}`
  if (s.kind === 'delete') return `delete ${s.owner} ${s.type} ${s.value}`
  return s.kind === 'delete-set' ? `delete ${s.owner} ${s.type}` : `delete ${s.owner}`
}

test('the file says what the model says, and keeps its comments', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 8 }),
      (runs) => {
        let text = ZONE
        let { zones } = loadZones(MemorySnapshot.of({ [PATH]: text }))
        const origin = name('example.org.')
        const model = Model.of(zoneRecords(zones.get(origin)!.zone!))
        for (const steps of runs) {
          const before = zones.get(origin)!.zone!
          const linesBefore = model.lines()
          for (const s of steps) model.apply(s)
          const update = decodeUpdate(updateOf('example.org.', steps.map(lineOf)))
          if (!update.ok) throw new Error(String(update.error))
          const around = { grants: GRANTS, published: before, isPublished: true, wallMs: 0 }
          const plan = planUpdate(zones, update.value, around)
          expect(plan.kind === 'refused' ? plan : undefined).toBeUndefined()
          const isSame = model.lines().join('\n') === linesBefore.join('\n')
          expect(plan.kind).toBe(isSame ? 'nothing' : 'change')
          if (plan.kind !== 'change') continue
          text = Buffer.from(plan.files.get(PATH)!).toString('latin1')
          ;({ zones } = loadZones(MemorySnapshot.of({ [PATH]: text })))
          const after = zones.get(origin)?.zone
          expect(after).toBeDefined()
          expect(zoneRecords(after!).filter((line) => !line.includes(' SOA '))).toEqual(
            model.lines(),
          )
          expect(isNewerSerial(after!.serial!, before.serial!)).toBe(true)
        }
        // What stands beside lines that nobody touched, and on lines of its own.
        for (const comment of COMMENTS) expect(text).toContain(comment)
      },
    ),
    { numRuns: 300 },
  )
})

const COMMENTS = [
  '; first: the zone of example.org',
  '; serial',
  '; end of soa',
  '; name server',
  '; mail',
  '; address of ns',
  '; people',
]

test('what the update does not allow is told by rcode, and the model of a zone stays', () => {
  const { zones } = loadZones(MemorySnapshot.of({ [PATH]: ZONE }))
  const update = decodeUpdate(updateOf('example.org.', ['add a.example.net. 60 A 192.0.2.1']))
  const around = { grants: GRANTS, published: undefined, isPublished: true, wallMs: 0 }
  expect(update.ok && planUpdate(zones, update.value, around)).toEqual({
    kind: 'refused',
    rcode: RCODE.NOTZONE,
  })
})
