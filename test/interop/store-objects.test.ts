// Stock git on both sides of our objects and packs: it reads what we write, we read what it writes.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { decodeCommit, encodeCommit, messageText } from '../../store/object/commit.ts'
import { DeltaBuilder } from '../../store/object/delta.ts'
import { makeEdgeDelta } from '../../store/object/edge-delta.ts'
import { isOid, oidBytes, oidOf, type ObjectType, type Oid } from '../../store/object/oid.ts'
import { decodeTag, encodeTag } from '../../store/object/tag.ts'
import { checkTree, Tree, TREE_MODE } from '../../store/object/tree.ts'
import { toStoredEntry } from '../../store/pack/entry.ts'
import { encodeIndex, PackIndex } from '../../store/pack/index-file.ts'
import { parsePack, type ParsedPack } from '../../store/pack/parse.ts'
import { writePack } from '../../store/pack/write.ts'
import { formatPackedRefs, parsePackedRefs } from '../../store/refs/packed-refs.ts'
import { isValidRefName } from '../../store/refs/ref-name.ts'
import type { StoredEntry } from '../../store/repository.ts'
import { decodeAllPackets } from '../../store/wire/pkt-line.ts'
import { Random } from '../fuzz/harness.ts'
import { git, gitOk, type GitOptions } from '../support/git.ts'
import { peerTest } from '../support/peers.ts'
import { tempDir } from '../support/temp.ts'

const LIMITS = { objects: 100_000, inflatedBytes: 1e9, deltaDepth: 4096, objectBytes: 1e8 }

async function bareRepository(): Promise<string> {
  const folder = tempDir('objects')
  await gitOk(['init', '-q', '--bare', folder])
  return folder
}

async function inGit(folder: string, args: string[], options: GitOptions = {}): Promise<string> {
  return await gitOk(args, { cwd: folder, ...options })
}

async function hashed(folder: string, type: ObjectType, bytes: Uint8Array | string): Promise<Oid> {
  const args = ['hash-object', '-w', '-t', type, '--stdin', '--literally']
  const oid = await inGit(folder, args, { input: bytes })
  if (!isOid(oid)) throw new Error(`git says ${oid}`)
  return oid
}

/** Every object of a repository, as git itself reads it. */
async function allObjects(folder: string): Promise<Map<string, { type: string; bytes: Buffer }>> {
  const run = await git(['cat-file', '--batch-all-objects', '--batch', '--unordered'], {
    cwd: folder,
  })
  const objects = new Map<string, { type: string; bytes: Buffer }>()
  for (let at = 0; at < run.bytes.length;) {
    const end = run.bytes.indexOf('\n', at)
    const [oid, type, size] = run.bytes.toString('latin1', at, end).split(' ')
    const bytes = run.bytes.subarray(end + 1, end + 1 + Number(size))
    objects.set(oid!, { type: type!, bytes })
    at = end + 2 + bytes.length
  }
  return objects
}

