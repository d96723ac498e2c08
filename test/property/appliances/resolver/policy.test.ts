// The compact tables beside sets of text: whatever is listed in whatever order, they block the same names by the same list.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Policy } from '../../../../appliances/resolver/core/policy/policy.ts'
import { PolicyList } from '../../../../appliances/resolver/core/policy/policy-list.ts'
import { name } from '../../../support/zones.ts'

/** Few labels, so that names meet; one is a beginning of another, one as long as they get. */
const label = fc.constantFrom('a', 'b', 'ab', 'ba', 'x'.repeat(63))
const domain = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
const list = fc.constantFrom('one', 'two')
const rule = fc.record({ domain, list, isAllowed: fc.boolean(), isExact: fc.boolean() })
const bulk = fc.integer({ min: 0, max: 1500 })

class Model {
  readonly #rules = new Map<string, string>()

  add(kind: string, domain: string, list: string): void {
    const key = `${kind} ${domain}`
    if (!this.#rules.has(key)) this.#rules.set(key, list)
  }

  find(domain: string): string | undefined {
    return this.#match('allow', domain) === undefined ? this.#match('block', domain) : undefined
  }

  #match(kind: string, domain: string): string | undefined {
    const exact = this.#rules.get(`${kind} alone ${domain}`)
    if (exact !== undefined) return exact
    const labels = domain.split('.')
    for (let i = 0; i < labels.length; i++) {
      const list = this.#rules.get(`${kind} tree ${labels.slice(i).join('.')}`)
      if (list !== undefined) return list
    }
    return undefined
  }
}

test('a policy is what a set of text would be', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 30 }),
      fc.array(domain, { minLength: 1, maxLength: 30 }),
      bulk,
      fc.integer(),
      (rules, asked, others, seed) => {
        const lists = new Map<string, PolicyList>()
        const model = new Model()
        const put = (domain: string, list: string, isAllowed: boolean, isExact: boolean): void => {
          const kind = isAllowed ? 'allow' : 'block'
          const key = `${kind} ${list}`
          const made = lists.get(key) ?? new PolicyList(kind, list, seed)
          lists.set(key, made)
          made.addLine(isExact ? `0.0.0.0 ${domain}` : domain, { file: list, line: 1 })
          model.add(`${kind} ${isExact ? 'alone' : 'tree'}`, domain, list)
        }
        // So many others that the tables grow before, and between.
        for (let i = 0; i < others; i++) put(`n${i}.a`, 'bulk', false, i % 3 === 0)
        // List by list, as they are read.
        for (const which of ['one', 'two'])
          for (const { domain, list, isAllowed, isExact } of rules)
            if (list === which) put(domain, list, isAllowed, isExact)
        for (let i = 0; i < others; i++) put(`n${i}.b`, 'bulk', false, i % 3 === 0)
        const made = [...lists.values()]
        for (const each of made) each.trim()
        expect(made.flatMap(({ problems }) => problems)).toEqual([])
        const policy = new Policy(made)
        const listed = rules.map(({ domain }) => domain)
        const below = [...listed, ...asked].map((domain) => `z.${domain}`)
        for (const each of [...listed, ...asked, ...below, `n${others - 1}.a`, 'z.n0.b', 'n0.c'])
          expect(policy.find(name(each))?.list, each).toBe(model.find(each))
      },
    ),
    { numRuns: 60 },
  )
})
