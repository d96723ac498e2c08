import { describe, expect, test } from 'vitest'
import { problem } from '../../../../shared/result/problem.ts'
import { ZERO_OID, type Oid } from '../../../../store/object/oid.ts'
import { toStoredEntry } from '../../../../store/pack/entry.ts'
import { writePack } from '../../../../store/pack/write.ts'
import { GIT_LIMITS } from '../../../../store/serve/limits.ts'
import { PROBLEM_LINES_LIMIT, takePush, type PushDone } from '../../../../store/serve/push.ts'
import { encodePacket, FLUSH } from '../../../../store/wire/pkt-line.ts'
import {
  MemoryRepository,
  type MemoryRepositoryOptions,
} from '../../../support/memory-repository.ts'
import { ObjectMap } from '../../../support/object-map.ts'

const map = new ObjectMap()
const one = map.commit({ a: '1' }, [], 1)
const two = map.commit({ a: '2' }, [one], 2)
const pack = Buffer.concat(
  writePack([...map.objects.values()].map(({ type, bytes }) => toStoredEntry(type, bytes))).chunks,
)
const options = {
  policy: { pack: GIT_LIMITS.pack, allowForce: false, allowLinks: false },
  user: 'ada',
}

function repository(change: MemoryRepositoryOptions = {}): MemoryRepository {
  const made = new MemoryRepository(change)
  for (const oid of map.closure([one])) {
    const object = map.read(oid)!
    made.put(object.type, object.bytes)
  }
  made.setRef('refs/heads/main', one)
  return made
}

type Line = readonly [name: string, old: Oid, to: Oid]

async function push(
  to: MemoryRepository,
  lines: readonly Line[],
  capabilities = 'report-status',
): Promise<PushDone & { text: string }> {
  const commands = lines.map(([name, old, oid], n) =>
    encodePacket(`${old} ${oid} ${name}${n === 0 ? `\0${capabilities}` : ''}`),
  )
  const done = await takePush(to, Buffer.concat([...commands, FLUSH, pack]), options)
  return { ...done, text: Buffer.concat([...done.answer]).toString() }
}

describe('taking a push', () => {
  test('moves the refs with all that is new, in one transaction, in the name of the user', async () => {
    const to = repository()
    const done = await push(to, [
      ['refs/heads/main', one, two],
      ['refs/tags/v1', ZERO_OID, one],
    ])
    expect(done.kind).toBe('done')
    expect(done.objects).toBe(3)
    expect(to.requests).toHaveLength(1)
    expect(to.requests[0]).toMatchObject({ reason: 'push', user: 'ada', force: false })
    expect(done.text).toContain('ok refs/heads/main')
    expect(done.text).toContain('ok refs/tags/v1')
  })

  test('does what is possible when the appliance refuses one ref', async () => {
    const accept: MemoryRepositoryOptions['accept'] = ({ name }) =>
      name === 'refs/heads/main' ? [problem('Bad', { file: 'zones/a', line: 3 })] : []
    const lines: Line[] = [
      ['refs/heads/main', one, two],
      ['refs/heads/topic', ZERO_OID, two],
    ]
    const to = repository({ accept })
    const done = await push(to, lines, 'report-status side-band-64k')
    expect(done.kind).toBe('partial')
    expect(done.text).toContain('zones/a:3: Bad\n')
    expect(done.text).toContain('ng refs/heads/main content refused')
    expect(done.text).toContain('ok refs/heads/topic')
    expect([...to.refs()]).toEqual([
      ['refs/heads/main', one],
      ['refs/heads/topic', two],
    ])

    const atomic = repository({ accept })
    const refused = await push(atomic, lines, 'report-status atomic')
    expect(refused.kind).toBe('refused')
    expect(refused.text).toContain('ng refs/heads/topic atomic push failed')
    expect([...atomic.refs().keys()]).toEqual(['refs/heads/main'])
  })

  test('tells who came second', async () => {
    const to = repository()
    const update = to.update.bind(to)
    to.update = (request) => {
      to.setRef('refs/heads/main', two)
      return update(request)
    }
    const done = await push(to, [['refs/heads/main', one, two]])
    expect(done.text).toContain('ng refs/heads/main fetch first')
  })

  test('tells that nothing can be written', async () => {
    const to = repository()
    to.readOnly = 'no space left on the device'
    const done = await push(
      to,
      [
        ['refs/heads/main', one, two],
        ['refs/heads/x', ZERO_OID, one],
      ],
      'report-status side-band-64k',
    )
    expect(done.kind).toBe('refused')
    expect(done.text).toContain('The repository is read-only: no space left on the device')
    expect(done.text).toContain('ng refs/heads/x repository is read-only')
  })

  test('passes on notes, and does not drown a person in problems', async () => {
    const noted = await push(
      repository({ notes: ['Serial raised to 5'] }),
      [['refs/heads/main', one, two]],
      'report-status side-band-64k',
    )
    expect(noted.text).toContain('\x02Serial raised to 5\n')
    const accept = (): ReturnType<typeof problem>[] =>
      Array.from({ length: 1000 }, (_, i) => problem(`Bad ${i}`))
    const many = await push(
      repository({ accept }),
      [['refs/heads/main', one, two]],
      'report-status side-band-64k',
    )
    expect(many.text.match(/Bad \d+/g)).toHaveLength(PROBLEM_LINES_LIMIT)
    expect(many.text).toContain(`and ${1000 - PROBLEM_LINES_LIMIT} more problems`)
  })

  test('of refs that are gone already asks nothing of the repository', async () => {
    const to = repository()
    const done = await push(to, [['refs/heads/gone', two, ZERO_OID]])
    expect(done.text).toContain('ok refs/heads/gone')
    expect(to.requests).toHaveLength(0)
  })

  test('that cannot be read is answered so that git prints it', async () => {
    const done = await takePush(repository(), Buffer.from('what?'), options)
    expect(done.kind).toBe('unreadable')
    expect(Buffer.concat([...done.answer]).toString()).toMatch(
      /^[\da-f]{4}\x03receive-pack: malformed command list\n0000$/,
    )
  })
})