/** A repository with a history that packs into deltas: a large file and a large folder, edited again and again. */
async function editedRepository(commits: number): Promise<string> {
  const folder = await bareRepository()
  const random = new Random(7)
  const lines = Array.from({ length: 400 }, (_, i) => `host-${i} 3600 IN A 192.0.2.${i % 250}\n`)
  const stream: string[] = []
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`
  for (let i = 0; i < commits; i++) {
    lines[random.below(lines.length)] = `host-${i} 60 IN TXT "edit ${i}"\n`
    stream.push(`commit refs/heads/main\ncommitter Ada <ada@example.org> ${1e9 + i} +0100\n`)
    stream.push(data(`edit ${i}\n`), `M 100644 inline zone\n`, data(lines.join('')))
    stream.push(`M 100755 inline folder/${random.below(60)}.ics\n`, data(`event ${i}\n`))
  }
  stream.push(
    `tag v1\nfrom refs/heads/main\ntagger Ada <ada@example.org> 5 -0030\n`,
    data('a tag\n'),
  )
  await inGit(folder, ['fast-import', '--quiet'], { input: stream.join('') })
  return folder
}

function parsed(
  bytes: Uint8Array,
  resolve: Parameters<typeof parsePack>[1]['resolve'] = none,
): ParsedPack {
  const pack = parsePack(bytes, { resolve, limits: LIMITS })
  if (!pack.ok) throw new Error(JSON.stringify(pack.error))
  return pack.value
}

const none = (): undefined => undefined

describe('trees', () => {
  peerTest('git', 'made by changes have the id git mktree gives', async () => {
    const folder = await bareRepository()
    const file = await hashed(folder, 'blob', 'x')
    const sub = await hashed(folder, 'tree', '')
    const names = ['a', 'a-b', 'a.b', 'a0', 'ab', 'A', 'ä', 'z', 'a b', '"', "'", '-', '~']
    const random = new Random(11)
    let tree = Tree.EMPTY
    for (let round = 0; round < 12; round++) {
      const step = Array.from({ length: 5 }, () => {
        const item = random.pick([
          { mode: 0o100644, oid: file },
          { mode: 0o100755, oid: file },
          { mode: TREE_MODE, oid: sub },
          undefined,
        ])
        return [random.pick(names)!, item] as const
      })
      tree = tree.change(new Map(step)).tree
      const rows = [...tree].map(({ name, mode, oid }) => {
        const type = mode === TREE_MODE ? 'tree' : 'blob'
        return `${mode.toString(8).padStart(6, '0')} ${type} ${oid}\t${name}\0`
      })
      expect(tree.oid).toBe(await inGit(folder, ['mktree', '-z'], { input: rows.join('') }))
    }
  })

  peerTest('git', 'are bad where git fsck says so', async () => {
    const folder = await bareRepository()
    const blob = await hashed(folder, 'blob', 'x')
    const empty = await hashed(folder, 'tree', '')
    const entry = (mode: string, name: string, oid: Oid = blob): Buffer =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), oidBytes(oid)])
    const file = (name: string): Buffer => entry('100644', name)
    const cases: Buffer[] = [
      file('ok'),
      Buffer.concat([file('a'), file('b')]),
      Buffer.concat([file('b'), file('a')]),
      Buffer.concat([file('a'), file('a')]),
      Buffer.concat([file('a-b'), entry('40000', 'a', empty)]),
      Buffer.concat([entry('40000', 'a', empty), file('a-b')]),
      Buffer.concat([file('a'), file('a-b'), entry('40000', 'a', empty)]),
      entry('040000', 'a', empty),
      entry('100600', 'a'),
      entry('100755', 'a'),
      entry('120000', 'a'),
      entry('100644', 'a', '0'.repeat(40) as Oid),
      ...[
        '.',
        '..',
        '.git',
        '.GIT',
        '.gIt',
        'git~1',
        'GIT~1',
        '.git ',
        '.git.',
        '.git . .',
        '.git..x',
      ].map(file),
      ...[
        '.git:x',
        '.git::$INDEX_ALLOCATION',
        'x\\.git',
        '.g\u200cit',
        '\u206a.git',
        '.git\ufeff',
      ].map(file),
      ...[
        'git~2',
        '.gi',
        'git',
        '.gitx',
        '.git x',
        'x\\.gitx',
        'x\\git~1',
        'x.git',
        '...',
        '.git~1',
      ].map(file),
      ...['a/b', 'ü', 'e\u0301', 'a b', '"', 'git~1 ', 'git~1.', 'GIT~1 .'].map(file),
    ]
    const oids = await Promise.all(cases.map((raw) => hashed(folder, 'tree', raw)))
    const { stderr } = await git(['fsck', '--strict', '--no-dangling'], { cwd: folder })
    const blamed = new Set(
      [...stderr.matchAll(/(?:error|warning) in tree ([0-9a-f]{40})/g)].map((m) => m[1]),
    )
    expect(blamed.size).toBeGreaterThan(15)
    for (const [i, raw] of cases.entries()) {
      const tree = Tree.decode(raw)
      const problems = tree.ok ? checkTree(tree.value) : ['no tree']
      expect({ tree: raw.toString(), bad: problems.length > 0 }).toEqual({
        tree: raw.toString(),
        bad: blamed.has(oids[i]!),
      })
    }
  })
})

describe('commits and tags', () => {
  peerTest('git', 'of every shape git writes come back byte for byte', async () => {
    const folder = await bareRepository()
    const tree = await hashed(folder, 'tree', '')
    const commit = async (
      message: string | Buffer,
      args: string[] = [],
      env = {},
    ): Promise<string> =>
      await inGit(folder, [...args, 'commit-tree', tree, '-F', '-'], { input: message, env })
    const first = await commit('first\n')
    const second = await commit('no newline at the end')
    await inGit(folder, ['commit-tree', tree, '-p', first, '-p', second, '-m', 'merge'])
    await commit('')
    await commit('\n\nlines\n\n\nabove')
    await commit(Buffer.from('caf\xe9\n', 'latin1'), ['-c', 'i18n.commitEncoding=ISO-8859-1'])
    await commit('names\n', [], { GIT_AUTHOR_NAME: 'Åsa Ö. "Q" \\', GIT_AUTHOR_EMAIL: '' })
    await commit('names\n', [], { GIT_AUTHOR_NAME: 'a.', GIT_AUTHOR_DATE: '@5 -1130' })
    await inGit(folder, ['tag', '-a', '-m', 'a tag', 'v1', first])
    await inGit(folder, ['tag', '-a', '-m', 'a tag of a tag', 'v1-again', 'v1'])
    await inGit(folder, ['tag', '-a', '-m', 'of a tree, ü', 'tree-ü', tree])
    const seen = { commit: 0, tag: 0 }
    for (const [oid, { type, bytes }] of await allObjects(folder)) {
      if (type === 'commit') {
        const decoded = decodeCommit(bytes)
        if (!decoded.ok) throw new Error(`${oid}: ${decoded.error.why}`)
        expect(encodeCommit(decoded.value)).toEqual(bytes)
        const text = await inGit(folder, ['log', '-1', '--format=%an%x00%ae%x00%at%x00%B%x00', oid])
        const [name, email, time, body] = text.split('\0')
        expect(decoded.value.author).toMatchObject({ name, email, timeSeconds: Number(time) })
        expect(messageText(decoded.value).trim()).toBe(body!.trim())
        seen.commit++
      }
      if (type === 'tag') {
        const decoded = decodeTag(bytes)
        if (!decoded.ok) throw new Error(`${oid}: ${decoded.error.why}`)
        expect(encodeTag(decoded.value)).toEqual(bytes)
        seen.tag++
      }
    }
    expect(seen).toEqual({ commit: 8, tag: 3 })
  })
})

describe('packs of ours', () => {
  const lines = Array.from({ length: 3000 }, (_, i) => `h${i} IN A 192.0.2.${i % 256}\n`)

  /** Versions of a file as a chain of deltas, trees as deltas of `change`, and a copy too long for 16 bits. */
  function entries(): StoredEntry[] {
    const made: StoredEntry[] = []
    let last = Buffer.from(lines.join(''))
    made.push(toStoredEntry('blob', last))
    for (let i = 0; i < 20; i++) {
      const next = Buffer.from(
        lines
          .with(0, `serial ${i}\n`)
          .with(i * 100, `edit ${i}\n`)
          .join(''),
      )
      const delta = makeEdgeDelta(last, next)!
      made.push(toStoredEntry('blob', next, { oid: oidOf('blob', last), delta }))
      last = next
    }
    let tree = Tree.EMPTY
    for (let i = 0; i < 2000; i++) {
      const item = { mode: 0o100644, oid: made[0]!.oid }
      tree = tree.change(new Map([[`file-${(i * 7919) % 2000}`, item]])).tree
    }
    made.push(toStoredEntry('tree', tree.raw))
    for (let i = 0; i < 20; i++) {
      const item = { mode: 0o100755, oid: made[1]!.oid }
      const { tree: next, delta } = tree.change(new Map([[`file-${i * 50}`, item]]))
      made.push(toStoredEntry('tree', next.raw, { oid: tree.oid, delta }))
      tree = next
    }
    const large = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 2654435761) >>> 24))
    const builder = new DeltaBuilder(large.length)
    builder.copy(1, large.length - 1)
    builder.copy(0, 0x10000)
    builder.copy(0, 1)
    const turned = Buffer.concat([
      large.subarray(1),
      large.subarray(0, 0x10000),
      large.subarray(0, 1),
    ])
    const delta = builder.finish(turned.length)
    made.push(toStoredEntry('blob', large))
    made.push(toStoredEntry('blob', turned, { oid: oidOf('blob', large), delta }))
    made.push(...[0, 1, 255, 256, 257].map((n) => toStoredEntry('blob', Buffer.alloc(n, 0xff))))
    return made
  }

  peerTest('git', 'pass index-pack --strict, which writes the very index we write', async () => {
    const folder = await bareRepository()
    const { chunks, rows, checksum } = writePack(entries())
    const input = Buffer.concat(chunks)
    const name = await inGit(folder, ['index-pack', '--strict', '--stdin'], { input })
    const path = join(folder, 'objects/pack', `pack-${name.split('\t')[1]}`)
    expect(Buffer.from(encodeIndex(rows, checksum)).equals(readFileSync(`${path}.idx`))).toBe(true)
    await inGit(folder, ['verify-pack', `${path}.pack`])
    await inGit(folder, ['fsck', '--full', '--strict', '--no-dangling'])
    const objects = await allObjects(folder)
    expect([...objects.keys()].toSorted()).toEqual(rows.map((row) => row.oid).toSorted())
  })

  peerTest('git', 'that are thin are completed by git from what it has', async () => {
    const folder = await bareRepository()
    const [base, ...rest] = entries().slice(0, 10)
    const whole = Buffer.concat(writePack([base!]).chunks)
    await inGit(folder, ['index-pack', '--stdin'], { input: whole })
    const thin = Buffer.concat(writePack(rest).chunks)
    await inGit(folder, ['index-pack', '--strict', '--fix-thin', '--stdin'], { input: thin })
    await inGit(folder, ['fsck', '--full', '--no-dangling'])
    expect((await allObjects(folder)).size).toBe(10)
  })

  peerTest('git', 'are unpacked to loose objects', async () => {
    const folder = await bareRepository()
    const input = Buffer.concat(writePack(entries()).chunks)
    await inGit(folder, ['unpack-objects', '-q', '--strict'], { input })
    const objects = await allObjects(folder)
    for (const { oid, type } of entries()) expect(objects.get(oid)?.type).toBe(type)
    expect(objects.size).toBe(entries().length)
  })
})

describe('packs of git', () => {
  const shapes: [title: string, args: string[]][] = [
    ['with deltas by distance', ['--delta-base-offset', '--depth=50']],
    ['with deltas by id', ['--depth=50']],
    ['with very long chains', ['--delta-base-offset', '--depth=4095', '--window=300']],
    ['without deltas', ['--depth=0']],
    ['compressed by level 9', ['--compression=9', '--delta-base-offset']],
  ]
  for (const [title, args] of shapes) {
    peerTest('git', title, async () => {
      const folder = await editedRepository(120)
      const objects = await allObjects(folder)
      const run = await git(['pack-objects', '-q', '--stdout', '--no-reuse-delta', ...args], {
        cwd: folder,
        input: [...objects.keys()].join('\n'),
      })
      const pack = parsed(run.bytes)
      expect([...pack.oids].toSorted()).toEqual([...objects.keys()].toSorted())
      const before = new Set<Oid>()
      for (const entry of pack.entries) {
        const object = pack.object(entry.oid)
        expect(object?.type).toBe(objects.get(entry.oid)?.type)
        expect(objects.get(entry.oid)!.bytes.equals(object!.bytes)).toBe(true)
        if (entry.base !== undefined) expect(before.has(entry.base)).toBe(true)
        before.add(entry.oid)
      }
      const deltas = pack.entries.filter((entry) => entry.base !== undefined).length
      if (args[0] === '--depth=0') expect(deltas).toBe(0)
      else expect(deltas).toBeGreaterThan(100)
      // And back: our copy of its entries is a pack to git again.
      const copy = Buffer.concat(writePack(pack.entries).chunks)
      const other = await bareRepository()
      await inGit(other, ['index-pack', '--strict', '--stdin'], { input: copy })
      expect((await allObjects(other)).size).toBe(objects.size)
    })
  }

  peerTest('git', 'that are thin lean on what we have', async () => {
    const folder = await editedRepository(40)
    const input = `main\n^main~3\n`
    const args = ['pack-objects', '-q', '--stdout', '--thin', '--revs', '--delta-base-offset']
    const run = await git(args, { cwd: folder, input })
    const objects = await allObjects(folder)
    const asked = new Set<Oid>()
    const pack = parsed(run.bytes, (oid) => {
      asked.add(oid)
      const object = objects.get(oid)
      return object && { type: object.type as ObjectType, bytes: object.bytes }
    })
    expect(asked.size).toBeGreaterThan(0)
    for (const oid of pack.oids)
      expect(objects.get(oid)!.bytes.equals(pack.object(oid)!.bytes)).toBe(true)
    const missing = parsePack(run.bytes, { resolve: none, limits: LIMITS })
    expect(missing.ok ? undefined : missing.error.kind).toBe('pack-missing-base')
  })

  peerTest('git', 'have indexes we search', async () => {
    const folder = await editedRepository(60)
    await inGit(folder, ['repack', '-adq'])
    const packs = join(folder, 'objects/pack')
    const file = readdirSync(packs).find((name) => name.endsWith('.idx'))!
    const opened = PackIndex.open(readFileSync(join(packs, file)))
    if (!opened.ok) throw new Error(opened.error.kind)
    const verified = await inGit(folder, ['verify-pack', '-v', join(packs, file)])
    const rows = [...verified.matchAll(/^([0-9a-f]{40}) \w+ +\d+ (\d+) (\d+)/gm)]
    expect(rows.length).toBe(opened.value.count)
    for (const [, oid, size, offset] of rows) {
      expect(opened.value.find(oid as Oid)).toBe(Number(offset))
      const end = opened.value.endOf(Number(offset))
      if (end !== undefined) expect(end - Number(offset)).toBe(Number(size))
    }
  })
})

describe('refs', () => {
  peerTest('git', 'packed by git are read, and ours are found by git', async () => {
    const folder = await editedRepository(3)
    for (const name of ['a', 'z', 'ü', '\u{1f600}', '\uff5e', 'a-b', 'a/b']) {
      await inGit(folder, ['update-ref', `refs/x/${name}/r`, 'main'])
    }
    await inGit(folder, ['pack-refs', '--all'])
    const listed = (
      await inGit(folder, ['for-each-ref', '--format=%(objectname) %(refname)'])
    ).split('\n')
    const path = join(folder, 'packed-refs')
    const packed = parsePackedRefs(readFileSync(path))
    expect(packed.refs.map(({ oid, name }) => `${oid} ${name}`).toSorted()).toEqual(
      listed.toSorted(),
    )
    expect(packed.refs.find(({ name }) => name === 'refs/tags/v1')?.peeled).toBe(
      await inGit(folder, ['rev-parse', 'v1^{}']),
    )
    const ours = formatPackedRefs({ ...packed, refs: packed.refs.toReversed() })
    expect(Buffer.from(ours).equals(readFileSync(path))).toBe(true)
    writeFileSync(path, ours)
    for (const line of listed) {
      const [oid, name] = line.split(' ')
      expect(await inGit(folder, ['rev-parse', name!])).toBe(oid)
    }
  })

  peerTest('git', 'have the names git check-ref-format takes', async () => {
    const parts = [
      'a',
      '.',
      '/',
      '@',
      '{',
      '~',
      '.lock',
      'ü',
      '-',
      '..',
      ' ',
      '\\',
      '*',
      '@{',
      '\x7f',
    ]
    const random = new Random(23)
    const names = Array.from({ length: 150 }, () => {
      const length = 1 + random.below(5)
      return `refs/${Array.from({ length }, () => random.pick(parts)).join('')}`
    })
    let taken = 0
    for (const name of names) {
      const { code } = await git(['check-ref-format', name])
      expect({ name, valid: isValidRefName(name) }).toEqual({ name, valid: code === 0 })
      if (code === 0) taken++
    }
    expect(taken).toBeGreaterThan(10)
  })
})

describe('packet lines', () => {
  peerTest('git', 'of its advertisement come apart', async () => {
    const folder = await editedRepository(2)
    const run = await git(['upload-pack', '--advertise-refs', folder])
    const packets = decodeAllPackets(run.bytes)
    if (!packets.ok) throw new Error(packets.error.kind)
    const lines = packets.value.map((p) =>
      p.kind === 'data' ? Buffer.from(p.bytes).toString() : p.kind,
    )
    expect(lines.at(-1)).toBe('flush')
    expect(lines.map((line) => line.split('\0')[0]!.slice(41).trim())).toContain('refs/heads/main')
  })
})
