import { expect, test } from 'vitest'
import { Policy } from '../../../../../../appliances/resolver/core/policy/policy.ts'
import { PolicyAnswers } from '../../../../../../appliances/resolver/core/policy/policy-answers.ts'
import { PolicyBranch } from '../../../../../../appliances/resolver/core/policy/policy-branch.ts'
import { RCODE } from '../../../../../../shared/dns/message.ts'
import { formatName } from '../../../../../../shared/dns/name.ts'
import { formatRdata } from '../../../../../../shared/dns/rdata.ts'
import { TYPE } from '../../../../../../shared/dns/record-types.ts'
import { formatProblem } from '../../../../../../shared/result/problem.ts'
import { MemorySnapshot } from '../../../../../support/memory-snapshot.ts'
import { name } from '../../../../../support/zones.ts'

const SEED = 0x5eed
const NOW_MS = 1_700_000_000_000
const HEAD = MemorySnapshot.of({
  'README.md': 'Lists of the house.\n',
  'policy/README.md': '<p>Not a list</p>\n',
  'policy/block/ads': '||ads.example^\n',
  'policy/block/more/social.txt': 'social.example\n',
  'policy/allow/ours': 'good.ads.example\n',
  'policy/hosts/house': '192.0.2.7 nas.home.arpa nas # in the cellar\n2001:db8::7 NAS.home.arpa\n',
})

function verdicts(snapshot: MemorySnapshot): readonly string[] {
  return new PolicyBranch(SEED).accept(snapshot, HEAD).problems.map(formatProblem)
}

test('lists of the branch block and allow, named by their path', () => {
  const { lists, house, problems } = new PolicyBranch(SEED).at(HEAD)
  expect(problems).toEqual([])
  const policy = new Policy(lists, house)
  expect(policy.find(name('x.ads.example'))?.list).toBe('ads')
  expect(policy.find(name('social.example'))?.list).toBe('more/social.txt')
  expect(policy.find(name('good.ads.example'))).toBeUndefined()
})

test('only what changed is read', () => {
  const branch = new PolicyBranch(SEED)
  const before = branch.at(HEAD).lists
  const after = branch.at(HEAD.with({ 'policy/block/ads': '||other.example^\n' })).lists
  const same = after.filter((list) => before.includes(list)).map((list) => list.name)
  expect(same.sort()).toEqual(['more/social.txt', 'ours'])
})

test('a wrong line, a file elsewhere and a name that is none are refused with their place', () => {
  expect(verdicts(HEAD.with({ 'policy/block/ads': 'a.example\n<html>\n' }))).toEqual([
    'policy/block/ads:2: Is no rule or name: "<html>"',
  ])
  expect(verdicts(HEAD.with({ 'policy/blok/ads': 'a.example\n' }))).toEqual([
    'policy/blok/ads: Expected a list in policy/block, policy/allow, policy/hosts or policy/rpz',
  ])
  expect(verdicts(HEAD.with({ 'policy/ads': 'a.example\n' }))).toEqual([
    'policy/ads: Expected a list in policy/block, policy/allow, policy/hosts or policy/rpz',
  ])
  expect(
    verdicts(HEAD.with({ 'policy/hosts/house': '192.0.2.1\nnas 192.0.2.1\n192.0.2.1 a/b\n' })),
  ).toEqual([
    'policy/hosts/house:1: An address without a name: "192.0.2.1"',
    'policy/hosts/house:2: Expected an address before the names: "nas"',
    'policy/hosts/house:3: Is no name: "a/b"',
  ])
})

test('a name of the house has 16 addresses at most', () => {
  const text = Array.from({ length: 17 }, (_, i) => `192.0.2.${i + 1} a.home.arpa\n`).join('')
  expect(verdicts(HEAD.with({ 'policy/hosts/house': text }))).toEqual([
    'policy/hosts/house:17: More than 16 addresses of one name',
  ])
})

test('names of the house are answered both ways, and nobody says that they are blocked', () => {
  const { lists, house } = new PolicyBranch(SEED).at(
    HEAD.with({ 'policy/block/all': 'home.arpa\n' }),
  )
  const answers = new PolicyAnswers(new Policy(lists, house))
  const ask = (text: string, qtype: number) =>
    answers.find({ qname: name(text), qtype, checkingDisabled: false }, NOW_MS)
  const shown = (text: string, qtype: number): readonly string[] =>
    ask(text, qtype)!.links[0]!.rrsets.flatMap(({ rdatas }) =>
      rdatas.map((rdata) => formatRdata(qtype, rdata)),
    )
  expect(shown('nas.home.arpa', TYPE.A)).toEqual(['192.0.2.7'])
  expect(shown('nas.home.arpa', TYPE.AAAA)).toEqual(['2001:db8::7'])
  expect(shown('nas', TYPE.A)).toEqual(['192.0.2.7'])
  expect(shown('7.2.0.192.in-addr.arpa', TYPE.PTR)).toEqual(['nas.home.arpa.'])
  const nibbles = `7.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`
  expect(shown(nibbles, TYPE.PTR)).toEqual(['NAS.home.arpa.'])
  const none = ask('nas.home.arpa', TYPE.MX)!
  expect([none.rcode, none.links[0]!.kind, none.extendedErrors]).toEqual([
    RCODE.NOERROR,
    'nodata',
    [],
  ])
  expect(formatName(none.links[0]!.authority[0]!.owner)).toBe('nas.home.arpa.')
  expect(answers.blocked).toBe(0)
  expect(ask('other.home.arpa', TYPE.A)!.rcode).toBe(RCODE.NXDOMAIN)
})
