// What is made of known NSEC records beside what the servers would have said: whatever was asked before, in a random signed zone,
// no name or type is denied that is there, and each made denial would pass the check of a server's.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ChainValidator } from '../../../../appliances/resolver/core/validate/chain-validator.ts'
import { ScriptedInternet } from '../../../support/scripted-internet.ts'
import { SIGNED_AT, SignedHierarchy } from '../../../support/signed-hierarchy.ts'

const label = fc.constantFrom('a', 'b', 'c', '*', 'd')
const owner = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
const data = fc.constantFrom('A 198.51.100.1', 'TXT "x"', 'CNAME www.zone.test.')
const asked = fc.record({
  owner: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 0, maxLength: 4 }),
  type: fc.constantFrom('A', 'TXT', 'MX', 'NS'),
})

test('denials that are made are those that the servers give', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(owner, data), { maxLength: 12, selector: ([name]) => name }),
      fc.array(asked, { minLength: 2, maxLength: 25 }),
      (records, questions) => {
        // A delegation now and then: what lies below it is not the zone's to deny.
        const text = ['www A 198.51.100.9', ...records.map(([name, rest]) => `${name} ${rest}`)]
        const tree = new SignedHierarchy([
          { origin: '.', text: '', sign: { denial: 'nsec' } },
          { origin: 'test.', text: '', sign: { denial: 'nsec' } },
          { origin: 'zone.test.', text: text.join('\n'), sign: { denial: 'nsec' } },
          { origin: 'e.zone.test.', text: 'a A 198.51.100.2\n*.b TXT "y"' },
        ])
        const internetOf = (): ScriptedInternet => {
          const internet = new ScriptedInternet({ validator: new ChainValidator(tree.setup) })
          internet.nowMs = (SIGNED_AT + 3600) * 1000
          tree.attach(internet)
          return internet
        }
        const warm = internetOf()
        for (const { owner, type } of questions) {
          const question = `${[...owner, 'zone.test.'].join('.')} ${type}`
          const made = warm.resolver.counts.synthesized
          const answer = warm.ask(question)
          const fresh = internetOf().ask(question)
          expect([answer.rcode, answer.security, answer.links.map(({ kind }) => kind)]).toEqual([
            fresh.rcode,
            fresh.security,
            fresh.links.map(({ kind }) => kind),
          ])
          if (warm.resolver.counts.synthesized === made) continue
          for (const link of answer.links)
            if (link.kind === 'nxdomain' || link.kind === 'nodata')
              expect(tree.check(link).security, question).toBe('secure')
        }
      },
    ),
    { numRuns: 12 },
  )
})
