import { describe, expect, test } from 'vitest'
import { judgeRefs, type RefPolicy } from '../../../../store/check/ref-rules.ts'
import { ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import type { Command } from '../../../../store/wire/receive-pack.ts'
import { ObjectMap } from '../../../support/object-map.ts'

const map = new ObjectMap()
const one = map.commit({ a: '1' }, [], 1)
const two = map.commit({ a: '2' }, [one], 2)
const other = map.commit({ a: '3' }, [one], 3)
const tag = map.tag(one, 'v1')
const refs = new Map<string, Oid>([
  ['refs/conflicts/1', one],
  ['refs/heads/main', two],
  ['refs/heads/topic', two],
  ['refs/tags/v1', tag],
])

const create = (name: string, to: Oid = one): Command => ({ name, old: ZERO_OID, new: to })
const move = (name: string, to: Oid, from = refs.get(name) ?? ZERO_OID): Command => ({
  name,
  old: from,
  new: to,
})
const remove = (name: string): Command => move(name, ZERO_OID)

function judge(
  commands: readonly Command[],
  policy: Partial<RefPolicy> = {},
): (string | undefined)[] {
  const judged = judgeRefs(commands, refs, map, {
    headRef: 'refs/heads/main',
    allowForce: false,
    ...policy,
  })
  return commands.map((command) => judged.get(command))
}

const next = map.commit({ a: '4' }, [two], 4)

describe('a ref', () => {
  test.each<[string, Command, string | undefined]>([
    ['moved forward', move('refs/heads/main', next), undefined],
    ['moved to where it is', move('refs/heads/main', two), undefined],
    ['moved aside', move('refs/heads/main', other), 'non-fast-forward'],
    ['moved aside, not served', move('refs/heads/topic', other), undefined],
    ['moved from where it is not', move('refs/heads/main', next, one), 'fetch first'],
    ['created where it is', create('refs/heads/topic'), 'fetch first'],
    ['created', create('refs/heads/new/branch'), undefined],
    ['created as a tag of anything', create('refs/tags/file', map.blob('x')), undefined],
    [
      'created as a branch of a tag',
      create('refs/heads/x', tag),
      'a branch must point at a commit',
    ],
    [
      'created from nothing',
      create('refs/heads/x', 'f'.repeat(40) as Oid),
      'missing necessary objects',
    ],
    ['deleted', remove('refs/heads/topic'), undefined],
    ['deleted though it is gone', { name: 'refs/heads/gone', old: one, new: ZERO_OID }, undefined],
    ['deleted from where it is not', move('refs/heads/topic', ZERO_OID, one), 'fetch first'],
    [
      'deleted though it is served',
      remove('refs/heads/main'),
      'deletion of the served branch is refused',
    ],
    ['deleted after a conflict', remove('refs/conflicts/1'), undefined],
    [
      'created as a conflict',
      create('refs/conflicts/2'),
      'refs/conflicts is written by the server',
    ],
    ['named HEAD', create('HEAD'), 'invalid ref name'],
    ['named with dots', create('refs/heads/../../config'), 'invalid ref name'],
    ['named like a lock', create('refs/heads/main.lock'), 'invalid ref name'],
    ['named too long', create(`refs/heads/${'x'.repeat(300)}`), 'invalid ref name'],
    ['below another', create('refs/heads/main/sub'), 'name clashes with another ref'],
    ['above another', create('refs/heads'), 'name clashes with another ref'],
  ])('%s', (_, command, reason) => {
    expect(judge([command])).toEqual([reason])
  })

  test('may be rewound where that is configured', () => {
    expect(judge([move('refs/heads/main', one)])).toEqual(['non-fast-forward'])
    expect(judge([move('refs/heads/main', one)], { allowForce: true })).toEqual([undefined])
  })

  test('named twice is refused both times', () => {
    const reason = 'ref named twice in one push'
    expect(judge([create('refs/heads/a'), create('refs/heads/a', two)])).toEqual([reason, reason])
  })

  test('takes the place of one deleted in the same push, but not of one that stays', () => {
    expect(judge([create('refs/heads/topic/sub'), remove('refs/heads/topic')])).toEqual([
      undefined,
      undefined,
    ])
    expect(judge([create('refs/heads/main/sub'), remove('refs/heads/main')])).toEqual([
      'name clashes with another ref',
      'deletion of the served branch is refused',
    ])
    expect(judge([create('refs/heads/x'), create('refs/heads/x/y')])).toEqual([
      undefined,
      'name clashes with another ref',
    ])
  })
})
